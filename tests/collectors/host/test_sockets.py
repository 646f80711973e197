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


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize(
    ("other", "component", "keeps"),
    [
        (Process("nginx", 0, "nginx"), "nginx", False),  # one program on both IP versions
        (Process("redis-server", 0, "redis"), "redis", True),
        (None, None, None),  # somebody whose processes we may not see
    ],
)
def test_two_programs_on_one_port_are_as_bad_as_the_worse(
    other: Process | None, component: str | None, keeps: bool | None, turned: bool
) -> None:
    sockets = [Socket("tcp", "*", 6379, 0, inode) for inode in ("86" if turned else "68")]
    processes = {"6": Process("nginx", 0, "nginx")} | ({"8": other} if other else {})
    (row,) = rows_listening(sockets, processes, "m")
    assert (row.component, row.is_data_store) == (component, keeps)
