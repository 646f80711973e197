"""One form for the addresses of a server, whoever names it."""

from __future__ import annotations

import pytest

from compliance.collectors.addresses import is_loopback, known_as


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST", "127.0.0.1", "127.9.9.9", "::1", "/run/postgresql", "", "unix"]
)
def test_every_way_to_this_machine_has_one_name(host: str) -> None:
    assert is_loopback(host)
    assert known_as([host], 5432) == ["localhost:5432"]


@pytest.mark.parametrize("host", ["db1", "10.0.0.5", "0.0.0.0", "localhost.example", "fe80::1"])
def test_other_machines_are_not_this_one(host: str) -> None:
    assert not is_loopback(host)


def test_a_loopback_address_is_of_the_machine_it_was_seen_on() -> None:
    assert known_as(["127.0.0.1"], 5432, ["Pool1.internal.", "10.0.0.7"]) == ["10.0.0.7:5432", "pool1.internal:5432"]
    assert known_as(["127.0.0.1"], 5432, []) == []


def test_names_are_told_once_in_one_form() -> None:
    assert known_as(["DB1", "db1.", "10.0.0.5", "FD00:0::5", "[fd00::5]"], 5433) == [
        "10.0.0.5:5433", "[fd00::5]:5433", "db1:5433",
    ]  # fmt: skip
