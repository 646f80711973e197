"""Verification from stored bytes alone. Imports nothing of the writer. Format: schemas/ledger.md."""

from compliance.verify.check import verify, verify_connection, verify_segments
from compliance.verify.result import Problem, Verification

__all__ = ["Problem", "Verification", "verify", "verify_connection", "verify_segments"]
