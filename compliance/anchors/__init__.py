"""Anchors: places that the owner of a ledger alone cannot change, and copies of its checkpoints there."""

from compliance.anchors.bucket import BucketSettings
from compliance.anchors.copies import Copies, Listed
from compliance.anchors.folder import Folder
from compliance.anchors.git import Git
from compliance.anchors.interface import Anchor, AnchorSettings, Held, Kept, Place, Unread
from compliance.anchors.log import Log
from compliance.anchors.note import Head, head
from compliance.anchors.s3 import S3
from compliance.anchors.tsa import Tsa

TYPES: dict[str, type[Anchor]] = {"log": Log, "folder": Folder, "git": Git, "s3": S3, "tsa": Tsa}

__all__ = [
    "S3",
    "TYPES",
    "Anchor",
    "AnchorSettings",
    "BucketSettings",
    "Copies",
    "Folder",
    "Git",
    "Head",
    "Held",
    "Kept",
    "Listed",
    "Log",
    "Place",
    "Tsa",
    "Unread",
    "head",
]
