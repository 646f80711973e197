"""What the reports of an audit rest on, for a package: cited entries, their proofs, and disclosed content.

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


def citations(ledger: Ledger, wanted: Iterable[Recorded]) -> list[int]:
    """The numbers of the entries that the reports of these audits cite, in order.

    Raises:
        IntegrityError: a finding rests on an entry that the ledger does not have.
    """
    cited: set[int] = set()
    for audit in wanted:
        cited.add(audit.entry)
        for seq, rests_on in _findings(ledger, str(audit.record["audit"])):
            cited |= {seq, *rests_on}
    beyond = [entry for entry in cited if not 0 <= entry < ledger.size]
    if beyond:
        raise IntegrityError(f"a finding rests on entry {beyond[0]}, which the ledger does not have", seq=beyond[0])
    return sorted(cited)


def _findings(ledger: Ledger, audit: str) -> Iterable[tuple[int, list[int]]]:
    """Number of every finding of an audit, and the entries it rests on."""
    rows = ledger.connection.execute(
        "SELECT seq, line FROM whole.entry WHERE kind = 'finding' AND key->>0 = ? ORDER BY seq", [audit]
    ).fetchall()
    for seq, line in rows:
        yield seq, orjson.loads(line)["record"]["rests_on"]


def proofs(ledger: Ledger, folder: Folder, cited: Iterable[int]) -> None:
    """Write `cited.ndjson`, the lines of cited entries, and a proof of each against the newest checkpoint."""
    with folder.file("cited.ndjson") as lines:
        for seq in cited:
            proof = ledger.inclusion(seq)
            folder.put(f"proofs/{seq}.tlog-proof", proof.text.encode())
            lines.write(proof.line.encode() + b"\n")


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
                shown = {"clear": clear.decode(), "seq": seq}
                file.write(orjson.dumps(shown, option=orjson.OPT_SORT_KEYS) + b"\n")
                count += 1
    return count
