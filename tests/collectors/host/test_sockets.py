"""What a listening program is said to keep."""

from __future__ import annotations

import pytest

from compliance.collectors.host.sockets import COMPONENTS, Process, Socket, rows_listening


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
    sockets = [Socket("tcp", "*", 8080, 0, inode) for inode in ("86" if turned else "68")]
    processes = {"6": Process("nginx", 0, "nginx")} | ({"8": other} if other else {})
    (row,) = rows_listening(sockets, processes, "m")
    assert (row.component, row.is_data_store) == (component, keeps)


@pytest.mark.parametrize(
    ("name", "port", "keeps"),
    [
        ("haproxy", 5432, None),
        ("nginx", 6379, None),
        ("sshd", 3306, None),
        ("nginx", 443, False),
        ("sshd", 22, False),
        ("postgres", 5432, True),
        ("postgres", 15432, True),
    ],
)
def test_a_program_on_the_port_of_a_data_store_may_lead_to_one(name: str, port: int, keeps: bool | None) -> None:
    process = Process(name, 0, COMPONENTS[name])
    (row,) = rows_listening([Socket("tcp", "*", port, 0, "7")], {"7": process}, "m")
    assert row.is_data_store is keeps
