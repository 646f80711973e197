"""Verification from stored bytes alone. Imports nothing of the writer. Format: schemas/ledger.md."""

from compliance.verify.anchors import is_claim
from compliance.verify.check import verify, verify_connection, verify_segments
from compliance.verify.proof import BadProof, check_consistency, check_inclusion
from compliance.verify.result import AnchorFound, Problem, Verification
from compliance.verify.sealed import segment_key, segments_key, segments_origin

__all__ = [
    "AnchorFound",
    "BadProof",
    "Problem",
    "Verification",
    "check_consistency",
    "check_inclusion",
    "is_claim",
    "segment_key",
    "segments_key",
    "segments_origin",
    "verify",
    "verify_connection",
    "verify_segments",
]
