"""Copies of checkpoints from outside, compared with the recomputed roots. Format: schemas/ledger.md §15.

Nothing is reached here: whoever calls has read the anchors. A copy is a signed note, or a line `size:root` (root in
hexadecimal) as reports print it, which carries no signature and is taken as somebody's word.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from hashlib import sha256
from typing import NamedTuple

from compliance.verify.keys import KeyList
from compliance.verify.note import BadNote, Signed, parsed, split
from compliance.verify.result import AnchorFound, Verification

_CLAIM = re.compile(r"(0|[1-9][0-9]{0,17}):([0-9a-fA-F]{64})")


def is_claim(text: str) -> bool:
    """`text` is a line `size:root` as reports print it."""
    return bool(_CLAIM.fullmatch(text))


class _Copy(NamedTuple):
    size: int
    root: bytes
    anchor: AnchorFound


class Outside:
    """Feeds the copies of all anchors, by size, to a verification that recomputes roots.

    `part`: only roots at sizes above the first and up to the second can be; of other copies it is said that they were
    not compared."""

    def __init__(
        self,
        outside: Mapping[str, Sequence[str]],
        verifier: KeyList,
        result: Verification,
        part: tuple[int, int] | None = None,
    ) -> None:
        self._result = result
        self._part = part
        result.anchors = [AnchorFound(name, copies=len(notes)) for name, notes in outside.items()]
        read = [copy for found in result.anchors for copy in self._read(found, outside[found.name], verifier)]
        self._copies = sorted(read, key=lambda copy: copy.size)
        self._next = 0

    def _read(self, found: AnchorFound, notes: Sequence[str], verifier: KeyList) -> Iterator[_Copy]:
        for note in notes:
            if claim := _CLAIM.fullmatch(note.strip()):
                if not self._beyond(found, int(claim[1])):
                    yield _Copy(int(claim[1]), bytes.fromhex(claim[2]), found)
                continue
            said = _unsigned(note)
            if said is None:
                found.worsen("unreadable")
                continue
            if said.origin == self._result.origin and self._beyond(found, said.size):
                continue  # nor is it known which key signs there
            try:
                signed = verifier.open(note)
            except BadNote as error:
                self._contradicts(found, f"holds a checkpoint of {said.size} entries of {said.origin!r}: {error}")
                continue
            if signed.origin != self._result.origin:
                self._contradicts(found, f"holds a checkpoint of another ledger, {signed.origin!r}")
                continue
            yield _Copy(signed.size, signed.root, found)

    def _beyond(self, found: AnchorFound, size: int) -> bool:
        """Whether a copy lies outside the part that is at hand, which is said of it."""
        if self._part is None or self._part[0] < size <= self._part[1]:
            return False
        found.size = max(found.size, size)
        found.worsen("unreadable")
        self._result.unchecked.append(
            f"anchor {found.name} names {size} entries: that can be compared with the whole ledger only, not with "
            f"entries {self._part[0]} to {self._part[1] - 1}"
        )
        return True

    def compare(self, end: int, root: Callable[[int], bytes]) -> None:
        """Compare every copy of a size up to `end`; `root` gives the recomputed root at a size."""
        while self._next < len(self._copies) and self._copies[self._next].size <= end:
            copy = self._copies[self._next]
            self._next += 1
            copy.anchor.size = max(copy.anchor.size, copy.size)
            if copy.root == (root(copy.size) if copy.size else sha256(b"").digest()):
                copy.anchor.agreed = max(copy.anchor.agreed, copy.size)
                copy.anchor.worsen("ok")
            else:
                self._contradicts(copy.anchor, f"names another root at {copy.size} entries: history was rewritten")

    def finish(self, size: int) -> None:
        """What is left: copies beyond a ledger of `size` entries, or those whose root could not be recomputed."""
        for copy in self._copies[self._next :]:
            copy.anchor.size = max(copy.anchor.size, copy.size)
            copy.anchor.worsen("ahead" if copy.size > size else "unreadable")
        for found in self._result.anchors:
            if found.size > size and self._part is None:
                self._result.add(
                    size,
                    f"anchor {found.name} names {found.size} entries, the ledger has {size}: entries were lost, or "
                    "this is an older copy of the file",
                    found.size - 1,
                )

    def _contradicts(self, found: AnchorFound, what: str) -> None:
        found.worsen("differs")
        self._result.add(None, f"anchor {found.name} {what}")


def _unsigned(note: str) -> Signed | None:
    """What a note says, whoever signed it; None when it is no checkpoint at all."""
    try:
        return parsed(split(note)[0])
    except BadNote:
        return None
