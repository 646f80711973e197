"""Whatever the stand-alone verifier is given, it ends with an exit code of its own: no traceback, no hang."""

from __future__ import annotations

import gzip
import json
import re
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compliance.ledger import Draft, Keys
from compliance.verify import standalone
from tests.ledger.places import ORIGIN, Place, account, verdict
from tests.ledger.places import given as collected
from tests.verify.exporting import export, seal

fuzz = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
SURVIVED = re.compile(r"\b(Type|Key|Attribute|Index|Name|Assertion|Unbound\w*|Unicode\w*)Error: ")
PIECES = [
    b"",
    b"\n",
    b"\n\n",
    b"\0",
    b"{",
    b"}",
    b"[",
    b'"',
    b"\\",
    b"\xff",
    b"\xe2\x80\x94 ",
    b",",
    b"null",
    b"9" * 40,
]
PIECES += [b"[" * 3_000, b'{"a":' * 3_000, b"-0", b"1e9", b"\\ud800", b"A" * 70_000, "\u202e".encode(), b"\r\n"]


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Keys]:
    place = Place(tmp_path_factory.mktemp("good"))
    with place.open() as ledger:
        ledger.record_state(collected(), [account(f"u{n}") for n in range(5)])
        ledger.append([Draft("control_verdict", verdict(n)) for n in range(300)])
        (place.folder / "p.tlog-proof").write_text(ledger.inclusion(3).text, "utf-8")
        (place.folder / "line").write_text(ledger.entry(3).line, "utf-8")
        (place.folder / "c.tlog-consistency").write_text(ledger.consistency(1, ledger.size), "utf-8")
    keys = Keys.open(place.folder / "keys", ORIGIN, create=False)
    export(place.path, keys, place.folder / "export", personal=True)
    return place.folder, keys


@st.composite
def damage(draw: st.DrawFn, content: bytes) -> bytes:
    """`content` with up to three pieces cut out, put in or written over, or something else entirely."""
    if draw(st.integers(0, 9)) == 0:
        return draw(st.binary(max_size=200))
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(content)))
        stop = start + draw(st.sampled_from([0, 1, 2, 10, 10_000]))
        piece = draw(st.one_of(st.sampled_from(PIECES), st.binary(max_size=8), st.just(content[stop : stop + 50])))
        content = content[:start] + piece + content[stop:]
    return content


@fuzz
@given(st.data(), st.sampled_from(["p.tlog-proof", "line", "c.tlog-consistency"]))
def test_proofs_and_lines(
    good: tuple[Path, Keys],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    data: st.DataObject,
    name: str,
) -> None:
    folder, keys = good
    content = data.draw(damage((folder / name).read_bytes()))
    (tmp_path / name).write_bytes(content)
    if name.startswith("c"):
        arguments = [str(tmp_path / name)]
    else:
        places = {other: str((tmp_path if other == name else folder) / other) for other in ("p.tlog-proof", "line")}
        arguments = [places["p.tlog-proof"], places["line"]]

    code = standalone.main([*arguments, "--vkey", keys.vkey])

    same = content.removesuffix(b"\n" if name == "line" else b"") == (folder / name).read_bytes()
    assert code == (0 if same else 4)
    assert not SURVIVED.search(capsys.readouterr().out), "every fault is named, not just survived"


@fuzz
@given(st.data(), st.sampled_from(["manifest.json", "manifest.note"]))
def test_manifests(
    good: tuple[Path, Keys], tmp_path: Path, capsys: pytest.CaptureFixture[str], data: st.DataObject, name: str
) -> None:
    folder, keys = good
    copy = Path(shutil.copytree(folder / "export", tmp_path / "export", dirs_exist_ok=True))
    content = data.draw(damage((copy / name).read_bytes()))
    same = content == (copy / name).read_bytes()
    (copy / name).write_bytes(content)

    code = standalone.main([str(copy), "--vkey", keys.vkey])

    assert code == (0 if same else 4)
    assert not SURVIVED.search(capsys.readouterr().out)


@fuzz
@given(
    st.data(),
    st.sampled_from(["entries", "packed entries", "checkpoints.ndjson", "checkpoint", "personal.ndjson", "tile/0/000"]),
)
def test_files_whose_digests_are_right(
    good: tuple[Path, Keys], tmp_path: Path, capsys: pytest.CaptureFixture[str], data: st.DataObject, name: str
) -> None:
    folder, keys = good
    copy = Path(shutil.copytree(folder / "export", tmp_path / "export", dirs_exist_ok=True))
    path = copy / ("entries/000000000000.ndjson.gz" if "entries" in name else name)
    before = gzip.decompress(path.read_bytes()) if name == "entries" else path.read_bytes()
    after = data.draw(damage(before))
    path.write_bytes(gzip.compress(after, mtime=0) if name == "entries" else after)
    size = json.loads((copy / "manifest.json").read_text())["size"]
    root = bytes.fromhex(json.loads((copy / "manifest.json").read_text())["root"])
    seal(copy, keys, "export", size, root)

    code = standalone.main([str(copy), "--vkey", keys.vkey])

    assert code == 4 or (code == 0 and said(name, after) == said(name, before))
    assert code == 0 or after != before
    assert not SURVIVED.search(capsys.readouterr().out)


def said(name: str, content: bytes) -> object:
    """What a file says, as far as it can be judged: of gzip what is in it, of sealed content whose it is."""
    if name == "packed entries":
        return gzip.decompress(content)
    if name == "personal.ndjson":
        return [(row["seq"], row["subject"]) for row in map(json.loads, content.splitlines())]
    return content


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.from_regex(r"[a-z][a-z0-9_]{0,5}", fullmatch=True), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.from_regex(r"[a-z][a-z0-9_]{0,5}", fullmatch=True), JSON, max_size=5))
def test_records_in_canonical_form_are_accepted_and_only_these(record: dict[str, object]) -> None:
    """Reading and writing again decides as the writer's encoder does."""
    text = json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    line = (
        '{"at":"2026-11-23T06:45:50.123456Z","collection":null,"gone":false,"key":null,"kind":"k","nonce":"'
        + "0" * 32
        + f'","observed_at":null,"personal":null,"record":{text},"seq":7,"source":"engine","v":1}}'
    )
    assert standalone.Entry(line.encode()).record == record
    for other in (
        json.dumps(record, sort_keys=True, ensure_ascii=False),
        json.dumps(record, sort_keys=True, separators=(",", ":")),
        json.dumps(dict(sorted(record.items(), reverse=True)), separators=(",", ":"), ensure_ascii=False),
    ):
        if other != text and "\x7f" not in text:
            with pytest.raises(ValueError, match="not in canonical form"):
                standalone.Entry(line.replace(f'"record":{text},', f'"record":{other},').encode())
