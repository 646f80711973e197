"""Keys by the command line: made beforehand, handed over, lost, and given by reference."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.cli.helpers import Place
from tests.cli.test_segments import CONFIG
from tests.ledger.places import Place as LedgerPlace
from tests.ledger.places import account, given

NAMED = '[ledger]\norigin = "school.example/evidence"\n'


@pytest.fixture
def named(place: Place) -> Place:
    return place.configure(NAMED)


def started(place: Place) -> str:
    """A ledger with its first key; gives the public half."""
    done = place.run("collect")
    assert done.code == 0, done.words
    return place.run("keys", "export").out.strip()


def pem(folder: Path, name: str) -> Path:
    path = folder / name
    path.write_bytes(
        subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519"], capture_output=True, check=True).stdout
    )
    path.chmod(0o600)
    return path


def test_a_key_can_be_made_before_the_ledger(named: Place) -> None:
    made = named.run("keys", "create")
    assert made.code == 0
    assert made.out.startswith("school.example/evidence+")
    assert not named.ledger.exists()
    again = named.run("keys", "create")
    assert again.code == 2
    assert "keys rotate" in again.err

    assert started(named) == made.out.strip()


def test_a_ledger_without_a_name_has_no_key_beforehand(place: Place) -> None:
    done = place.configure("").run("keys", "create")

    assert done.code == 2
    assert "origin" in done.err


def test_handing_over(named: Place) -> None:
    old = started(named)
    handed = named.run("keys", "rotate", "--reason", "yearly", "--by", "ana")
    assert handed.code == 0
    new = handed.out.strip()
    assert old in handed.err
    assert [key["vkey"] for key in named.run("keys", "list", "--json").json["keys"]] == [old, new]

    for vkey in (old, new):
        assert named.run("verify", "--vkey", vkey).code == 0
    own = named.run("verify")
    assert own.code == 0
    assert "handed over by the one before" in own.out


def test_a_lost_key(named: Place) -> None:
    old = started(named)
    folder = Path(named.run("keys", "list", "--json").json["folder"])
    (folder / "signing.pem").unlink()
    stopped = named.run("collect")
    assert stopped.code == 2
    assert "keys replace" in stopped.err

    replaced = named.run("keys", "replace", "--reason", "disk died", "--by", "ana")
    assert replaced.code == 0
    assert named.run("verify").code == 0
    unaware = named.run("verify", "--vkey", old)
    assert unaware.code == 4
    assert "does not vouch" in unaware.out
    assert named.run("verify", "--vkey", replaced.out.strip()).code == 0


def test_a_key_at_hand_is_not_replaced(named: Place) -> None:
    started(named)

    done = named.run("keys", "replace", "--reason", "-", "--by", "ana")

    assert done.code != 0
    assert "keys rotate" in done.err


def test_keys_by_reference(named: Place) -> None:
    first, second = pem(named.folder, "first.pem"), pem(named.folder, "second.pem")
    named.configure(NAMED + f'signing_key = "file:{first}"\n')
    old = started(named)
    alone = named.run("keys", "rotate", "--reason", "yearly")
    assert alone.code == 2
    assert "next_signing_key" in alone.err
    named.configure(NAMED + f'signing_key = "file:{first}"\nnext_signing_key = "file:{second}"\n')
    new = named.run("keys", "rotate", "--reason", "yearly").out.strip()

    assert new != old
    assert named.run("collect").code == 0  # with both configured, whichever is in force is found
    named.configure(NAMED + f'signing_key = "file:{second}"\n')
    assert named.run("collect").code == 0
    assert named.run("keys", "export").out.strip() == new
    assert named.run("verify").code == 0


def test_a_key_in_the_environment_is_never_shown(named: Place) -> None:
    secret = pem(named.folder, "key.pem").read_text()
    place = Place(named.folder, {"LEDGER_KEY": secret}).configure(NAMED + 'signing_key = "env:LEDGER_KEY"\n')
    assert started(place)
    inner = secret.splitlines()[1]

    said = [place.run(*words).words for words in (("keys", "list"), ("doctor",), ("ledger", "status"), ("verify",))]
    missing = named.run("collect")
    wrong = Place(named.folder, {"LEDGER_KEY": "hunter2hunter2"}).run("collect")

    assert not any(inner in words for words in said)
    assert missing.code == 2
    assert "LEDGER_KEY is not set" in missing.err
    assert wrong.code == 2
    assert "hunter2" not in wrong.words


def test_forgetting_asks_first(place: Place) -> None:
    """It cannot be undone: without a terminal only --yes is an answer."""
    place.configure(CONFIG)
    with LedgerPlace(place.folder).open() as ledger:
        ledger.record_state(given(), [account("jane", email="jane@example.org")])
    for path in (place.folder / "subjects").iterdir():
        path.unlink()
    forget = ("keys", "forget", "--reason", "disk lost", "--by", "ana")

    asked = place.run(*forget)
    assert asked.code == 2, asked.words
    assert "nothing was forgotten: 1 people would count as erased for good" in asked.err
    assert "--yes" in asked.err
    assert place.run("ledger", "status").code != 0
    done = place.run(*forget, "--yes")
    assert done.code == 0, done.words
    assert place.run("verify").code == 0
