"""The worked bytes of schemas/ledger.md, recomputed twice: from its words with plain libraries, and by our own code."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from compliance.ledger import Draft, collections, restart, tree
from compliance.ledger.line import unseal
from compliance.ledger.note import format_vkey, open_note, sign_text
from compliance.schemas import canonical
from compliance.schemas.errors import EvidenceError
from compliance.schemas.evidence import kind_named
from compliance.verify.frame import differences
from compliance.verify.note import Verifier
from tests.ledger.places import Place, account, state, verdict

PAGE = (Path(__file__).parents[2] / "schemas" / "ledger.md").read_text("utf-8")
MEMBERS = [
    "at",
    "collection",
    "gone",
    "key",
    "kind",
    "nonce",
    "observed_at",
    "personal",
    "record",
    "seq",
    "source",
    "v",
]


def blocks(name: str) -> list[str]:
    return re.findall(rf"^```{name}\n(.*?)\n```$", PAGE, re.MULTILINE | re.DOTALL)


SEED, VKEY = blocks("keys")[0].split("\n")
LINES = [line.encode() for line in blocks("line")]
LEAVES = [bytes.fromhex(text) for text in blocks("leaves")[0].split("\n")]
ROOTS = [bytes.fromhex(text) for text in blocks("roots")[0].split("\n")]
NOTE = blocks("checkpoint")[0] + "\n"
KEY, CLEAR, CONTENT = blocks("personal")[0].split("\n")
ORIGIN = "example.org/evidence/vectors"


def node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def test_leaves_and_roots_from_the_words_of_the_page() -> None:
    assert len(LINES) == len(LEAVES) == len(ROOTS) == 3
    assert LEAVES[0] == sha256(b"\0" + bytes(32) + LINES[0]).digest()
    assert LEAVES[1] == sha256(b"\0" + LEAVES[0] + LINES[1]).digest()
    assert LEAVES[2] == sha256(b"\0" + LEAVES[1] + LINES[2]).digest()
    assert [LEAVES[0], node(*LEAVES[:2]), node(node(*LEAVES[:2]), LEAVES[2])] == ROOTS


def test_leaves_and_roots_by_our_code() -> None:
    edge = tree.Edge()
    for n in range(3):
        edge.extend(tree.leaves(edge.last_leaf, LINES[n : n + 1]))
        assert (edge.last_leaf, edge.root()) == (LEAVES[n], ROOTS[n])


def test_the_checkpoint() -> None:
    private = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(SEED))
    text = f"{ORIGIN}\n3\n{base64.b64encode(ROOTS[2]).decode()}\n"
    public = private.public_key().public_bytes_raw()
    name = sha256(ORIGIN.encode() + b"\n\x01" + public).digest()[:4]
    by_hand = base64.b64encode(name + private.sign(text.encode())).decode()

    assert f"{text}\n— {ORIGIN} {by_hand}\n" == NOTE
    assert format_vkey(ORIGIN, public) == VKEY
    assert sign_text(text, ORIGIN, private) == NOTE
    assert open_note(NOTE, VKEY).root == Verifier(VKEY).open(NOTE).root == ROOTS[2]


def test_the_personal_content() -> None:
    raw = bytes.fromhex(CONTENT)
    line = json.loads(LINES[2])

    assert AESGCM(bytes.fromhex(KEY)).decrypt(raw[:12], raw[12:], f"{ORIGIN}\n2".encode()) == CLEAR.encode()
    assert line["personal"]["commitment"] == sha256(CLEAR.encode()).hexdigest()
    assert unseal(raw, bytes.fromhex(KEY), 2, ORIGIN) == json.loads(CLEAR)["values"]
    assert set(json.loads(CLEAR)["values"]) == kind_named("user_account").personal_columns()


def test_the_digest_of_the_set() -> None:
    row, collection = json.loads(LINES[2]), json.loads(LINES[1])["record"]
    key, record = (rfc8785.dumps(row[name]) for name in ("key", "record"))

    assert collection["snapshot_sha256"] == sha256(key + b"\0" + record + b"\n").hexdigest()
    assert collection["snapshot_sha256"] == collections.digest({key.decode(): record.decode()})


def _columns(line: bytes) -> dict[str, Any]:
    return restart.columns(line.decode())


@pytest.mark.parametrize("line", LINES)
def test_lines_have_the_form_of_the_page(line: bytes) -> None:
    entry = json.loads(line)

    assert list(entry) == MEMBERS
    assert line == rfc8785.dumps(entry) == canonical.encode(entry)
    assert differences(_columns(line)) == "its line is not in the form of an entry"  # no column differs


def test_lines_that_the_writer_makes_have_that_form(place: Place) -> None:
    with place.open() as ledger:
        state(ledger, [account("jané", is_active=True), account("b")])
        state(ledger, [account("b"), account("c"), account("d"), account("e")][:1])
        ledger.append([Draft("control_verdict", verdict(1, 'Ünï \u2028 \x7f 🙂 \\ " \n'), observed_at=place.now)])
        for entry in ledger.entries():
            read = json.loads(entry.line)
            assert entry.line.encode() == rfc8785.dumps(read)
            assert list(read) == MEMBERS
            assert re.fullmatch("[0-9a-f]{32}", read["nonce"])
            if not read["gone"]:
                kind = kind_named(read["kind"])
                hidden = kind.personal_columns() if read["personal"] else frozenset()
                assert set(read["record"]) == set(kind.columns()) - hidden


def test_the_tables_of_the_page_are_those_of_the_file(place: Place) -> None:
    with place.open() as ledger:
        rows = ledger.connection.execute(
            "SELECT table_name, column_name, data_type FROM duckdb_columns() WHERE database_name = 'stored' "
            "ORDER BY table_oid, column_index"
        ).fetchall()
    found: dict[str, list[str]] = {}
    for table, name, kind in rows:
        found.setdefault(table, []).append(f'"{name}" {kind}' if name == "at" else f"{name} {kind}")

    for table, columns in found.items():
        assert f"| `{table}` | `{', '.join(columns)}`" in PAGE


_KEYS = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3),
    max_leaves=8,
)


def depth(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(depth, inner), default=0) if isinstance(value, dict | list) else 0


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(_KEYS, _VALUES, max_size=5))
def test_the_canonical_form_is_that_of_rfc_8785(value: dict[str, Any]) -> None:
    assume(depth(value) <= canonical.MAX_DEPTH)
    ours = canonical.encode(value)
    assert ours == rfc8785.dumps(value)
    assert json.loads(ours) == value


def _outside() -> Iterator[Any]:
    yield from (
        1.0,
        float("nan"),
        2**53,
        -(2**53),
        "\ud800",
        b"x",
        {"Key": 1},
        {"": 1},
        {"a-b": 1},
        {1: 1},
        (1,),
        {"a"},
    )
    deep: Any = None
    for _ in range(12):
        deep = [deep]
    yield deep


@pytest.mark.parametrize("value", list(_outside()), ids=repr)
def test_what_lies_outside_the_profile_is_refused(value: Any) -> None:
    with pytest.raises(EvidenceError):
        canonical.encode({"a": value})
