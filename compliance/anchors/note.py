"""The parts of a note that an anchor must know: what it is about, and the name of its copy (schemas/ledger.md §15).

Signatures are not judged here: that is the verifier's work, with a key that an anchor does not have.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass

from compliance.schemas.errors import Malformed

NAME = re.compile(r"[0-9]{20}-[0-9a-f]{64}")
LARGEST = 65_536  # bytes; a note has some hundred


@dataclass(frozen=True, slots=True)
class Head:
    """What a note says."""

    origin: str
    size: int
    root: bytes

    @property
    def name(self) -> str:
        """The name of its copy: `<size, 20 digits>-<root, hexadecimal>`."""
        return f"{self.size:020d}-{self.root.hex()}"


def head(note: str) -> Head:
    """What `note` is about. Raises Malformed when it is no signed note."""
    text, blank, signatures = note.rpartition("\n\n")
    try:
        if not blank or not signatures.endswith("\n"):
            raise ValueError
        origin, size, root64, *_ = text.split("\n")
        root = base64.b64decode(root64, validate=True)
        if not re.fullmatch(r"0|[1-9][0-9]{0,18}", size) or len(root) != 32:
            raise ValueError
    except (ValueError, binascii.Error):
        raise Malformed("it is not a signed checkpoint", remedy=KEEP) from None
    return Head(origin, int(size), root)


KEEP = "keep a copy of it as it is, find out who put it there, then remove it if the place lets you"


def named(content: bytes, name: str) -> str:
    """The note in `content`, when it is what the name of its copy says. Raises Malformed."""
    try:
        note = content.decode()
    except UnicodeDecodeError:
        raise Malformed("it is not text", remedy=KEEP) from None
    if head(note).name != name:
        raise Malformed("it is a checkpoint of another size or root than its name says", remedy=KEEP)
    return note


def same(old: bytes, new: str, where: str) -> None:
    """Nothing, when the copy that is there says what `new` says: another signature under the same text is the same.

    Raises:
        Malformed: it says something else, or is torn.
    """
    try:
        if old == new.encode() or head(old.decode()) == head(new):
            return
    except (UnicodeDecodeError, Malformed):
        pass
    raise Malformed(
        f"{where} is there already and is not this checkpoint", remedy=KEEP + "; the next checkpoint has another name"
    )
