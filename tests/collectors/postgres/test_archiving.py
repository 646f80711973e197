"""Until when everything is archived, from what the server says."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from compliance.collectors.postgres.archiving import archived_until, last_segment

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def position(**more: Any) -> dict[str, Any]:
    """What a server says that has nothing waiting and finished a segment two hours ago."""
    return {
        "waiting": 0,
        "done": "000000010000000000000004",
        "done_written_at": NOW - timedelta(hours=2),
        "at": NOW,
        "current": "000000010000000000000006",
        "written": (6 << 24) + 400,
        "segment_bytes": 16 << 20,
        **more,
    }


def test_nothing_waits() -> None:
    """A quiet server finishes no segment, and has lost nothing by it."""
    assert archived_until(position(), 300) == NOW - timedelta(minutes=5)
    assert last_segment(position()) == "000000010000000000000005"


@pytest.mark.parametrize("timeout", [0, None])
def test_without_a_time_limit_only_the_finished_segment_tells(timeout: int | None) -> None:
    assert archived_until(position(), timeout) == NOW - timedelta(hours=2)
    assert archived_until(position(done_written_at=None), timeout) is None


def test_something_waits() -> None:
    assert archived_until(position(waiting=1), 300) == NOW - timedelta(hours=2)
    assert archived_until(position(waiting=1, done_written_at=None), 300) is None
    assert last_segment(position(waiting=1)) == "000000010000000000000004"


def test_a_standby_archives_nothing() -> None:
    assert archived_until(position(current=None), 300) is None
    assert last_segment(position(current=None)) is None


def test_a_file_of_the_future_promises_nothing() -> None:
    assert archived_until(position(done_written_at=NOW + timedelta(hours=1)), 300) == NOW


def test_the_first_segment_of_four_gibibytes_follows_the_last() -> None:
    assert last_segment(position(written=512 << 24)) == "0000000100000001000000FF"


def test_between_two_segments_the_finished_one_counts() -> None:
    assert last_segment(position(written=7 << 24)) == "000000010000000000000006"
