"""The last door before the ledger: what one attempt of a collector said, held to the contract message by message.

Rules (README of the collectors, `schemas/messages.py`):
- every wanted kind ends in exactly one Complete or Gap, and nothing follows the ending;
- only promised kinds are spoken of; what is promised but not wanted was answered before and is ignored;
- rows are canonical, keyed without NULL, and a state holds each key once;
- an independent count that differs from the rows is a truncated answer;
- a resolved secret anywhere in a row, cursor, message or request spoils its kind.
A breach becomes a Gap of that kind. A state is handed on only when the attempt is over, because until then a second
ending can still take it back; events are handed on at each Mark, and a table of events at once.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from urllib.parse import quote, quote_plus

import orjson
import pyarrow as pa
import pyarrow.compute as pc

from compliance.ledger import sheets
from compliance.schemas import canonical
from compliance.schemas.errors import EvidenceError
from compliance.schemas.evidence import Event, Evidence
from compliance.schemas.messages import Bulk, Cause, Complete, Gap, Mark, Record, Request

MAX_UNMARKED = 100_000  # events held between two Marks: bounds memory when a collector forgets to mark
_REPORT = "report it to the maker of the collector: it breaks the collector contract"
_KIND = re.compile(r"[a-z][a-z0-9_]{0,63}\Z")


class SecretFilter:
    """Finds resolved secret values in what is about to be recorded, also percent-encoded, in base64 or line by line."""

    def __init__(self, secrets: Iterable[str]) -> None:
        forms: set[str] = set()
        for secret in secrets:
            forms.add(secret)
            if len(secret) >= 8:  # encodings of something shorter occur by chance
                forms |= {quote(secret, safe=""), quote_plus(secret)}
                forms.add(base64.b64encode(secret.encode("utf-8", "replace")).decode().rstrip("="))
            lines = secret.splitlines()
            if len(lines) > 1:  # a key file: one of its lines gives it away; the armour lines are public
                forms |= {line for line in lines if len(line) >= 16 and not line.startswith("-----")}
        self._forms = sorted(printable(form) for form in forms if form.strip())
        escaped = {orjson.dumps(form)[1:-1] for form in self._forms}
        self._pattern = re.compile(b"|".join(re.escape(e) for e in sorted(escaped))) if escaped else None

    def in_json(self, encoded: bytes) -> bool:
        """A secret occurs in this JSON text."""
        return self._pattern is not None and self._pattern.search(encoded) is not None

    def in_texts(self, *texts: str | None) -> bool:
        """A secret occurs in one of these texts."""
        return self._pattern is not None and any(
            text and self._pattern.search(orjson.dumps(printable(text))) for text in texts
        )

    def in_table(self, table: pa.Table) -> bool:
        """A secret occurs in a value of this table."""
        for texts in (found for column in table.columns for found in _texts(column)):
            data = texts.buffers()[2].to_pybytes() if texts.buffers()[2] is not None else b""
            for form in self._forms:  # all values in a row first, which may also find it over the border of two
                if form.encode() in data and pc.any(pc.match_substring(texts, form)).as_py():
                    return True
        return False

    def in_answer(self, answer: Complete | Gap) -> bool:
        """A secret occurs in the words, requests or cursor of an ending."""
        texts: list[str | None] = [part for r in answer.requests for part in (r.method, r.text, r.digest)]
        texts += [answer.message, answer.remedy] if isinstance(answer, Gap) else [answer.cursor]
        return self.in_texts(*texts)


def printable(text: str) -> str:
    """`text` with lone surrogates (undecodable file names) written as escapes: the ledger holds Unicode only."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


@dataclass(frozen=True, slots=True)
class Batch:
    """Events up to a Mark, ready to be recorded: single ones, or as columns."""

    kind: str
    records: tuple[Record, ...]
    cursor: str
    table: pa.Table | None = None
    again: bool = False

    @property
    def rows(self) -> int:
        """How many they are."""
        return len(self.records) if self.table is None else len(self.table)


@dataclass(slots=True)
class _Answer:
    """What was said about one kind so far."""

    cls: type[Evidence]
    rows: list[Record] = field(default_factory=list)
    keys: set[tuple[str, ...]] = field(default_factory=set)
    seen: int = 0
    ending: Complete | Gap | None = None
    breach: Gap | None = None


class Intake:
    """One attempt's answers. Feed it with `take`, then ask `endings` once."""

    def __init__(
        self, promised: Iterable[type[Evidence]], wanted: frozenset[str], secrets: SecretFilter, collector: str
    ) -> None:
        self._collector = collector
        self._secrets = secrets
        self._promised = {cls.kind: cls for cls in promised}
        self._answers = {kind: _Answer(cls) for kind, cls in self._promised.items() if kind in wanted}
        self._foreign: dict[str, Gap] = {}

    def take(self, message: object) -> Batch | None:
        """Notes one message; gives the events that a Mark releases."""
        if isinstance(message, Record):
            self._record(message)
            return None
        if not isinstance(message, Mark | Bulk | Complete | Gap):
            self._spoil_all(f"gave a {type(message).__name__}, which is no message of the contract")
            return None
        answer = self._of(message.kind)
        if answer is None:
            return None
        if answer.ending is not None:
            self._breach(answer, "spoke of the kind again after its ending")
            return None
        if isinstance(message, Mark):
            return self._mark(answer, message)
        if isinstance(message, Bulk):
            return self._bulk(answer, message)
        answer.ending = self._checked(answer, message)
        return None

    def ended(self, kind: str) -> bool:
        """The kind has its answer, good or bad."""
        answer = self._answers[kind]
        return answer.ending is not None or answer.breach is not None

    def rows(self, kind: str) -> int:
        """Rows seen of the kind."""
        return self._answers[kind].seen

    def endings(self, unanswered: Gap) -> list[tuple[Complete | Gap, tuple[Record, ...]]]:
        """Each wanted kind's one ending with the rows not yet handed on, then a Gap for each kind never promised.
        `unanswered` gives cause, words and remedy for kinds without an ending."""
        found: list[tuple[Complete | Gap, tuple[Record, ...]]] = []
        for kind, answer in self._answers.items():
            ending = answer.breach or answer.ending or self.clean(replace(unanswered, kind=kind))
            found.append((ending, tuple(answer.rows) if isinstance(ending, Complete) else ()))
        found += [(gap, ()) for gap in self._foreign.values()]
        return found

    def clean(self, gap: Gap) -> Gap:
        """`gap`, recordable: in Unicode, and without a secret."""
        if self._secrets.in_answer(gap):
            return _secret_gap(gap.kind)
        return replace(
            gap,
            message=printable(gap.message),
            remedy=printable(gap.remedy),
            requests=_printable_requests(gap.requests),
        )

    def _of(self, kind: object) -> _Answer | None:
        """The answer that a message belongs to; None when the kind is not wanted or never promised."""
        if not isinstance(kind, str) or kind not in self._promised:
            name = kind if isinstance(kind, str) and _KIND.match(kind) else "unknown_kind"
            if len(self._foreign) < 100:
                text = f"collector {self._collector} spoke of the kind {name}, which it does not promise"
                self._foreign.setdefault(name, Gap(name, Cause.MALFORMED, text, _REPORT))
            return None
        return self._answers.get(kind)

    def _record(self, record: Record) -> None:
        evidence = record.evidence
        answer = self._of(getattr(evidence, "kind", None))
        if answer is None or answer.breach is not None:
            return
        if answer.ending is not None:
            self._breach(answer, "gave a record after the ending of its kind")
        elif type(evidence) is not answer.cls:
            self._breach(answer, f"gave a {type(evidence).__qualname__} under the name of another kind")
        elif record.observed_at is not None and record.observed_at.tzinfo is None:
            self._breach(answer, "gave an observation time without a time zone")
        else:
            self._row(answer, record)

    def _row(self, answer: _Answer, record: Record) -> None:
        try:
            encoded = canonical.encode(record.evidence.row())
            key = record.evidence.key_values()
        except (EvidenceError, AttributeError) as error:  # AttributeError: built around validation, a column is absent
            self._breach(answer, f"gave a record that cannot be recorded: {error}")
            return
        if self._secrets.in_json(encoded):
            answer.breach = _secret_gap(answer.cls.kind)
        elif key in answer.keys:
            self._breach(answer, "gave the same key twice")  # the key itself may be personal: it is not repeated
        elif issubclass(answer.cls, Event) and len(answer.rows) >= MAX_UNMARKED:
            self._breach(answer, f"gave more than {MAX_UNMARKED} events without a Mark")
        if answer.breach is not None:
            answer.rows.clear()
            return
        answer.keys.add(key)
        answer.rows.append(record)
        answer.seen += 1

    def _mark(self, answer: _Answer, mark: Mark) -> Batch | None:
        if answer.breach is not None:
            return None
        if not issubclass(answer.cls, Event):
            self._breach(answer, "marked a position in a state; only events have one")
        elif not mark.cursor or not _is_text(mark.cursor):
            self._breach(answer, "marked a position that is not text")
        elif self._secrets.in_texts(mark.cursor):
            answer.breach = _secret_gap(answer.cls.kind)
        if answer.breach is not None:
            answer.rows.clear()
            return None
        batch = Batch(mark.kind, tuple(answer.rows), mark.cursor)
        answer.rows.clear()
        answer.keys.clear()
        return batch

    def _bulk(self, answer: _Answer, bulk: Bulk) -> Batch | None:
        """The events of a table, which carries its own Mark."""
        if answer.rows:
            self._breach(answer, "gave a table of events before it marked the single ones")
        if answer.breach is not None or self._mark(answer, Mark(bulk.kind, bulk.cursor)) is None:
            return None
        try:
            table = sheets.conformed(answer.cls, bulk.table)
        except (EvidenceError, AttributeError, TypeError) as error:
            self._breach(answer, f"gave a table that cannot be recorded: {error}")
            return None
        if self._secrets.in_table(table):
            answer.breach = _secret_gap(answer.cls.kind)
            return None
        answer.seen += len(table)
        return Batch(bulk.kind, (), bulk.cursor, table, bulk.again is True)

    def _checked(self, answer: _Answer, ending: Complete | Gap) -> Complete | Gap:
        """The ending as it may be recorded."""
        if not _well_formed(ending):
            return self._gap(ending.kind, f"gave a {type(ending).__name__} whose parts have the wrong types")
        if isinstance(ending, Gap):
            return self.clean(ending)
        if self._secrets.in_answer(ending):
            return _secret_gap(ending.kind)
        if ending.cursor is not None and not _is_text(ending.cursor):
            return self._gap(ending.kind, "gave a position that is not Unicode text")
        counted = ending.independent_count
        if counted is not None and counted != answer.seen:
            return Gap(
                ending.kind,
                Cause.TRUNCATED,
                f"{answer.seen} rows were read, but the source counts {counted}",
                "read again; if it stays, the reading account sees only a part, or the source changes meanwhile",
                _printable_requests(ending.requests),
            )
        return replace(ending, requests=_printable_requests(ending.requests))

    def _breach(self, answer: _Answer, what: str) -> None:
        if answer.breach is None:
            answer.breach = self._gap(answer.cls.kind, what)
        answer.rows.clear()

    def _gap(self, kind: str, what: str) -> Gap:
        return self.clean(Gap(kind, Cause.MALFORMED, f"collector {self._collector} {what}", _REPORT))

    def _spoil_all(self, what: str) -> None:
        for answer in self._answers.values():
            self._breach(answer, what)


def _texts(column: pa.ChunkedArray) -> Iterator[pa.StringArray]:
    """The text in a column, lists taken apart."""
    for chunk in column.chunks:
        values = chunk.values if pa.types.is_list(chunk.type) else chunk
        if pa.types.is_string(values.type):
            yield values


def _is_text(value: object) -> bool:
    return isinstance(value, str) and printable(value) == value


def _well_formed(ending: Complete | Gap) -> bool:
    """Plugins are not type-checked: what the recorder relies on is looked at here."""
    requests: object = ending.requests
    if not isinstance(requests, tuple) or not all(isinstance(request, Request) for request in requests):
        return False
    texts: list[object] = [part for r in requests for part in (r.method, r.text, r.digest or "")]
    if isinstance(ending, Gap):
        texts += [ending.message, ending.remedy]
        return all(isinstance(text, str) for text in texts) and ending.cause in set(Cause)
    counted: object = ending.independent_count
    texts.append(ending.cursor or "")
    return all(isinstance(text, str) for text in texts) and (counted is None or type(counted) is int)


def _printable_requests(requests: Iterable[Request]) -> tuple[Request, ...]:
    return tuple(replace(r, text=printable(r.text)) for r in requests)


def _secret_gap(kind: str) -> Gap:
    return Gap(
        kind,
        Cause.MALFORMED,
        "a secret appeared in the answer; nothing was recorded",
        "report it to the maker of the collector; if the secret is an everyday word, it is too weak: change it",
    )
