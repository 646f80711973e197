"""The keys of a ledger over time, as its entries name them, and what a key from outside vouches for.

Format: schemas/ledger.md §11. A key list is read before the lines are recomputed; whatever is wrong with those lines is
named when they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import orjson

from compliance.schemas.errors import ConfigError
from compliance.verify.note import Signed, Verifier, parsed, split
from compliance.verify.result import KeyTerm, Verification


class KeyList:
    """Opens checkpoints with the keys that must have signed at their size."""

    def __init__(self, first: Verifier, origin: str, result: Verification) -> None:
        self._result = result
        self._origin = origin
        self._verifiers = [first]
        self.terms = [KeyTerm(1, first.vkey, "create")]
        self._opened: set[int] = set()  # sizes of terms whose first checkpoint was seen

    @classmethod
    def stated(cls, terms: Sequence[KeyTerm], origin: str, result: Verification) -> KeyList:
        """The keys as a manifest states them: at least one, each of another public key."""
        keys = cls(Verifier(terms[0].vkey), origin, result)
        keys.terms = list(terms)
        keys._verifiers = [Verifier(term.vkey) for term in terms]
        return keys

    def read(self, events: Iterable[tuple[int, bytes | str]]) -> None:
        """Take the lines of all `key_event` entries, in order. A change that does not follow is a problem, and the key
        in force stays in force."""
        for seq, line in events:
            try:
                record = orjson.loads(line)["record"]
                action, new, old = record["action"], record["key_name"], record["old_key_name"]
            except (orjson.JSONDecodeError, KeyError, TypeError):
                continue  # the line itself is named elsewhere
            if action not in ("rotate", "replace"):
                continue
            if old != self.terms[-1].vkey:
                self._result.add(seq, f"it changes the signing key from {old}, which was not in force")
                continue
            try:
                verifier = Verifier(str(new))
            except ConfigError:
                self._result.add(seq, f"it names {new!r} as the next signing key, which is none")
                continue
            if verifier.name != self._origin or verifier.vkey in {term.vkey for term in self.terms}:
                self._result.add(seq, f"it names {new} as the next signing key: that of another ledger, or used before")
                continue
            self._verifiers.append(verifier)
            self.terms.append(KeyTerm(seq + 1, verifier.vkey, action))

    def vouched(self, given: str) -> None:
        """Say which part of the ledger the key `given` does not vouch for."""
        known = [term.vkey for term in self.terms]
        if given not in known:
            first = "the key" if len(known) == 1 else "the keys"
            self._result.add(0, f"the ledger names {first} {', '.join(known)}, not the one given")
            return
        for term in self.terms[known.index(given) + 1 :]:
            if term.action == "replace":
                self._result.add(
                    term.start - 1,
                    "from here on another key signs, and no key before it says so: the key given does not vouch for "
                    "what follows; get the new key from its owner and give that one",
                )
                return

    def reached(self, given: str, size: int) -> None:
        """Once all checkpoints of a part of the ledger that ends at `size` were opened: whether the key `given`, which
        is in the list, stands for it. The list is what the newest key says: that key stands for everything, an older
        one only where each step from it to the newest has a checkpoint here, or where it, or one that it handed over
        to, signed all entries."""
        known = [term.vkey for term in self.terms]
        if given not in known or given == known[-1]:
            return
        for term in self.terms[known.index(given) + 1 :]:
            if term.start in self._opened:
                continue
            if self.terms[known.index(given)].start <= size == self._result.signed and term.start > size:
                return
            self._result.add(
                None,
                f"the keys that are stated name {term.vkey} after the key given, from {term.start} entries on; no "
                "checkpoint here shows that it was handed over: give the newest key, or all of the ledger",
            )
            return

    def open(self, note: str) -> Signed:
        """What a checkpoint says, once the keys of its size have signed it. Raises BadNote."""
        claimed = parsed(split(note)[0])
        number = max((n for n, term in enumerate(self.terms) if term.start <= claimed.size), default=0)
        term = self.terms[number]
        if term.action == "rotate" and term.start == claimed.size:
            self._verifiers[number - 1].open(note)
        signed = self._verifiers[number].open(note)
        if term.start == signed.size:
            self._opened.add(term.start)
        return signed

    def settle(self, before: int = 0) -> None:
        """Once all checkpoints were opened: name changes of key that no checkpoint of exactly their size carries. It
        alone holds the signature of the old key; without it anybody could hand the ledger over to himself. Checkpoints
        of sizes up to `before` were not given."""
        for term in self.terms[1:]:
            if before < term.start <= self._result.signed and term.start not in self._opened:
                self._result.add(
                    term.start - 1, f"it changes the signing key, but no checkpoint of {term.start} entries is there"
                )
