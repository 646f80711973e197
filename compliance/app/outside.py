"""What the anchors say of a ledger: read them, hand their copies to the verifier, and put the answer into words."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import count
from pathlib import Path

from compliance.anchors import Anchor, Folder, Held, Kept, Log, Unread, head
from compliance.app.anchoring import Configured, Memory
from compliance.schemas.errors import ComplianceError, ConfigError, Malformed, SourceError
from compliance.schemas.results import AnchorView
from compliance.verify import AnchorFound, is_claim

GIVEN = "given"  # type of an anchor that was handed over on the command line

ALONE = (
    "none configured: only the lock store vouches for this ledger; a copy rolled back, or forged with the signing key, "
    "in every place at once would not be seen"
)


@dataclass(frozen=True, slots=True)
class Reading:
    """One anchor as it was read. `held` is None when it could not be asked."""

    name: str
    type: str
    where: str
    held: Held | None
    error: ComplianceError | None
    memory: Memory | None
    shared: Callable[[int | None], str | None]


def read(anchors: Sequence[Configured]) -> tuple[Reading, ...]:
    """Every anchor, asked at once. One that cannot be asked is a value."""
    if not anchors:
        return ()
    with ThreadPoolExecutor(len(anchors)) as pool:
        return tuple(pool.map(_read, anchors))


def _read(item: Configured) -> Reading:
    held, error = _asked(item.anchor)
    return Reading(item.name, item.anchor.name, item.anchor.where, held, error, item.memory, item.anchor.same_machine)


def _asked(anchor: Anchor) -> tuple[Held | None, ComplianceError | None]:
    try:
        return anchor.notes(), None
    except ComplianceError as error:
        return None, error


def given(text: str) -> Reading:
    """What somebody was handed: `size:root` from a report, a note, a checkpoint log, or a folder of notes.

    Raises:
        ConfigError: it is neither, or nothing is there.
    """
    if is_claim(text):
        size, root = text.split(":")
        claim = Kept("the command line", f"{size}:{root.lower()}")
        return _given(f"{size}:{root[:8].lower()}…", "the command line", Held((claim,)))
    path = Path(text)
    try:
        if path.is_dir():
            return _given(text, str(path), *_asked(Folder(path)))
        content = path.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"--anchor {text}: {error.strerror}", remedy="give SIZE:ROOT as a report prints it, a note, or a folder"
        ) from error
    if content.startswith(b"{"):
        return _given(text, str(path), *_asked(Log(path)))
    try:
        note = content.decode("utf-8", "replace")
        head(note)
        return _given(text, str(path), Held((Kept(str(path), note),)))
    except Malformed as error:
        bad = Unread(str(path), error.cause, error.message, error.remedy or "")
        return _given(text, str(path), Held((), (bad,)))


def _given(name: str, where: str, held: Held | None, error: ComplianceError | None = None) -> Reading:
    return Reading(name, GIVEN, where, held, error, None, lambda device: "it was given by hand")


def distinct(readings: Sequence[Reading]) -> tuple[Reading, ...]:
    """The readings, each under a name of its own: what is kept under one name is compared as one."""
    found: list[Reading] = []
    for item in readings:
        names = {other.name for other in found}
        same = (f"{item.name} ({n})" for n in count(2))
        name = item.name if item.name not in names else next(name for name in same if name not in names)
        found.append(replace(item, name=name))
    return tuple(found)


def notes(readings: Sequence[Reading]) -> dict[str, list[str]]:
    """The copies for the verifier, by the anchor's name."""
    return {item.name: [kept.note for kept in item.held.kept] for item in readings if item.held is not None}


GLANCED = 1000  # copies of one anchor: recomputing a root from tiles takes about a millisecond


def glance(readings: Sequence[Reading], size: int, root_at: Callable[[int], bytes]) -> list[AnchorFound]:
    """The newest 1,000 copies of each anchor against an open ledger of `size` entries. Older ones, and signatures, are
    for `verify`. The newest alone would not do: whoever forges history adds to the anchor too."""
    found = []
    for item in readings:
        if item.held is None:
            continue
        seen = AnchorFound(item.name, copies=len(item.held.kept))
        said = {(it.size, it.root) for it in (head(kept.note) for kept in item.held.kept)}
        for named, root in sorted(said, reverse=True)[:GLANCED]:
            seen.size = max(seen.size, named)
            if named > size:
                seen.worsen("ahead")
            elif named and root_at(named) != root:
                seen.worsen("differs")
            else:
                seen.agreed = max(seen.agreed, named)
                seen.worsen("ok")
        found.append(seen)
    return found


def views(readings: Sequence[Reading], found: Sequence[AnchorFound], size: int, ledger: Path) -> tuple[AnchorView, ...]:
    """What every anchor says in the end, for a ledger of `size` entries at `ledger`."""
    by_name: Mapping[str, AnchorFound] = {item.name: item for item in found}
    try:
        device: int | None = ledger.stat().st_dev
    except OSError:
        device = None
    return tuple(_view(item, by_name.get(item.name), size, device) for item in readings)


def _view(item: Reading, found: AnchorFound | None, size: int, device: int | None) -> AnchorView:
    state, message, remedy = _state(item, found)
    agreed = found.agreed if found else 0
    return AnchorView(
        name=item.name,
        type=item.type,
        where=item.where,
        state=state,
        size=found.size if found else 0,
        agreed=agreed,
        at=_when(item, agreed),
        tail=size - agreed,
        shared=item.shared(device),
        message=message,
        remedy=remedy,
        remarks=item.held.remarks if item.held else (),
    )


def _state(item: Reading, found: AnchorFound | None) -> tuple[str, str | None, str | None]:
    """State, and in words why it is not `ok`."""
    if item.held is None or found is None:
        error = item.error
        assert error is not None, "an anchor that was not read has an error"
        cause = f"{error.cause}: " if isinstance(error, SourceError) else ""
        return "unreachable", f"{cause}{error.message}", error.remedy
    if found.state in ("ahead", "differs"):
        said = f"it names {found.size} entries" if found.state == "ahead" else "a copy there contradicts the ledger"
        return found.state, said, "keep everything as it is; `compliance verify` lists what does not hold"
    if item.memory is not None and item.memory.size > found.size:
        lost = f"a checkpoint of {item.memory.size} entries was put there and is not there any more"
        return "lost", lost, "find out who removed it; then `compliance anchor push`"
    if item.held.unread:
        first, more = item.held.unread[0], len(item.held.unread) - 1
        rest = f" (and {more} more)" if more else ""
        return "unreadable", f"{first.where}: {first.cause}: {first.message}{rest}", first.remedy
    if found.state == "unreadable":
        return "unreadable", "a copy there could not be compared", "`compliance verify` says why"
    if found.state == "empty":
        return "empty", "nothing is kept there yet", "`compliance anchor push`"
    return "ok", None, None


def _when(item: Reading, agreed: int) -> datetime | None:
    """When the anchor got the newest copy that agrees: the earliest time it gives for a copy of that size."""
    if item.held is None or not agreed or item.type == GIVEN:
        return None
    times = [kept.at for kept in item.held.kept if kept.at is not None and head(kept.note).size == agreed]
    return min(times, default=None)


def anchored_at(seen: Sequence[AnchorView]) -> datetime | None:
    """When the newest copy outside this machine that agrees was made; None when there is none."""
    times = [view.at for view in seen if view.state == "ok" and view.shared is None and view.at is not None]
    return max(times, default=None)


def words(view: AnchorView) -> str:
    """One anchor in a line."""
    when = f", {view.at:%Y-%m-%d %H:%M} UTC" if view.at else ""
    told = {
        "ok": f"{view.agreed} entries agree{when}; {view.tail} after them are not anchored there",
        "empty": "EMPTY: nothing is kept there yet",
        "unreachable": f"NOT CHECKED: {view.message}",
        "unreadable": f"NOT CHECKED: {view.message}",
        "lost": f"NOT CHECKED: {view.message}",
        "ahead": f"CONTRADICTS: {view.message}",
        "differs": f"CONTRADICTS: {view.message}",
    }[view.state]
    inside = f"; does not count as outside: {view.shared}" if view.shared and view.type != GIVEN else ""
    return f"{view.name} ({view.type}): {told}{inside}"
