"""The lock store as a reader sees it: the newest note, and every note before it. Format: schemas/ledger.md §6."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import orjson

from compliance.verify.keys import KeyList
from compliance.verify.note import BadNote, Signed
from compliance.verify.result import Verification


class LockStore:
    """Feeds the notes of a lock store, by size, to a verification that recomputes roots."""

    def __init__(self, folder: Path, verifier: KeyList, result: Verification) -> None:
        self._result = result
        self._verifier = verifier
        self._folder = folder
        self._pending: Signed | None = None
        self._notes = self._read()
        self.state = "missing"
        self._advance()

    def _read(self) -> Iterator[Signed]:
        newest = 0
        for number, (note, final) in enumerate(self._texts()):
            try:
                signed = self._verifier.open(note)
            except BadNote as error:
                self._result.add(None, f"lock store: note {number + 1} of its history: {error}")
                self.state = "differs"
                continue
            if final and signed.size < newest:
                continue  # a crash came between the two files: history is one ahead
            if signed.origin != self._result.origin or signed.size < newest:
                self._result.add(None, f"lock store: note {number + 1} of its history is of another ledger or order")
                self.state = "differs"
                continue
            newest = signed.size
            yield signed

    def _texts(self) -> Iterator[tuple[str, bool]]:
        """The notes of the history, then the one in `checkpoint`, which is marked."""
        try:
            with (self._folder / "history").open("rb") as lines:
                for line in lines:
                    if not line.endswith(b"\n"):
                        break  # torn by a crash, never acknowledged
                    try:
                        note = str(orjson.loads(line)["note"])
                    except (orjson.JSONDecodeError, KeyError, TypeError):
                        note = ""
                    yield note, False
        except FileNotFoundError:
            pass
        try:
            yield (self._folder / "checkpoint").read_text("utf-8", "replace"), True
        except FileNotFoundError:
            return

    def _advance(self) -> None:
        self._pending = next(self._notes, None)
        if self._pending is not None:
            self._result.anchored = max(self._result.anchored, self._pending.size)
            if self.state == "missing":
                self.state = "ok"

    def next_size(self) -> int | None:
        """The size of the next note, None after the last."""
        return self._pending.size if self._pending else None

    def compare(self, size: int, root: bytes) -> None:
        """Compare every note of this size with the root recomputed."""
        while self._pending is not None and self._pending.size == size:
            if self._pending.root != root:
                self.state = "differs"
                self._result.add(None, f"the lock store names another root at {size} entries: history was rewritten")
            self._advance()

    def finish(self, size: int) -> str:
        """What the lock store says in the end, for a ledger of `size` entries."""
        while self._pending is not None:
            self._advance()
        if self.state == "ok" and self._result.anchored > size:
            self.state = "ahead"
            self._result.add(
                size,
                f"the lock store names {self._result.anchored} entries, the ledger has {size}: entries were lost, or "
                "this is an older copy of the file",
                self._result.anchored - 1,
            )
        elif self.state == "ok" and self._result.anchored < size:
            self.state = "behind"
            self._result.add(
                None, f"the lock store names only {self._result.anchored} of {size} entries: it is an older copy"
            )
        elif self.state == "missing":
            self._result.add(None, f"the lock store {self._folder} is missing or empty")
        return self.state
