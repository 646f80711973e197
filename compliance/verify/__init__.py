"""Verification from stored bytes alone. Imports nothing of the writer. Format: schemas/ledger.md."""
