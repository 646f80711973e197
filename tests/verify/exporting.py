"""Plain-file exports of a ledger file exactly as it stands, damage included, signed as its owner would sign them."""

from __future__ import annotations

import base64
import gzip
import json
import shutil
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import duckdb

from compliance.ledger import Keys, Ledger, tree
from compliance.ledger.note import sign_text
from compliance.verify import standalone

PER_FILE = 100_000
REPORT = "{}\n"


def canonical(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def tile_path(level: int, n: int) -> str:
    """As c2sp.org/tlog-tiles has it: groups of three digits, all but the last with an x."""
    groups = [f"{n % 1000:03d}"]
    while n := n // 1000:
        groups.insert(0, f"x{n % 1000:03d}")
    return f"tile/{level}/{'/'.join(groups)}"


def write(folder: Path, name: str, content: str | bytes) -> None:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


def ndjson(rows: Sequence[Mapping[str, Any]]) -> str:
    return "".join(canonical(row) + "\n" for row in rows)


def seal(folder: Path, keys: Keys, kind: str, size: int, root: bytes, /, **changed: Any) -> None:
    """Write manifest and its note over whatever lies in the folder."""
    for name in ("manifest.json", "manifest.note"):
        (folder / name).unlink(missing_ok=True)
    files = {
        path.relative_to(folder).as_posix(): {
            "bytes": path.stat().st_size,
            "sha256": sha256(path.read_bytes()).hexdigest(),
        }
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink()
    }
    manifest = {
        "created_at": "2026-11-26T00:00:00.000000Z",
        "files": files,
        "format": 1,
        "kind": kind,
        "origin": keys.origin,
        "root": root.hex(),
        "size": size,
        "vkey": keys.vkey,
    } | changed
    text = canonical(manifest)
    write(folder, "manifest.json", text)
    said = f"compliance-engine/manifest/v1\n{manifest['origin']}\n{sha256(text.encode()).hexdigest()}\n"
    write(folder, "manifest.note", sign_text(said, keys.origin, keys.private))


def _rows(source: Path | Ledger) -> tuple[list[str], list[Any], list[Any], list[Any]]:
    queries = (
        "SELECT line FROM stored.entry ORDER BY seq",
        "SELECT level, n, hashes FROM stored.tile",
        "SELECT size, note FROM stored.checkpoint ORDER BY size",
        "SELECT seq, subject, content FROM stored.personal ORDER BY seq",
    )
    if isinstance(source, Ledger):
        lines, *rest = (source.connection.execute(query).fetchall() for query in queries)
    else:
        with duckdb.connect(":memory:") as raw:
            raw.execute(f"ATTACH '{source}' AS stored (READ_ONLY)")
            lines, *rest = (raw.execute(query).fetchall() for query in queries)
    return [line for (line,) in lines], *rest


def export(source: Path | Ledger, keys: Keys, folder: Path, *, personal: bool = False) -> Path:
    """An export of a file, or of an open ledger, as it stands: size and root are what its lines give."""
    lines, tiles, notes, content = _rows(source)
    for first in range(0, len(lines), PER_FILE):
        text = "".join(f"{line}\n" for line in lines[first : first + PER_FILE])
        write(folder, f"entries/{first:012d}.ndjson.gz", gzip.compress(text.encode(), 6, mtime=0))
    for level, n, hashes in tiles:
        write(folder, tile_path(level, n), bytes(hashes))
    write(folder, "checkpoints.ndjson", ndjson([{"note": note, "size": size} for size, note in notes]))
    newest = notes[-1][1] if notes else ""
    write(folder, "checkpoint", newest)
    if personal:
        rows = [
            {"content": base64.b64encode(bytes(sealed)).decode(), "seq": seq, "subject": subject}
            for seq, subject, sealed in content
        ]
        write(folder, "personal.ndjson", ndjson(rows))
    edge = tree.Edge()
    edge.extend(tree.leaves(tree.BEFORE_FIRST, [line.encode() for line in lines]))
    seal(folder, keys, "export", edge.size, edge.root())
    return folder


def package(
    ledger: Ledger,
    keys: Keys,
    folder: Path,
    audit: int,
    findings: Sequence[int],
    *,
    cited: bool = False,
    clear: Sequence[int] = (),
) -> Path:
    """A package, or a cited package, about an audit and its finding entries. `clear` are cited entries to disclose."""
    export(ledger, keys, folder)
    entries = {audit, *findings}
    for seq in findings:
        entries |= set(json.loads(ledger.entry(seq).line)["record"]["rests_on"])
    write(folder, "cited.ndjson", "".join(f"{ledger.entry(seq).line}\n" for seq in sorted(entries)))
    for seq in entries:
        write(folder, f"proofs/{seq}.tlog-proof", ledger.inclusion(seq).text)
    if clear:
        write(folder, "disclosed.ndjson", ndjson([{"clear": cleartext(ledger, seq), "seq": seq} for seq in clear]))
    write(folder, "verify.py", Path(standalone.__file__).read_bytes())
    write(folder, "README.txt", "how to use it\n")
    write(folder, "reports/a1/soc2.json", REPORT)
    if cited:
        for name in ("entries", "tile"):
            shutil.rmtree(folder / name, ignore_errors=True)
        (folder / "checkpoints.ndjson").unlink()
    seal(folder, keys, "cited" if cited else "package", ledger.size, ledger.root)
    return folder


def cleartext(ledger: Ledger, seq: int) -> str:
    """The text `clear` of an entry about somebody."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    found = ledger.entry(seq)
    sealed = ledger._store.query("SELECT content FROM stored.personal WHERE seq = ?", [seq])[0][0]
    key = ledger.keystore.key(str(found.subject))
    assert key is not None
    return AESGCM(key).decrypt(sealed[:12], sealed[12:], f"{ledger.origin}\n{seq}".encode()).decode()
