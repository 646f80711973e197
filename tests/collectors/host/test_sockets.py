"""What a listening program is said to keep."""

from __future__ import annotations

import pytest

from compliance.collectors.host.sockets import Process, Socket, rows_listening


@pytest.mark.parametrize(
    ("component", "keeps"),
    [
        ("postgresql", True),
        ("nginx", False),
        (None, None),
        ("kafka", None),  # known by a word in a command line, which a program that talks to it has too
        ("pgbouncer", None),  # keeps nothing, and is the door of a database
    ],
)
def test_only_what_surely_keeps_no_data_is_said_to_keep_none(component: str | None, keeps: bool | None) -> None:
    sockets = [Socket("tcp", "*", 9092, 0, "7")]
    (row,) = rows_listening(sockets, {"7": Process("java", 0, component)}, "m")
    assert row.is_data_store is keeps
