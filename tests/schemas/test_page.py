"""The documentation page is what the classes say."""

from pathlib import Path

from compliance.schemas.evidence import all_kinds
from compliance.schemas.page import page

PAGE = Path(__file__).resolve().parents[2] / "docs" / "evidence.md"


def test_the_page_in_the_repository_is_current() -> None:
    assert PAGE.read_text("utf-8") == page(), "run: python -m compliance.schemas.page > docs/evidence.md"


def test_every_kind_and_column_is_described() -> None:
    for kind in all_kinds().values():
        assert kind.__doc__, kind
        for name, info in kind.model_fields.items():
            assert info.description, f"{kind.kind}.{name}"
