"""Verification from stored bytes alone. Imports nothing of the writer. Format: schemas/ledger.md."""

from compliance.verify.check import verify, verify_connection
from compliance.verify.proof import BadProof, check_consistency, check_inclusion
from compliance.verify.result import Problem, Verification

__all__ = [
    "BadProof",
    "Problem",
    "Verification",
    "check_consistency",
    "check_inclusion",
    "verify",
    "verify_connection",
]
