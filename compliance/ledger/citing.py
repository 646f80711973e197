"""What the reports of an audit rest on, for a package: citations, proofs and disclosed content.

Format: schemas/ledger.md §13. A cited entry is one that records a finding, one that a finding rests on, or the entry of
the audit itself, whose line holds the digests of its reports.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import orjson

from compliance.ledger.folder import Folder
from compliance.ledger.ledger import Ledger
from compliance.ledger.line import clear_text
from compliance.schemas.errors import IntegrityError


class Recorded(NamedTuple):
    """An audit in the ledger: number of its entry, and its record."""

    entry: int
    record: dict[str, Any]


def audits(ledger: Ledger) -> dict[str, Recorded]:
    """Every recorded audit by its identifier, in order; the newest entry of one counts."""
    return {str(e.record["audit"]): Recorded(e.seq, dict(e.record)) for e in ledger.entries("audit")}


def citations(ledger: Ledger, folder: Folder, wanted: Iterable[Recorded]) -> list[int]:
    """Write `citations.ndjson` for these audits; the numbers of the cited entries, in order."""
    cited: set[int] = set()
    with folder.file("citations.ndjson") as file:
        for audit in wanted:
            cited.add(audit.entry)
            for seq, record in _findings(ledger, str(audit.record["audit"])):
                rests_on = [int(entry) for entry in record["rests_on"]]
                cited |= {seq, *rests_on}
                citation = {
                    "audit": record["audit"],
                    "control": record["control"],
                    "entry": seq,
                    "finding": record["number"],
                    "rests_on": rests_on,
                }
                file.write(_line(citation))
    beyond = [entry for entry in cited if not 0 <= entry < ledger.size]
    if beyond:
        raise IntegrityError(f"a finding rests on entry {beyond[0]}, which the ledger does not have", seq=beyond[0])
    return sorted(cited)


def _findings(ledger: Ledger, audit: str) -> Iterable[tuple[int, dict[str, Any]]]:
    """Number and record, without personal columns, of the findings of an audit."""
    rows = ledger.connection.execute(
        "SELECT seq, line FROM whole.entry WHERE kind = 'finding' AND key->>0 = ? ORDER BY seq", [audit]
    ).fetchall()
    for seq, line in rows:
        yield seq, orjson.loads(line)["record"]


def proofs(ledger: Ledger, folder: Folder, cited: Iterable[int], *, lines: bool) -> None:
    """Write an inclusion proof of every cited entry against the newest checkpoint; with `lines` also `cited.ndjson`."""
    kept = []
    for seq in cited:
        proof = ledger.inclusion(seq)
        folder.put(f"proofs/{seq}.tlog-proof", proof.text.encode())
        if lines:
            kept.append(_line({"line": proof.line, "seq": seq}))
    if lines:
        folder.put("cited.ndjson", b"".join(kept))


def disclosed(ledger: Ledger, folder: Folder, cited: Iterable[int]) -> int:
    """Write `disclosed.ndjson`: the personal content of cited entries whose key was not erased; how many there are."""
    count = 0
    with folder.file("disclosed.ndjson") as file:
        for seq in cited:
            rows = ledger.connection.execute(
                "SELECT subject, content FROM whole.personal WHERE seq = ?", [seq]
            ).fetchall()
            for subject, content in rows:
                key = ledger.keystore.key(subject)
                if key is None:
                    continue
                clear = clear_text(bytes(content), key, seq, ledger.origin)
                file.write(_line({"clear": clear.decode(), "seq": seq}))
                count += 1
    return count


def _line(value: dict[str, Any]) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS) + b"\n"
