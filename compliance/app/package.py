"""What an auditor receives: reports, what they rest on, and a verifier. Format: schemas/ledger.md §13."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path

import orjson

from compliance.app import anchoring, attachments, moving, outside, readme, workspace
from compliance.app.config import Config
from compliance.app.where import nearest
from compliance.app.workspace import Say
from compliance.ledger import Ledger, citing, folder
from compliance.ledger.citing import Recorded
from compliance.ledger.note import parse_checkpoint, split_note
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
class Anchored:
    """What was read from one anchor: the notes it holds, in words what could not be read of it, and the time stamps
    (RFC 3161) over some of the notes."""

    name: str
    notes: Sequence[str]
    unread: Sequence[str] = ()
    tokens: Mapping[str, bytes] = field(default_factory=dict)


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
    stamped: bool
    attached: int = 0


def make(
    config: Config, target: Path, wanted: Wanted, say: Say, tell: Say, anchors: Sequence[Anchored] | None = None
) -> Package:
    """Write the package to the new folder `target`. It is whole or not there at all. `anchors` (None: the configured
    ones) goes in as it was read: judging it is for the verifier.

    Raises:
        ConfigError: no such audit, a report that is not where it was written, or something at `target`.
        IntegrityError: the ledger, a report or an attachment is not what was recorded.
        StorageFull: no space; nothing half-written stays.
    """
    folder.refuse(target)
    if anchors is None:
        anchors = [_read(item) for item in outside.read(anchoring.configured(config, workspace.places(config)))]
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
            documents = _documents(ledger, chosen)
            cited = sorted({*citing.citations(ledger, chosen), *documents})
            citing.proofs(ledger, out, cited)
            attached = 0
            for sha256 in sorted({*documents.values()}) if wanted.personal else ():
                attached += _attachment(out, opened.places.attachments, sha256, say)
            disclosed = citing.disclosed(ledger, out, cited) if wanted.personal else 0
            if wanted.cited:
                out.put("checkpoint", ledger.checkpoint.encode())
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
                any(anchor.tokens for anchor in anchors),
                attached,
            )
            for anchor in anchors:
                _anchor(out, anchor)
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


def _documents(ledger: Ledger, chosen: Sequence[Recorded]) -> dict[int, str]:
    """The attestations whose documents are kept and that were known to one of these audits, which all list the manual
    evidence on record: entry → digest of the document."""
    size = max(int(str(audit.record["ledger_size"])) for audit in chosen)
    table = ledger.events("attestation", upto=size)
    records = zip(table.column("entry").to_pylist(), table.column("record").to_pylist(), strict=True)
    found = {}
    for entry, text in records:
        for sha256 in attachments.recorded([orjson.loads(text)]):
            found[entry] = sha256
    return found


def _attachment(out: folder.Folder, place: Path, sha256: str, say: Say) -> int:
    """Put a document into the package; 0 when it is not there any more, which is said. Raises IntegrityError."""
    try:
        content = attachments.read(place, sha256)
    except IntegrityError:
        raise
    except LedgerError as error:  # it may have had to be destroyed: its digest stays in the ledger
        say(f"{error.message}; the package goes without it")
        return 0
    out.put(f"attachments/{sha256}", content)
    return 1


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


def _read(item: outside.Reading) -> Anchored:
    if item.held is None:
        return Anchored(item.name, (), (f"{item.where}: {item.error}",))
    unread = [f"{bad.where}: {bad.message}" for bad in item.held.unread]
    tokens = {kept.note: kept.token for kept in item.held.kept if kept.token is not None}
    return Anchored(item.name, [kept.note for kept in item.held.kept], unread, tokens)


def _anchor(out: folder.Folder, anchor: Anchored) -> None:
    """Write the copies of one anchor under the names of §15, each with its time stamp beside it, and what could not be
    read, which nobody may take for agreement."""
    below = f"anchors/{folder.plain(anchor.name)}"
    unread = list(anchor.unread)
    for note in dict.fromkeys(anchor.notes):
        try:
            said = parse_checkpoint(split_note(note)[0])
        except IntegrityError as error:
            unread.append(error.message)
            continue
        name = f"{below}/{said.size:020}-{said.root.hex()}"
        out.put(name, note.encode())
        if note in anchor.tokens:
            out.put(f"{name}.tsr", anchor.tokens[note])
    if unread:
        out.put(f"{below}/NOT-READ.txt", "".join(f"{text}\n" for text in unread).encode())


def _verifier() -> bytes:
    return resources.files("compliance.verify").joinpath("standalone.py").read_bytes()
