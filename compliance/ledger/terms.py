"""Which key signs at which size: the keys of a ledger over time. Format: schemas/ledger.md §11."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import orjson

from compliance.ledger.note import Checkpoint, open_note, parse_checkpoint, signed_text, split_note
from compliance.schemas.errors import IntegrityError

CHANGES = ("rotate", "replace")


@dataclass(frozen=True, slots=True)
class Term:
    """From `start` entries on, `vkey` signs. `action` is create, rotate or replace."""

    start: int
    vkey: str
    action: str


@dataclass(frozen=True, slots=True)
class Terms:
    """The keys of a ledger in the order of their terms."""

    terms: tuple[Term, ...]

    @classmethod
    def of_lines(cls, genesis_vkey: str, lines: Iterable[str]) -> Terms:
        """The terms that entry 0 and the lines of all `key_event` entries make.

        Raises:
            IntegrityError: a change does not name the key in force as the one before it.
        """
        found = cls((Term(1, genesis_vkey, "create"),))
        for line in lines:
            entry = orjson.loads(line)
            record = entry["record"]
            if record["action"] in CHANGES:
                if record["old_key_name"] != found.vkey:
                    raise IntegrityError(
                        f"entry {entry['seq']} changes the signing key from {record['old_key_name']}, "
                        f"which was not in force",
                        seq=entry["seq"],
                        remedy="keep a copy of the ledger, then run `compliance verify`",
                    )
                found = found.then(entry["seq"] + 1, record["key_name"], record["action"])
        return found

    @property
    def vkey(self) -> str:
        """The key in force for what is appended next."""
        return self.terms[-1].vkey

    def then(self, start: int, vkey: str, action: str) -> Terms:
        """These terms and one more."""
        return Terms((*self.terms, Term(start, vkey, action)))

    def signers(self, size: int) -> tuple[str, ...]:
        """The keys that must have signed a checkpoint of this size: two where one hands over to the next."""
        number = max((n for n, term in enumerate(self.terms) if term.start <= size), default=0)
        term = self.terms[number]
        if term.action == "rotate" and term.start == size:
            return (self.terms[number - 1].vkey, term.vkey)
        return (term.vkey,)

    def open(self, note: str) -> Checkpoint:
        """The checkpoint in a note, signed as its size asks for. Raises IntegrityError."""
        claimed = parse_checkpoint(split_note(note)[0])
        return open_note(note, *self.signers(claimed.size))

    def text(self, note: str, size: int) -> str:
        """The text of a note that the keys of this size signed. Raises IntegrityError."""
        return signed_text(note, *self.signers(size))
