"""Signed notes against the published examples of C2SP and Go, and keys on disk."""

from __future__ import annotations

import base64
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from compliance.ledger import Keys
from compliance.ledger.note import format_vkey, open_note, parse_vkey, sign_text, signed_text
from compliance.schemas.errors import ConfigError, IntegrityError
from compliance.verify.note import BadNote, Verifier

# c2sp.org/signed-note, the example
VKEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
NOTE = (
    "This is an example message.\n\n"
    "— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=\n"
)
# golang.org/x/mod/sumdb/note, the example of Sign
GO_KEY = "AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
GO_TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
GO_NOTE = (
    GO_TEXT + "\n— PeterNeumann "
    "x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)


def test_the_example_of_the_specification_verifies() -> None:
    name, public = parse_vkey(VKEY)

    assert format_vkey(name, public) == VKEY
    assert signed_text(NOTE, VKEY) == "This is an example message.\n"
    assert Verifier(VKEY).text(NOTE) == "This is an example message.\n"


def test_our_signature_is_the_one_that_go_makes() -> None:
    private = Ed25519PrivateKey.from_private_bytes(base64.b64decode(GO_KEY)[1:])

    assert sign_text(GO_TEXT, "PeterNeumann", private) == GO_NOTE


@pytest.mark.parametrize("place", range(0, len(NOTE.encode()) - 1, 7))
def test_a_flipped_bit_anywhere_is_refused(place: int) -> None:
    raw = bytearray(NOTE.encode())
    raw[place] ^= 1
    changed = raw.decode("utf-8", "replace")

    with pytest.raises(IntegrityError):
        signed_text(changed, VKEY)
    with pytest.raises(BadNote):
        Verifier(VKEY).text(changed)


def test_other_signatures_are_not_judged(tmp_path: Path) -> None:
    keys, witness = Keys.open(tmp_path / "a", "example.org/a"), Ed25519PrivateKey.generate()
    note = keys.sign(7, bytes(32)) + sign_text("x\n", "witness", witness).split("\n\n")[1]

    assert open_note(note, keys.vkey).size == 7
    assert Verifier(keys.vkey).open(note) == ("example.org/a", 7, bytes(32))


@pytest.mark.parametrize("text", ["o\n07\n{}\n", "o\n-1\n{}\n", "o\n1\nAAAA\n", "o\n1\n", "o\nseven\n{}\n"])
def test_signed_text_that_is_no_checkpoint(tmp_path: Path, text: str) -> None:
    keys = Keys.open(tmp_path, "o")
    note = sign_text(text.format(base64.b64encode(bytes(32)).decode()), "o", keys.private)

    with pytest.raises(IntegrityError):
        open_note(note, keys.vkey)
    with pytest.raises(BadNote):
        Verifier(keys.vkey).open(note)


def test_keys_are_made_once_and_are_private(tmp_path: Path) -> None:
    folder = tmp_path / "keys"
    first = Keys.open(folder, "example.org/a")

    assert Keys.open(folder, "example.org/a").vkey == first.vkey == first.export_public()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((folder / "signing.pem").stat().st_mode) == 0o600


def test_keys_of_another_ledger_are_refused(tmp_path: Path) -> None:
    Keys.open(tmp_path, "example.org/a")

    with pytest.raises(ConfigError, match="another ledger"):
        Keys.open(tmp_path, "example.org/b")
    with pytest.raises(ConfigError, match="not in"):
        Keys.open(tmp_path / "empty", "example.org/b", create=False)
    with pytest.raises(ConfigError, match="plus sign"):
        Keys.open(tmp_path / "empty", "two words")


@pytest.mark.parametrize(
    "vkey", ["", "a+b", "a+530d903a+AAAA", VKEY.replace("530d", "530e"), VKEY.replace("foo", "fop")]
)
def test_malformed_public_keys(vkey: str) -> None:
    with pytest.raises(ConfigError):
        parse_vkey(vkey)
    with pytest.raises(ConfigError):
        Verifier(vkey)
