"""Wrong configuration: what is wrong, in which file and line, what to do; exit 2; nothing written."""

from __future__ import annotations

import pytest

from tests.cli.helpers import Place

PASSWORD = "hunter2-planted-9f1c"

WRONG = {
    "unknown section": ('[organization]\nname = "x"\n', 1, ["'organization'", "did you mean 'organisation'?"]),
    "unknown key in a section": ("[organisation]\n\n[ledger]\nwait = 3\n", 4, ["'wait' in [ledger]", "'wait_s'"]),
    "unknown key in a source": (
        '[sources.a]\ncollector = "redis"\nhost = "x"\n[sources.b]\ncollector = "redis"\nhst = "y"\n',
        6,
        ["'hst' in [sources.b]", "did you mean 'host'?", "known keys:"],
    ),
    "wrong TOML": ('[sources.a]\ncollector = redis"\n', 2, ["not valid TOML"]),
    "wrong type": ('[ledger]\n\nwait_s = "long"\n', 3, ["[ledger] wait_s", "valid integer"]),
    "wrong type in the second of two sources": (
        '[sources.a]\ncollector = "redis"\nhost = "x"\n[sources.b]\ncollector = "redis"\nhost = 3\n',
        6,
        ["[sources.b] host", "valid string"],
    ),
    "wrong key in the second of a list of tables": (
        '[sources.a]\ncollector = "tls"\n[[sources.a.endpoints]]\nhost = "x"\n[[sources.a.endpoints]]\nprt = 1\n',
        6,
        ["[sources.a] endpoints.1"],
    ),
    "value outside a choice": ('[audit]\nlanguages = ["fr"]\n', 2, ["languages", "'en' or 'es'"]),
    "unknown collector": ('[sources.a]\ncollector = "postgress"\n', 2, ["'postgress'", "did you mean postgres?"]),
    "no collector": ('[sources.a]\nhost = "x"\n', 1, ["[sources.a] names no collector", "postgres"]),
    "reserved source name": ('[sources.engine]\ncollector = "git"\n', 1, ["'engine'"]),
    "sources as a list": ('[[sources]]\ncollector = "git"\n', 1, ["[sources.NAME]"]),
    "section as a number": ("ledger = 3\n", 1, ["[ledger] is a table"]),
    "unknown anchor type": ('[anchors.a]\ntype = "foldr"\n', 2, ["'foldr'", "did you mean 'folder'?", "s3"]),
    "anchor without a type": ('[anchors.a]\npath = "/x"\n', 1, ["[anchors.a] names no type", "folder"]),
    "unknown key in an anchor": (
        '[anchors.a]\ntype = "folder"\npth = "/x"\n',
        3,
        ["'pth' in [anchors.a]", "did you mean 'path'?", "every"],
    ),
    "anchor without what it needs": ('[anchors.a]\ntype = "folder"\n', 1, ["[anchors.a] path", "required"]),
    "no such schedule": ('[anchors.a]\ntype = "folder"\npath = "/x"\nevery = "hourly"\n', 4, ["[anchors.a] every"]),
    "anchor with a password in its address": (
        f'[anchors.a]\ntype = "git"\nurl = "https://u:{PASSWORD}@example.org/x.git"\n',
        3,
        ["[anchors.a] url", "use user and token"],
    ),
    "a secret key written down": (
        f'[anchors.a]\ntype = "s3"\nbucket = "abc"\nsecret_access_key = "{PASSWORD}"\n',
        4,
        ["[anchors.a] secret_access_key", "by reference"],
    ),
    "unknown fact": (
        '[profile.processes_payment]\nvalue = true\ndeclared_by = "x"\ndeclared_at = 2026-01-31\n',
        1,
        ["[profile.processes_payment]", "did you mean 'processes_payments'?"],
    ),
    "fact without a person": ("[profile.processes_payments]\nvalue = true\n", 1, ["declared_by"]),
    "parameter of an unknown control": (
        '[parameters."vuln.weekly_patch"]\nsecurity_days = 3\n',
        1,
        ["'vuln.weekly_patch'", "did you mean 'vuln.weekly_patching'?"],
    ),
    "unknown parameter": (
        '[parameters."vuln.weekly_patching"]\n\nsecurity_day = 3\n',
        3,
        ["'security_day'", "did you mean 'security_days'?"],
    ),
    "parameter of another type": (
        '[parameters."vuln.weekly_patching"]\nsecurity_days = "three"\n',
        2,
        ["security_days", "must be of type int"],
    ),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_configuration_is_named_with_file_and_line(place: Place, case: str) -> None:
    text, line, said = WRONG[case]
    late = "fact" in case or "parameter" in case  # judged with the definitions at hand
    done = place.configure(text).run(*(["audit"] if late else ["sources", "list"]))
    assert done.code == 2
    assert f"{place.folder}/compliance.toml:{line}: " in done.err
    assert [words for words in said if words not in done.err] == []
    assert done.out == ""
    assert place.names() == {"compliance.toml"}
    assert not place.home.exists()


@pytest.mark.parametrize(
    "line",
    [f'password = "{PASSWORD}"', f'password = "pw:{PASSWORD}"', f'passwrd = "{PASSWORD}"', f'password = "{PASSWORD}'],
)
@pytest.mark.parametrize("command", ["collect", "doctor"])
def test_a_secret_in_clear_is_refused_and_never_repeated(place: Place, line: str, command: str) -> None:
    done = place.configure(f'[sources.db]\ncollector = "postgres"\n{line}\n').run(command)
    assert done.code == 2
    assert "compliance.toml:3: " in done.words
    assert PASSWORD not in done.words


def test_a_secret_in_clear_is_told_how_to_be_given(place: Place) -> None:
    done = place.configure(f'[sources.db]\ncollector = "postgres"\npassword = "{PASSWORD}"\n').run("sources", "list")
    assert done.code == 2
    assert "a secret is given by reference: env:NAME, file:/path or keyring:service/user" in done.err


@pytest.mark.parametrize("command", ["audit", "gate", "collect"])
@pytest.mark.parametrize(
    ("reference", "said"),
    [("env:NOT_SET_ANYWHERE", "environment variable NOT_SET_ANYWHERE is not set"), ("file:/nowhere/pw", "/nowhere/pw")],
)
def test_a_missing_secret_ends_before_anything_is_begun(place: Place, command: str, reference: str, said: str) -> None:
    done = place.configure(f'[sources.db]\ncollector = "postgres"\npassword = "{reference}"\n').run(command)
    assert done.code == 2
    assert "[sources.db]" in done.err
    assert said in done.err
    assert "hint: " in done.err
    assert place.names() == {"compliance.toml"}


def test_a_configuration_that_is_not_there(place: Place) -> None:
    done = place.run("collect", "-c", "other.toml")
    assert done.code == 2
    assert "other.toml: cannot be read" in done.err
    assert place.names() == set()


def test_init_never_overwrites(place: Place) -> None:
    done = place.configure("# mine\n").run("init")
    assert done.code == 2
    assert "exists already" in done.err
    assert (place.folder / "compliance.toml").read_text() == "# mine\n"
