"""Verification from stored bytes alone. Imports nothing of the writer. Format: schemas/ledger.md."""

from compliance.verify.check import verify, verify_connection, verify_segments
from compliance.verify.proof import BadProof, check_consistency, check_inclusion
from compliance.verify.result import Problem, Verification
from compliance.verify.sealed import segments_origin

__all__ = [
    "BadProof",
    "Problem",
    "Verification",
    "check_consistency",
    "check_inclusion",
    "segments_origin",
    "verify",
    "verify_connection",
    "verify_segments",
]
