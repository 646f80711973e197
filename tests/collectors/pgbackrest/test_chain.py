"""The arithmetic of segments and timelines."""

from __future__ import annotations

import pytest

from compliance.collectors.pgbackrest.chain import Base, chain, segment_size, stretches
from compliance.collectors.segments import name, number, position

MIB = 1 << 20
SIZE = 16 * MIB


def base(place: int, *, size: int = SIZE, line: int = 1, ended: int = 0, stop: int | None = None) -> Base:
    """A backup that starts in a segment."""
    return Base(name(line, place, size), name(line, stop or place, size), place * size + 40, ended)


def archive(*places: int, line: int = 1) -> dict[str, int]:
    """Segments, each stored at the time of its number."""
    return {name(line, place, SIZE): place for place in places}


def test_names_count_within_four_gibibytes() -> None:
    assert name(1, 255, SIZE) == "0000000100000000000000FF"
    assert name(1, 256, SIZE) == "000000010000000100000000"
    assert number("000000010000000100000000", SIZE) == 256
    assert position("1/28") == (1 << 32) + 40
    with pytest.raises(ValueError, match="no segment"):
        number("000000010000000000000100", SIZE)


@pytest.mark.parametrize("size", [MIB, 16 * MIB, 64 * MIB, 1024 * MIB])
def test_the_size_follows_from_where_backups_start(size: int) -> None:
    assert segment_size([base(3, size=size), base(2, size=size)]) == size


def test_a_start_that_fits_several_sizes_tells_none() -> None:
    assert segment_size([Base(name(1, 0, SIZE), "", 40, 0)]) is None
    assert segment_size([Base(name(1, 3, SIZE), "", None, 0)]) is None
    assert segment_size([]) is None


def test_without_a_hole_all_backups_lead_to_the_end() -> None:
    found = chain(archive(*range(254, 260)), [base(254, ended=10), base(257, ended=20)], stretches(1, "", SIZE), SIZE)
    assert (found.backups, found.earliest, found.last, found.missing) == (2, 10, name(1, 259, SIZE), 0)


def test_a_hole_between_backups_leaves_the_newer_one() -> None:
    bases = [base(1, ended=10), base(4, ended=20)]
    found = chain(archive(1, 2, 4, 5), bases, stretches(1, "", SIZE), SIZE)
    assert (found.backups, found.earliest, found.last) == (1, 20, name(1, 5, SIZE))
    assert (found.missing, found.first_missing) == (1, name(1, 3, SIZE))


def test_a_backup_without_its_own_end_leads_nowhere() -> None:
    bases = [base(1, ended=10), base(3, ended=20, stop=4)]
    found = chain(archive(1, 2, 3, 5), bases, stretches(1, "", SIZE), SIZE)
    assert (found.backups, found.earliest, found.last) == (1, 10, name(1, 3, SIZE))


def test_the_way_goes_over_the_switch_of_timelines() -> None:
    way = stretches(2, f"1\t0/{3 * SIZE + 400:X}\tno recovery target specified\n", SIZE)
    stored = {**archive(1, 2), **archive(3, 4, line=2)}
    assert chain(stored, [base(1, ended=10)], way, SIZE).last == name(2, 4, SIZE)
    assert chain({**archive(1, 2, 3, 4), **archive(4, line=2)}, [base(1)], way, SIZE).last == name(1, 2, SIZE)


def test_a_backup_of_a_branch_that_was_left_does_not_count() -> None:
    way = stretches(2, f"1\t0/{3 * SIZE + 400:X}\tbefore\n", SIZE)
    stored = {**archive(1, 2, 3, 4, 5), **archive(3, 4, line=2)}
    assert chain(stored, [base(5, ended=10)], way, SIZE).backups == 0


def test_a_later_timeline_without_its_history_is_no_way() -> None:
    with pytest.raises(ValueError, match="history"):
        stretches(2, "", SIZE)
