"""Controls over a period: timelines, what a rule expects, exceptions, populations, samples. No ledger, no clock."""
