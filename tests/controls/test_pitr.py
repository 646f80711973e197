"""backup.pitr over several repositories: one that leads all the way is enough."""

from __future__ import annotations

from typing import Any

from compliance.controls.cases import evaluate_case
from compliance.controls.catalogue import OWN, load_control
from compliance.schemas.catalogue import Case

LAST = "000000010000000000000009"


def chain(repository: str, **more: Any) -> dict[str, Any]:
    """A repository that leads from eight days ago to the newest segment."""
    return {
        "source": "tool", "backup_set": "main", "repository": repository, "system_identifier": "77", "backups": 2,
        "earliest_restore_at": "as_of-8d", "last_segment": LAST, "last_segment_at": "as_of-4min",
        "newest_segment": LAST, "missing_segments": 0, "first_missing": "", **more,
    }  # fmt: skip


def verdict(*chains: dict[str, Any]) -> str:
    """What backup.pitr says of a server that has archived everything."""
    status = {
        "source": "db", "instance": "d", "enabled": True, "last_archived_at": "as_of-5min", "last_segment": LAST,
        "archived_until": "as_of-5min", "observed_at": "as_of",
    }  # fmt: skip
    given = {
        "archive_status": [status],
        "database_instance": [{"source": "db", "instance": "d", "system_identifier": "77"}],
        "archive_chain": list(chains),
    }
    case = Case.model_validate({"name": "repositories", "given": given, "expect": "pass"})
    return evaluate_case(load_control(OWN / "checks/backup/pitr.yaml"), case).verdict.value


def test_one_of_two_repositories_is_enough() -> None:
    short = chain("1", earliest_restore_at="as_of-6d")
    assert verdict(short) == "fail"
    assert verdict(short, chain("2")) == "pass"
    assert verdict(chain("1"), chain("2", last_segment="000000010000000000000005")) == "pass"


def test_two_halves_do_not_make_a_whole() -> None:
    late = chain("2", last_segment="000000010000000000000005", newest_segment="000000010000000000000005",
                 last_segment_at="as_of-2d")  # fmt: skip
    assert verdict(chain("1", earliest_restore_at="as_of-6d"), late) == "fail"
