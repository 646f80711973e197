"""Command lines and configuration files, with gunicorn's own parser as the oracle."""

from __future__ import annotations

import contextlib
import io
import os
import re
from pathlib import Path
from typing import Any

import pytest
from gunicorn.config import KNOWN_SETTINGS, Config

from compliance.collectors.gunicorn.configfile import UNKNOWN, rows_settings
from compliance.collectors.gunicorn.configuration import Configuration, fetch_variables
from compliance.collectors.gunicorn.family import arguments
from compliance.collectors.gunicorn.options import KEPT, _parser, rows_arguments, rows_line
from compliance.collectors.gunicorn.settings import address
from compliance.schemas.errors import Malformed

LINES = [
    "-w 3 app:app",
    "-w3 app:app",
    "-Dw3 app:app",
    "--workers=3 -w 4 app:app",
    "--worker-cl gthread --thr 4 app:app",
    "--threads 4 -e SECRET=x -w 2 app:app",
    "-b :1 -b unix:/a -c /x/conf.py app:app",
    "--bi 127.0.0.1:1 --max-requests 5 --max-requests-j 6 app:app",
    "app:app --timeout 9 --graceful-timeout 8 --reload",
    "--proxy-protocol app:app -w 7",
    "--proxy-protocol v1 -w 7 app:app",
    "--access-logfile - --statsd-host h:1 --preload app:app",
    "--worker 3 app:app",
    "--workers app:app",
    "-w",
    "--no-such-thing -w 3 app:app",
    "--config=a.py --log-config b --paste c.ini",
]


def theirs(line: str) -> dict[str, Any] | None:
    """What gunicorn itself takes from the line; None when it refuses it."""
    try:
        with contextlib.redirect_stderr(io.StringIO()):
            found = Config().parser().parse_args(line.split())
    except SystemExit:
        return None
    return {name: value for name, value in vars(found).items() if value is not None and name in KEPT}


@pytest.mark.parametrize("line", LINES)
def test_a_line_means_what_it_means_to_gunicorn(line: str) -> None:
    ours, oracle = rows_arguments(line.split()), theirs(line)

    if oracle is None and re.search(r"--?w", line) and "app:app" in line.split()[1:2]:
        assert ours is None or ours == {"workers": "app:app"}  # the value is refused later, as no number
        return
    assert ours == (None if oracle is None else {name: _text(value) for name, value in oracle.items()})


def _text(value: Any) -> Any:
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def test_every_option_of_gunicorn_is_known() -> None:
    known = {flag for action in _parser()._actions for flag in action.option_strings}

    assert {flag for setting in KNOWN_SETTINGS for flag in setting.cli or ()} <= known


def test_an_environment_line_is_split_as_a_shell_does() -> None:
    assert rows_line("--workers 2 --access-logformat 'a b'") == {"workers": "2", "access_log_format": "a b"}
    assert rows_line("--workers '2") is None


def test_constants_are_known_and_computed_values_are_not() -> None:
    found, open_ended = rows_settings(
        "import os\nworkers: int = 3\ntimeout = 60 * 2\nbind = ['a:1', 'b:2']\nthreads = os.cpu_count()\n"
        "max_requests = 1\nmax_requests = 2\nif os.name == 'x':\n    user = 'root'\nwith open('x') as reload: pass\n",
        "conf.py",
    )

    assert not open_ended
    assert (found["workers"], found["timeout"], found["bind"], found["max_requests"]) == (3, 120, ["a:1", "b:2"], 2)
    assert {name for name, value in found.items() if value is UNKNOWN} >= {"threads", "user", "reload", "os"}


@pytest.mark.parametrize(
    "line",
    [
        "from other import *",
        "exec(open('x').read())",
        "globals()['workers'] = 1",
        "import sys; setattr(sys.modules[__name__], 'workers', 1)",
        "import sys; sys.modules[__name__].__dict__['workers'] = 1",
        "def on_starting(server): server.num_workers = 1",
        "def when_ready(server): server.cfg.set('workers', 1)",
        "import builtins; builtins.exec('workers = 1')",
    ],
)
def test_a_file_that_may_set_more_than_it_shows_tells_nothing(line: str) -> None:
    assert rows_settings(f"workers = 3\n{line}\n", "conf.py")[1]


@pytest.mark.parametrize(
    "line",
    [
        "workers += 1",
        "for workers in (1, 2): pass",
        "try:\n    import x\nexcept Exception as workers: pass",
        "def f():\n    global workers\n    workers = 1\nf()",
        "(workers := 1)",
        "from x import workers",
        "import x as workers",
        "a, workers = 1, 2",
        "a = workers = 2",
        "del workers",
        "match 1:\n    case workers: pass",
        "match [1]:\n    case [*workers]: pass",
        "match {}:\n    case {**workers}: pass",
    ],
)
def test_another_binding_makes_a_constant_unknown(line: str) -> None:
    assert rows_settings(f"workers = 3\n{line}\n", "conf.py")[0]["workers"] is UNKNOWN


def test_no_python_is_malformed_and_its_text_is_not_repeated() -> None:
    with pytest.raises(Malformed) as raised:
        rows_settings("workers = 3\nraw_env = ['TOKEN=planted'\n", "conf.py")

    assert "conf.py:2" in raised.value.message
    assert "planted" not in f"{raised.value} {raised.value.__cause__}"


def test_what_is_not_certain_is_not_told() -> None:
    made = Configuration(line={}, env={}, variables={}, file={"workers": 3}, path="c", changed=False)

    assert made.number("workers") == 3
    assert Configuration(line=None, env={}, file={"workers": 3}, changed=False).number("workers") is None
    assert Configuration(line={}, env=None, file={"workers": 3}, changed=False).number("workers") is None
    assert Configuration(line={}, env={}, file={"workers": 3}, changed=None).number("workers") is None
    assert Configuration(line={}, env={}, file={"workers": 3}, changed=True).number("workers") is None
    assert Configuration(line={}, env={}, file={"workers": UNKNOWN}, changed=False).number("workers") is None
    assert Configuration(line={"paste": "a.ini"}, env={}, file={}, changed=False).number("workers") is None
    assert Configuration(line={"workers": "4"}, env=None, file=None).number("workers") == 4


@pytest.mark.parametrize(
    ("content", "known"),
    [
        (b"PATH=/bin\0WEB_CONCURRENCY=2\0SECRET=x\0", {"WEB_CONCURRENCY": "2"}),
        (b"PATH=/bin\0", {}),
        (b"\0" * 300, None),
        (b"", None),
        (b"app]\0\0PATH=/bin\0", None),
    ],
)
def test_an_environment_under_a_title_is_not_an_empty_one(
    tmp_path: Path, content: bytes, known: dict[str, str] | None
) -> None:
    (tmp_path / "7").mkdir()
    (tmp_path / "7/environ").write_bytes(content)

    assert fetch_variables(7, tmp_path) == known


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (("/v/bin/python", "/v/bin/gunicorn", "-w", "3", "a:b", ""), ("-w", "3", "a:b")),
        (("python3", "-u", "-m", "gunicorn", "a:b", ""), ("a:b",)),
        (("gunicorn: master [a:b]", "", "", ""), None),
        (("python3", "manage.py", "gunicorn", ""), None),
        (("python3", "-c", "pass", ""), None),
        (("python3 -m pytest tests/gunicorn", ""), None),  # a title
        (("", ""), None),
    ],
)
def test_the_arguments_of_a_process(command: tuple[str, ...], words: tuple[str, ...] | None) -> None:
    assert arguments(command) == words


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("localhost:80", "127.0.0.1:80"),
        (":8000", "0.0.0.0:8000"),
        ("[::1]:8000", "[::1]:8000"),
        ("[0:0::1]:08000", "[::1]:8000"),
        ("unix:/run/a.sock", "unix:/run/a.sock"),
        ("unix:///run/a.sock", "unix:/run/a.sock"),
    ],
)
def test_addresses_are_written_in_one_way(text: str, normal: str) -> None:
    assert address(text) == normal


@pytest.mark.parametrize("text", ["app.internal:80", "127.0.0.1", "127.0.0.1:99999", "unix:", "127.0.0.1:x"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        address(text)


def test_this_process_is_in_the_table() -> None:
    from compliance.collectors.gunicorn.proc import fetch_table

    assert fetch_table().processes[os.getpid()].parent == os.getppid()
