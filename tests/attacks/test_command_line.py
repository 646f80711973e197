"""Attacks whose outcome depends on what the commands give to the verifier."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from compliance.ledger import KeyStore
from tests.anchors.conftest import mount as mount_fixture
from tests.attacks.victim import Victim
from tests.cli.helpers import Place
from tests.cli.test_segments import CONFIG

mount = mount_fixture


@pytest.fixture
def machine(victim: Victim) -> Place:
    """The victim's machine, with a configuration."""
    return Place(victim.place.folder).configure(CONFIG)


def test_no_command_goes_on_with_personal_content_that_was_swapped(victim: Victim, machine: Place) -> None:
    """Only who has the key store sees it: the machine that judges, exports and packages has it."""
    victim.sql(
        "UPDATE personal SET content = (SELECT content FROM personal WHERE seq = 4), subject = (SELECT subject FROM "
        "personal WHERE seq = 3) WHERE seq = 3"
    )
    for command in (("audit", "soc2"), ("gate", "--no-collect"), ("ledger", "export", "out"), ("ledger", "compact")):
        done = machine.run(*command)
        assert done.code == 4, (command, done.words)
        assert "its personal content is not what its line commits to" in done.words


def test_an_export_as_it_is_says_that_the_lock_store_is_gone(machine: Place) -> None:
    """Without the lock store nobody knows whether the file is an older copy: what is signed must not look whole."""
    shutil.rmtree(machine.folder / "lock")
    assert machine.run("ledger", "export", "plain").code == 4

    machine.run("ledger", "export", "out", "--as-is")
    assert "is missing or empty" in (machine.folder / "out" / "manifest.json").read_text()
    refused = machine.run("ledger", "import", "out", "--to", "again.duckdb")
    assert refused.code != 0
    assert "does not verify" in refused.words


def test_two_statements_that_begin_alike_are_both_compared(machine: Place) -> None:
    """What a claim is called shows its first digits only; one that is right must not stand for one that is wrong."""
    found = machine.run("verify", "--json").json
    good = f"{found['size']}:{found['root']}"
    wrong = f"{found['size']}:{found['root'][:8]}{'0' * 56}"

    done = machine.run("verify", "--anchor", wrong, "--anchor", good)
    assert done.code == 4
    assert "names another root" in done.out


def test_an_anchor_of_the_name_of_a_configured_one(victim: Victim, machine: Place, mount: Path) -> None:
    """A folder that was handed over does not take the place of the configured anchor of its name."""
    machine.configure(f'{CONFIG}[anchors.office]\ntype = "folder"\npath = "{mount}"\n')
    assert machine.run("anchor", "push").code == 0
    (mount / f"{400:020d}-{'0' * 64}").write_text(victim.key.sign(400, bytes(32)))
    (machine.folder / "office").mkdir()
    shutil.copy(max(mount.iterdir()), machine.folder / "office")

    done = machine.run("verify", "--anchor", "office")
    assert done.code == 4
    assert "names another root at 400 entries" in done.out


def test_the_configured_ledger_by_its_path_still_needs_its_lock_store(machine: Place) -> None:
    """Naming the file and the key must not ask less than naming neither; the lock store lies where the configuration
    says."""
    vkey = machine.run("verify", "--json").json["vkey"]
    shutil.rmtree(machine.folder / "lock")

    done = machine.run("verify", "data/ledger.duckdb", "--vkey", vkey)
    assert done.code == 4
    assert "lock is missing or empty" in done.out


def test_a_key_store_that_lacks_keys_is_no_check_of_personal_content(machine: Place) -> None:
    """Another key store, or one from before, opens nothing: that is not the same as having found nothing."""
    for path in (machine.folder / "subjects").iterdir():
        path.unlink()
    KeyStore(machine.folder / "subjects" / "keys.sqlite").close()

    done = machine.run("verify")
    assert done.code == 3
    assert "personal contents were not opened" in done.out


def test_a_forger_who_adds_to_the_anchor_is_not_passed_by_a_glance(victim: Victim, machine: Place, mount: Path) -> None:
    """The newest copy is the forger's own and agrees; one that was there before does not."""
    machine.configure(f'{CONFIG}[anchors.office]\ntype = "folder"\npath = "{mount}"\n')
    (mount / f"{400:020d}-{'0' * 64}").write_text(victim.key.sign(400, bytes(32)))
    machine.run("anchor", "push")

    assert len(list(mount.iterdir())) == 2
    status = machine.run("anchor", "status")
    assert status.code == 4
    assert "contradicts" in status.words.lower()
    assert machine.run("doctor").code != 0
