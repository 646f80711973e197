"""What every source answers, by source and kind."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from examples.demo_year import (
    assurance,
    changes,
    data,
    estate,
    governance,
    people,
    privacy,
    response,
    security,
    suppliers,
    systems,
    training,
)
from examples.demo_year.returns import returns
from examples.demo_year.writing import Pair, Rows

Answers = Mapping[Pair, Callable[[datetime], Rows]]
_PARTS = (
    people,
    training,
    systems,
    estate,
    changes,
    response,
    governance,
    assurance,
    security,
    suppliers,
    privacy,
    data,
)
_ROWS: Answers = {pair: rows for part in _PARTS for pair, rows in part.ROWS.items()}
ANSWERS: Answers = {**_ROWS, ("registers", "register_return"): returns(_ROWS)}
