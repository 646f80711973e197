"""A school's year in a ledger, with faults planted at known times: see README.md."""
