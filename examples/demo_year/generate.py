"""The year, written day by day into a new ledger."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import date, datetime, timedelta
from pathlib import Path

from examples.demo_year.answers import ANSWERS, Answers
from examples.demo_year.calendar import BEGIN, DAILY, LAST, midnight
from examples.demo_year.returns import OWNER
from examples.demo_year.story import HAPPENED, OUTAGE
from examples.demo_year.writing import Story, story

DECLARED = {"owner": "platform team", "environment": "production", "data_class": "internal"}
CONFIGURATION = """\
# The school of the demonstration. Nothing here is read: examples/demo_year writes what these sources would answer.
[organisation]
name = "Colegio del Norte"

[ledger]
path = "ledger.duckdb"
keys = "keys"
lock_store = "lock"
keystore = "people/keys.sqlite"
attachments = "attachments"

[parameters."access.privileged_allowlist"]
allowed = ["luis", "lucia"]

[sources.host]
collector = "host"
owner = "platform team"
"""


def generate(folder: Path, last: date = LAST, kinds: Collection[str] = ()) -> None:
    """Write the configuration and the ledger up to the day `last` into `folder`, which must not hold a ledger yet; of
    all kinds, or of `kinds` alone."""
    answers = {pair: rows for pair, rows in ANSWERS.items() if not kinds or pair[1] in kinds}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "compliance.toml").write_text(CONFIGURATION)
    with story(folder, BEGIN) as told:
        declare(told, answers)
        moments: list[tuple[datetime, Callable[[Story], None]]] = list(HAPPENED)
        day = BEGIN.date()
        while day <= last:
            moments.append((midnight(day) + timedelta(hours=DAILY), lambda told: collect(told, answers)))
            day += timedelta(days=1)
        for moment, happens in sorted(moments, key=lambda one: one[0]):
            if moment.date() <= last:
                told.go_to(moment)
                happens(told)


def declare(told: Story, answers: Answers) -> None:
    """Say which sources are configured."""
    kinds: dict[str, list[str]] = {}
    for source, kind in answers:
        kinds.setdefault(source, []).append(kind)
    owners = {"registers": OWNER}
    told.declare(
        {
            name: {"collector": name, "kinds": sorted(some), **DECLARED, "owner": owners.get(name, DECLARED["owner"])}
            for name, some in kinds.items()
        }
    )


def collect(told: Story, answers: Answers) -> None:
    """Read every source, now."""
    down, first, last = OUTAGE
    out = first <= told.now <= last
    for source, kind in answers:
        if out and source == down:
            told.fail(source, kind)
    told.read({pair: rows(told.now) for pair, rows in answers.items() if not (out and pair[0] == down)})
