"""What an auditor receives: reports, what they rest on, and a verifier. Format: schemas/ledger.md §13."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from compliance.app import moving, readme, workspace
from compliance.app.config import Config
from compliance.app.where import nearest
from compliance.app.workspace import Say
from compliance.ledger import Ledger, citing, folder
from compliance.ledger.citing import Recorded
from compliance.schemas.errors import ConfigError, IntegrityError, LedgerError


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a package is to hold. The newest audit when none is named; reports from the configured folder when none is
    given. `cited`: only cited entries instead of the whole ledger. `personal`: reports and the personal content of
    cited entries, where its key was not erased."""

    audits: Sequence[str] = ()
    reports: Path | None = None
    cited: bool = False
    personal: bool = True


@dataclass(frozen=True, slots=True)
class Package:
    """What was written."""

    path: Path
    kind: str
    origin: str
    size: int
    root: bytes
    vkey: str
    audits: tuple[str, ...]
    reports: int
    cited: int
    disclosed: int
    personal: bool


def make(config: Config, target: Path, wanted: Wanted, say: Say, tell: Say) -> Package:
    """Write the package to the new folder `target`. It is whole or not there at all.

    Raises:
        ConfigError: no such audit, a report that is not where it was written, or something at `target`.
        IntegrityError: the ledger, or a report, is not what was recorded.
        StorageFull: no space; nothing half-written stays.
    """
    folder.refuse(target)
    with workspace.opened(config, say, must_exist=True) as opened:
        tell("verifying the ledger …")
        moving.sound(opened)
        ledger = opened.ledger
        chosen = _chosen(ledger, wanted.audits)
        names = tuple(str(audit.record["audit"]) for audit in chosen)
        below = wanted.reports or config.resolve(config.audit.output)
        with workspace.private_files(), folder.new(target) as out:
            reports = sum(_reports(out, audit, below) for audit in chosen) if wanted.personal else 0
            tell("writing entries and proofs …")
            cited = citing.citations(ledger, out, chosen)
            citing.proofs(ledger, out, cited, lines=wanted.cited)
            disclosed = citing.disclosed(ledger, out, cited) if wanted.personal else 0
            if wanted.cited:
                ledger.export_checkpoints(out)
                size, root = ledger.size, ledger.root
            else:
                size, root = ledger.export(out, personal=False)
            kind = "cited" if wanted.cited else "package"
            done = Package(
                target,
                kind,
                ledger.origin,
                size,
                root,
                ledger.vkey,
                names,
                reports,
                len(cited),
                disclosed,
                wanted.personal,
            )
            out.put("verify.py", _verifier())
            out.put("README.txt", readme.of_package(done).encode())
            moving.seal(ledger, out, kind, size, root)
    return done


def _chosen(ledger: Ledger, wanted: Sequence[str]) -> list[Recorded]:
    recorded = citing.audits(ledger)
    if not recorded:
        raise ConfigError("the ledger holds no audit", remedy="`compliance audit` makes one")
    for name in wanted:
        if name not in recorded:
            raise ConfigError(
                f"no audit is called {name!r}{nearest(name, recorded)}",
                remedy="recorded ones: " + ", ".join(list(recorded)[-5:]),
            )
    return [recorded[name] for name in dict.fromkeys(wanted or [list(recorded)[-1]])]


def _reports(out: folder.Folder, audit: Recorded, below: Path) -> int:
    """Copy the reports of an audit, each with the digest that its entry records; how many there are."""
    name = str(audit.record["audit"])
    recorded = audit.record["reports"] or []
    for report in recorded:
        place = below / name / report["name"]
        try:
            content = place.read_bytes()
        except FileNotFoundError as error:
            raise ConfigError(
                f"report {report['name']} of audit {name} is not in {place.parent}",
                remedy="name the folder that the audit was written to with --reports",
            ) from error
        except OSError as error:
            raise LedgerError(f"{place} cannot be read: {error.strerror}", remedy="mend its rights") from error
        if hashlib.sha256(content).hexdigest() != report["sha256"]:
            raise IntegrityError(
                f"{place} is not the report that entry {audit.entry} records",
                seq=audit.entry,
                remedy="bring back the file as it was written, from a backup or from whoever received it",
            )
        out.put(f"reports/{name}/{report['name']}", content)
    return len(recorded)


def _verifier() -> bytes:
    return resources.files("compliance.verify").joinpath("standalone.py").read_bytes()
