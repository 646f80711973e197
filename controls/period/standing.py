"""The evidence as it stood at one moment of a period, for what is asked about it apart from a control's own query."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from compliance.controls.period.history import History
from compliance.controls.period.readings import Readings
from compliance.schemas.results import Coverage

_TABLE = re.compile(r'FROM "?([a-z_]+)"?')
Answer = tuple[list[str], list[tuple[Any, ...]]]


@dataclass
class Answers:
    """What was asked already: between two changes of a kind the same question has the same answer."""

    history: History
    readings: Readings
    _changes: dict[str, list[int]] = field(default_factory=dict)
    _given: dict[tuple[object, ...], Answer] = field(default_factory=dict)

    def at(self, n: int) -> AtMoment:
        """The evidence at moment number `n`."""
        return AtMoment(self, n)

    def ask(self, text: str, parameters: Mapping[str, Any], n: int) -> Answer:
        """The answer to a SELECT over one kind at moment `n`."""
        found = _TABLE.search(text)
        assert found is not None, text
        kind = found[1]
        if kind not in self._changes:
            self._changes[kind] = sorted(self.history.changes(kind))
        epoch = bisect_right(self._changes[kind], n)
        key = (text, *sorted(parameters.items()), epoch)
        if key not in self._given:
            narrowed = (
                f'FROM (SELECT * EXCLUDE (valid_from, valid_to) FROM "{kind}" '  # noqa: S608 -- a declared kind
                f"WHERE valid_from <= {n} AND {n} < valid_to)"
            )
            self._given[key] = self.history.query(text.replace(found[0], narrowed, 1), parameters)
        return self._given[key]


@dataclass(frozen=True)
class AtMoment:
    """One moment; what `nil_returns` asks of an evidence base."""

    answers: Answers
    n: int

    def has(self, kind: str) -> bool:
        """Whether the history holds the kind."""
        return self.answers.history.has(kind)

    def promised(self, kind: str) -> tuple[Coverage, ...]:
        """Coverage rows of the configured sources that answered for `kind` at this moment."""
        return self.answers.readings.at(self.n).promised(kind)

    def query(self, text: str, parameters: Mapping[str, Any]) -> Answer:
        """Column names and rows of a SELECT over one kind."""
        return self.answers.ask(text, parameters, self.n)
