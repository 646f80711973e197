"""The machine the engine runs on: what it is, how current, who may sign in, what listens, how it is protected."""

from compliance.collectors.host.collector import Host

__all__ = ["Host"]
