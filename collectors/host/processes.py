"""Which programs run now, as far as this account sees other people's processes."""

from __future__ import annotations

from dataclasses import dataclass

from compliance.collectors.host.machine import Machine


@dataclass(frozen=True, slots=True)
class Processes:
    """Names (15 characters, as the kernel keeps them) and program paths of what runs. `all_visible` is false when
    `/proc` hides other people's processes: then not finding one says nothing."""

    names: frozenset[str]
    programs: frozenset[str]
    all_visible: bool


def running(machine: Machine) -> Processes:
    """What runs now. A program's path shows only for one's own processes, or to root; ended processes that nobody has
    collected yet (zombies) do not count, and one that ends while we look does not either."""
    names, programs = set(), set()
    for pid in machine.names("/proc"):
        if not pid.isdigit():
            continue
        folder = machine.at(f"/proc/{pid}")
        try:
            before, _, after = (folder / "stat").read_text(errors="replace").rpartition(")")
        except OSError:
            continue
        if after.split()[:1] in (["Z"], ["X"], []):
            continue
        names.add(before.partition("(")[2])
        try:
            programs.add(str((folder / "exe").readlink()).removesuffix(" (deleted)"))
        except OSError:
            continue
    return Processes(frozenset(names), frozenset(programs), _init_shows(machine))


def _init_shows(machine: Machine) -> bool:
    try:
        return bool(machine.at("/proc/1/stat").read_bytes())
    except OSError:
        return False
