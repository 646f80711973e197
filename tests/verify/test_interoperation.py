"""Our checkpoints, tiles and proofs with somebody else's implementation of C2SP logs (tlog-scales), and theirs here."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from tlog_scales.backend import LocalBackend
from tlog_scales.reader import TilesReader
from tlog_scales.signing import PlainEd25519Signer, Vkey
from tlog_scales.tiles import leaf_hash
from tlog_scales.tlog import Checkpoint, ConsistencyProof, InclusionProof
from tlog_scales.writer import TilesWriter

from compliance.ledger import Draft, Ledger, tree
from compliance.ledger.proofs import CONSISTENCY, INCLUSION
from compliance.verify import check_consistency, check_inclusion, standalone
from tests.ledger.places import ORIGIN, Place, verdict

SIZES = [1, 2, 255, 256, 257, 600]


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    with Place(tmp_path_factory.mktemp("ledger")).open() as made:
        for size in SIZES[1:]:
            made.append([Draft("control_verdict", verdict(n)) for n in range(size - made.size)])
        yield made


def hashes(lines: list[str]) -> list[bytes]:
    return [base64.b64decode(line) for line in lines]


def test_they_accept_our_checkpoints_and_inclusion_proofs(ledger: Ledger) -> None:
    for seq in (0, 1, 254, 255, 256, 599):
        for size in (size for size in SIZES if size > seq):
            head, text, signatures = ledger.inclusion(seq, size).text.split("\n\n")
            note = Checkpoint.from_text(f"{text}\n\n{signatures}")
            note.verify(Vkey.from_string(ledger.vkey))
            first, extra, index, *nodes = head.split("\n")
            before = base64.b64decode(extra.removeprefix("extra "))
            proof = InclusionProof(int(index.removeprefix("index ")), note.size, hashes(nodes))

            assert (first, note.origin, note.size, proof.leaf_index) == (INCLUSION, ORIGIN, size, seq)
            proof.check(leaf_hash(before + ledger.entry(seq).line.encode()), note.root_hash)


def test_they_accept_our_consistency_proofs(ledger: Ledger) -> None:
    for later in SIZES:
        for earlier in (size for size in SIZES if size <= later):
            head, text1, signatures1, text2, signatures2 = ledger.consistency(earlier, later).split("\n\n")
            old = Checkpoint.from_text(f"{text1}\n\n{signatures1}\n")
            new = Checkpoint.from_text(f"{text2}\n\n{signatures2}")
            for note in (old, new):
                note.verify(Vkey.from_string(ledger.vkey))

            assert head.split("\n")[0] == CONSISTENCY
            ConsistencyProof(old.size, new.size, hashes(head.split("\n")[2:])).check(old.root_hash, new.root_hash)


def test_their_log_of_our_data_has_our_tiles_and_roots(ledger: Ledger, tmp_path: Path) -> None:
    """D[i] = leaf(i - 1) || line(i) is ordinary data of an RFC 6962 log: they need to know nothing of the chain."""
    theirs = TilesWriter.create(tmp_path / "log", ORIGIN)
    before = bytes(32)
    for seq in range(512):
        line = ledger.entry(seq).line.encode()
        theirs.add_leaf(before + line)
        before = tree.leaves(before, [line])[0]
    theirs.commit([PlainEd25519Signer(ORIGIN, Ed25519PrivateKey.generate())])

    for n in (0, 1):
        stored = ledger.connection.execute("SELECT hashes FROM stored.tile WHERE level = 0 AND n = ?", [n]).fetchall()
        assert (tmp_path / f"log/tile/0/00{n}").read_bytes() == bytes(stored[0][0])
    assert Checkpoint.from_text((tmp_path / "log" / "checkpoint").read_text("utf-8")).root_hash == ledger.root_at(512)


def test_we_accept_their_checkpoints_and_proofs(tmp_path: Path) -> None:
    """A log whose entries are lines, written, tiled, signed and proven by them alone."""
    signer = PlainEd25519Signer(ORIGIN, Ed25519PrivateKey.generate())
    vkey = signer.vkey.serialize()
    theirs = TilesWriter.create(tmp_path / "log", ORIGIN)
    lines, befores, notes, before = [], [], {}, bytes(32)
    with Place(tmp_path / "ours").open() as ours:
        ours.append([Draft("control_verdict", verdict(n)) for n in range(299)])
        for seq in range(300):
            lines.append(ours.entry(seq).line.encode())
            befores.append(before)
            theirs.add_leaf(before + lines[seq])
            before = tree.leaves(before, lines[seq:])[0]
            if seq + 1 in (7, 256, 300):
                theirs.commit([signer], gc=False)
                notes[seq + 1] = (tmp_path / "log" / "checkpoint").read_text("utf-8")
    reader = TilesReader(LocalBackend(tmp_path / "log"))
    reader.set_size(300)
    keys = [standalone.Key(vkey)]

    for seq in (0, 6, 255, 299):
        nodes = [base64.b64encode(node).decode() for node in reader.get_inclusion_proof(seq, 300).node_hashes]
        extra = base64.b64encode(befores[seq]).decode()
        text = "\n".join([INCLUSION, f"extra {extra}", f"index {seq}", *nodes]) + "\n\n" + notes[300]
        assert check_inclusion(text, lines[seq], [vkey]).size == 300
        assert f"entry {seq} is among the 300" in standalone.check_inclusion(text, standalone.Entry(lines[seq]), keys)
    for earlier, later in ((7, 256), (7, 300), (256, 300)):
        proof = reader.get_consistency_proof(earlier, later)
        nodes = [base64.b64encode(node).decode() for node in proof.node_hashes]
        text = "\n".join([CONSISTENCY, f"from {earlier}", *nodes]) + f"\n\n{notes[earlier]}\n{notes[later]}"
        assert check_consistency(text, [vkey]).later.size == later
        assert f"begin with the {earlier} entries" in standalone.check_consistency(text, keys)
    assert json.loads(lines[0])["kind"] == "genesis"
