"""Verification from stored bytes alone. Imports nothing of the writer. Format: schemas/ledger.md."""

from compliance.verify.anchors import is_claim
from compliance.verify.check import verify, verify_connection
from compliance.verify.proof import BadProof, check_consistency, check_inclusion
from compliance.verify.result import AnchorFound, Problem, Verification

__all__ = [
    "AnchorFound",
    "BadProof",
    "Problem",
    "Verification",
    "check_consistency",
    "check_inclusion",
    "is_claim",
    "verify",
    "verify_connection",
]
