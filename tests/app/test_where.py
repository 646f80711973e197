"""Lines of a configuration file, and the nearest name."""

from __future__ import annotations

from pathlib import Path

import pytest

from compliance.app.where import Where, nearest

TEXT = """\
[organisation]
name = "x"

[sources.a]
host = "one"
detail.port = 1

[sources.b]
host = "two"
[[sources.b.endpoints]]
host = "three"
[[sources.b.endpoints]]
"quoted" = 1
host = "four"

[parameters."tls.hsts"]
max_age_s = 3
"""


@pytest.mark.parametrize(
    ("place", "line"),
    [
        (("organisation",), 1),
        (("organisation", "name"), 2),
        (("sources", "a", "host"), 5),
        (("sources", "a", "detail", "port"), 6),
        (("sources", "b", "host"), 9),
        (("sources", "b", "endpoints", 0, "host"), 11),
        (("sources", "b", "endpoints", 1, "host"), 14),
        (("sources", "b", "endpoints", 1, "quoted"), 13),
        (("sources", "b", "endpoints", 1, "absent"), 12),
        (("sources", "b", "absent"), 8),
        (("parameters", "tls.hsts", "max_age_s"), 17),
        (("absent",), None),
        ((), None),
    ],
)
def test_the_line_of_a_place(place: tuple[str | int, ...], line: int | None) -> None:
    assert Where(Path("c.toml"), TEXT).line(place) == line


def test_an_error_names_file_and_line() -> None:
    error = Where(Path("c.toml"), TEXT).unknown("hst", ("sources", "a"), ["host", "port"])
    assert error.message.startswith("c.toml:4: unknown key 'hst' in [sources.a]; did you mean 'host'?")
    assert error.remedy == "known keys: host, port"


def test_an_error_without_a_line_names_the_file() -> None:
    assert Where(None, "").error("wrong", ("ledger",)).message == "compliance.toml: wrong"


def test_nothing_is_suggested_when_nothing_is_near() -> None:
    assert nearest("zebra", ["host", "port"]) == ""
