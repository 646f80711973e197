"""Signing with a key that never leaves its token, by a real PKCS #11 library in software (SoftHSM)."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from compliance.ledger import Draft, Keys
from compliance.ledger.token import open_token
from compliance.schemas.errors import ConfigError
from compliance.verify import verify
from tests.ledger.places import ORIGIN, Place, verdict

MODULE = Path("/usr/lib/softhsm/libsofthsm2.so")
_MAKE = """
import sys
import pkcs11
from pkcs11.util.ec import encode_named_curve_parameters
module, token, pin = sys.argv[1:]
with pkcs11.lib(module).get_token(token_label=token).open(user_pin=pin, rw=True) as session:
    curve = {pkcs11.Attribute.EC_PARAMS: encode_named_curve_parameters("1.3.101.112")}
    session.create_domain_parameters(pkcs11.KeyType.EC_EDWARDS, curve, local=True).generate_keypair(
        mechanism=pkcs11.Mechanism.EC_EDWARDS_KEY_PAIR_GEN, store=True, label="signing"
    )
"""


@dataclass(frozen=True)
class Token:
    """A token with one key pair, labelled `signing`."""

    label: str
    pin: str

    def key(self, **changed: str) -> Keys:
        """Its key."""
        named = {"token": self.label, "key": "signing", "pin": self.pin, **changed}
        return open_token(MODULE, named["token"], named["key"], named["pin"], ORIGIN)


@pytest.fixture(scope="module")
def token(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Token]:
    """SoftHSM reads its configuration once in a process, so all tests here share one token."""
    folder = tmp_path_factory.mktemp("tokens")
    (folder / "softhsm2.conf").write_text(f"directories.tokendir = {folder}\nobjectstore.backend = file\n")
    before = os.environ.get("SOFTHSM2_CONF")
    os.environ["SOFTHSM2_CONF"] = str(folder / "softhsm2.conf")
    made = Token("ledger", "1234")
    subprocess.run(
        ["softhsm2-util", "--init-token", "--free", "--label", made.label, "--pin", made.pin, "--so-pin", "5678"],
        check=True,
        capture_output=True,
    )
    subprocess.run([sys.executable, "-c", _MAKE, str(MODULE), made.label, made.pin], check=True, capture_output=True)
    yield made
    if before is None:
        del os.environ["SOFTHSM2_CONF"]
    else:
        os.environ["SOFTHSM2_CONF"] = before


def test_a_token_signs_a_ledger(place: Place, token: Token) -> None:
    key = token.key()
    with place.open(given_keys=[key]) as ledger:
        ledger.append([Draft("control_verdict", verdict(n)) for n in range(3)])
        assert ledger.vkey == key.vkey

    assert verify(place.path, vkey=key.vkey, lock_store=place.lock).ok
    assert not (place.folder / "keys").exists()


def test_handing_over_to_a_token_destroys_the_key_in_the_folder(place: Place, token: Token) -> None:
    with place.open() as ledger:
        old = ledger.vkey
    key = token.key()
    with place.open(given_keys=[key]) as ledger:
        assert ledger.vkey == old
        assert ledger.rotate_key(reason="to the token", by="ana", key=key) == key.vkey
        ledger.append([Draft("control_verdict", verdict(1))])

    assert [path.name for path in (place.folder / "keys").iterdir()] == ["former"]  # public halves
    assert verify(place.path, vkey=old, lock_store=place.lock).ok


@pytest.mark.parametrize(
    ("changed", "said"),
    [({"token": "other"}, "NoSuchToken"), ({"key": "other"}, "NoSuchKey"), ({"pin": "0000"}, "PinIncorrect")],
)
def test_what_is_wrong_with_a_token_is_said(token: Token, changed: dict[str, str], said: str) -> None:
    """In a process of its own: one that has logged in is not asked for the PIN again."""
    named = {"token": token.label, "key": "signing", "pin": token.pin, **changed}
    script = (
        "import sys\nfrom pathlib import Path\nfrom compliance.ledger.token import open_token\n"
        "from compliance.schemas.errors import ConfigError\n"
        "try:\n    open_token(Path(sys.argv[1]), *sys.argv[2:])\n"
        "except ConfigError as error:\n    print(error.message, error.remedy)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(MODULE), named["token"], named["key"], named["pin"], ORIGIN],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
    )

    assert said in done.stdout
    assert "0000" not in done.stdout
    assert "[ledger.token]" in done.stdout


def test_a_library_that_is_not_there(token: Token, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be used"):
        open_token(tmp_path / "none.so", token.label, "signing", token.pin, ORIGIN)
