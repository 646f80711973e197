"""The pages of the controls are what the definitions say."""

from __future__ import annotations

from pathlib import Path

import pytest

from compliance.controls import catalogue, pages

DOCS = Path(__file__).resolve().parents[2] / "docs" / "controls"
PAGES = pages.pages(catalogue.load())


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_what_the_definitions_say(name: str) -> None:
    assert (DOCS / name).read_text(encoding="utf-8") == PAGES[name], (
        "run python -m compliance.controls.pages docs/controls"
    )


def test_no_page_is_of_a_domain_that_is_no_more() -> None:
    assert {path.name for path in DOCS.glob("*.md")} == set(PAGES)


def test_a_control_is_told_with_rule_threshold_source_requirements_and_remedy() -> None:
    page = PAGES["access.md"]
    section = page[page.index("## access.dormant_disabled") :].split("\n## ")[0]

    assert "within 90 days" in section
    assert "| `days`: Days without use | 90 d | PCI DSS v4.0.1 requirement 8.2.6 | pci_dss 8.2.6: max 90 |" in section
    assert "PCI DSS 8.2.6 | directly" in section or "8.2.6 | directly" in section
    assert "- **Remedy:** Disable or remove accounts" in section
    assert "[`user_account`](../evidence.md#user_account)" in section
