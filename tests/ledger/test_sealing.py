"""Closed months become segments: whole, read-only, verified, recorded; killed anywhere, none or a whole one."""

from __future__ import annotations

import stat

import orjson

from compliance.verify import verify, verify_segments
from tests.ledger.months import MONTHS, checked, seal, segments_of, several
from tests.ledger.places import Place


def test_every_closed_month_is_sealed_and_recorded(place: Place) -> None:
    with several(place) as ledger:
        sealed = seal(ledger, place)
        again = seal(ledger, place)
        events = [entry.record for entry in ledger.entries("segment_event")]
        roots = {month.hi: ledger.root_at(month.hi).hex() for month in sealed}

    assert [month.month for month in sealed] == list(MONTHS)
    assert again == []
    assert sealed[0].lo == 0
    assert [month.lo for month in sealed[1:]] == [month.hi for month in sealed[:-1]]
    assert any(month.lo % 256 for month in sealed[1:])
    for month, event in zip(sealed, events, strict=True):
        folder = segments_of(place) / month.month
        manifest = orjson.loads((folder / "manifest.json").read_bytes())
        assert manifest["root"] == roots[month.hi]
        assert (event["action"], event["month"], event["lo"], event["hi"]) == ("seal", month.month, month.lo, month.hi)
        assert event["manifest_sha256"] == month.seals[0]
        assert not stat.S_IMODE(folder.stat().st_mode) & 0o222
        assert not any(stat.S_IMODE(path.stat().st_mode) & 0o222 for path in folder.iterdir())
        one = verify_segments(folder)
        assert one.ok, one.problems
        assert one.root.hex() == manifest["root"]
    whole = verify_segments(segments_of(place))
    assert whole.ok, whole.problems
    assert (whole.size, whole.root.hex(), whole.unchecked) == (sealed[-1].hi, roots[sealed[-1].hi], [])
    assert checked(place).ok


def test_nothing_is_sealed_before_the_month_is_over(place: Place) -> None:
    with several(place, months=("2026-11",)) as ledger:
        assert seal(ledger, place) == []
    assert not segments_of(place).exists()
    assert verify(place.path, lock_store=place.lock).ok
