"""Use cases: what the commands do, without any command line."""
