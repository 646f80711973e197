"""Proofs made from stored tiles hold for whoever checks them, and are refused where the file does not hold."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compliance.ledger import Draft, Ledger, proofs, tree
from compliance.schemas.errors import IntegrityError, LedgerError
from compliance.verify import check_consistency, check_inclusion
from compliance.verify.proof import extends, included
from tests.ledger.places import Place, verdict
from tests.ledger.test_tree import by_definition

SIZES = [1, 2, 3, 255, 256, 257, 300, 511, 512, 700]


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A ledger of 700 entries with a checkpoint at each of SIZES."""
    place = Place(tmp_path_factory.mktemp("grown"))
    with place.open() as ledger:
        for size in SIZES[1:]:
            ledger.append([Draft("control_verdict", verdict(n)) for n in range(size - ledger.size)])
    return place


@pytest.fixture
def open_ledger(grown: Place) -> Iterator[Ledger]:
    ledger = grown.open()
    yield ledger
    ledger.close()


def test_every_entry_against_every_checkpoint(open_ledger: Ledger) -> None:
    ledger = open_ledger
    for seq in [0, 1, 2, 254, 255, 256, 299, 300, 511, 512, 699]:
        line = ledger.entry(seq).line
        for size in [size for size in SIZES if size > seq]:
            proof = ledger.inclusion(seq, size)
            signed = check_inclusion(proof.text, line.encode(), [ledger.vkey])
            assert (signed.size, signed.root, proof.line) == (size, ledger.root_at(size), line)


def test_every_pair_of_checkpoints(open_ledger: Ledger) -> None:
    ledger = open_ledger
    for later in SIZES:
        for earlier in [size for size in SIZES if size <= later]:
            proven = check_consistency(ledger.consistency(earlier, later), [ledger.vkey])
            assert (proven.earlier.size, proven.later.size) == (earlier, later)


def test_a_file_that_is_only_read_gives_the_same_proofs(grown: Place) -> None:
    with grown.open() as ledger:
        inclusion, consistency = ledger.inclusion(256), ledger.consistency(257, 700)
    before = sha256(grown.path.read_bytes()).digest()

    with proofs.reading(grown.path) as place:
        assert proofs.inclusion(*place, 256) == inclusion
        assert proofs.consistency(*place, 257, 700) == consistency

    assert sha256(grown.path.read_bytes()).digest() == before


def test_what_cannot_be_proven(open_ledger: Ledger, tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="entry 700 is not among them"):
        open_ledger.inclusion(700)
    with pytest.raises(LedgerError, match="entry 300 is not among them"):
        open_ledger.inclusion(300, 300)
    with pytest.raises(LedgerError, match="no stored checkpoint of 299"):
        open_ledger.inclusion(5, 299)
    for sizes in ((0, 3), (3, 2)):
        with pytest.raises(LedgerError, match="no consistency proof from"):
            open_ledger.consistency(*sizes)
    with pytest.raises(LedgerError, match="there is no ledger"), proofs.reading(tmp_path / "none"):
        pass


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE entry SET line = replace(line, 'pass', 'fail') WHERE seq = 100", "does not give its leaf hash"),
        ("DELETE FROM tile WHERE n = 0", "tile 0 of level 0 is missing"),
        ("INSERT INTO tile SELECT * FROM tile WHERE n = 0", "missing, double"),
        ("UPDATE tile SET hashes = hashes[1:100]::BLOB WHERE n = 0", "torn"),
        ("UPDATE checkpoint SET note = replace(note, '700', '699') WHERE size = 700", "do not give the root"),
        (
            "UPDATE checkpoint SET note = (SELECT note FROM checkpoint WHERE size = 512) WHERE size = 511",
            "is about 512 entries",
        ),
    ],
)
def test_nothing_is_proven_that_the_file_does_not_hold(
    grown: Place, tmp_path: Path, statement: str, words: str
) -> None:
    copy = tmp_path / "ledger.duckdb"
    shutil.copy(grown.path, copy)
    with duckdb.connect(str(copy)) as raw:
        raw.execute(statement)

    size = 511 if "511" in statement else None
    with pytest.raises(IntegrityError, match=words), proofs.reading(copy) as place:
        proofs.inclusion(*place, 100, size)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_ranges_are_those_of_the_definition(data: st.DataObject) -> None:
    """The nodes over the ranges, by the recursive definition, satisfy the checks of RFC 9162."""
    size = data.draw(st.integers(1, 600))
    leaves = [sha256(b"%d" % n).digest() for n in range(size)]
    index, earlier = data.draw(st.integers(0, size - 1)), data.draw(st.integers(1, size))
    edge = tree.Edge()
    edge.extend(leaves)

    nodes = [by_definition(leaves[low:high]) for low, high in proofs.path(index, size)]
    assert included(leaves[index], index, size, nodes) == edge.root()

    nodes = [by_definition(leaves[low:high]) for low, high in proofs.extension(earlier, size)]
    assert extends(earlier, size, by_definition(leaves[:earlier]), edge.root(), nodes)
