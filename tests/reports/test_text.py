"""The terminal summary and the catalogue of sentences."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from compliance.reports import texts
from compliance.reports.characters import spell_invisible, visible
from compliance.reports.gate import gate
from compliance.reports.model import Status
from compliance.reports.text import gate_lines, summary, summary_lines
from compliance.schemas.messages import Cause
from compliance.schemas.results import UnknownReason
from tests.reports.factory import BIDI, audit

TEMPLATES = Path(texts.__file__).parent / "templates"


def test_the_summary_names_every_status_with_its_total() -> None:
    result = audit(("soc2",), size=61)

    lines = "\n".join(summary_lines(result))

    assert (
        "8 fail; 4 fail, accepted; 7 unknown; 24 manual due; 7 not evaluated; 5 pass; 6 not applicable (of 61)" in lines
    )
    assert "coverage: 4 of 7" in lines
    assert "1 expired, 1 in force, 1 refused, 1 requested" in lines


def test_what_was_not_read_is_in_the_summary() -> None:
    made = summary(audit())

    assert ("django-prod", "mfa_enrolment", "denied", "permission denied for table auth_user") in made.incomplete


def test_an_unverified_ledger_is_said_first() -> None:
    from dataclasses import replace

    lines = summary_lines(audit(ledger=replace(audit().ledger, verified=False)))

    assert "NOT verified" in lines[1]


@pytest.mark.parametrize("language", texts.LANGUAGES)
def test_gate_lines_end_with_the_exit_code_and_hold_no_control_codes(language: texts.Language) -> None:
    lines = gate_lines(gate(audit(size=61)), language)

    assert lines[-1].endswith(": 1")
    assert not re.search("[\x00-\x1f\x7f\u202e]", "".join(lines))


def test_a_line_feed_in_a_name_starts_no_line() -> None:
    lines = summary_lines(audit(organisation="x\nexit code: 0"))

    assert not any(line.startswith("exit code") for line in lines)


def test_invisible_and_reordering_characters_are_spelled_out() -> None:
    assert spell_invisible("a\u202eb\u200bc") == "a⟨U+202E⟩b⟨U+200B⟩c"
    assert "⟨U+202E⟩" in visible(BIDI)
    assert "⟨U+1F680⟩" in visible(BIDI)
    assert visible("Núñez, тест, مستخدم") == "Núñez, тест, مستخدم"


def test_every_code_has_its_words() -> None:
    assert set(texts.STATUS) == set(texts.STATUS_MEANING) == {s.value for s in Status}
    assert set(texts.UNKNOWN) == {r.value for r in UnknownReason}
    assert set(texts.OUTCOMES) == {"complete", "never", *(c.value for c in Cause)}


def test_both_languages_take_the_same_values() -> None:
    for key, (english, spanish) in texts.TEXTS.items():
        assert english, key
        assert spanish, key
        assert set(re.findall(r"{(\w+)}", english)) == set(re.findall(r"{(\w+)}", spanish)), key


def test_no_sentence_of_the_catalogue_is_unused() -> None:
    used = "".join(p.read_text() for p in TEMPLATES.rglob("*.j2"))
    used += "".join(p.read_text() for p in TEMPLATES.parent.glob("*.py") if p.name != "texts.py")
    built = re.compile(r"(state|method|automation|lock|known|anchor|ended|cause|definitions)_\w+|complete|partial|none")

    missing = [k for k in texts.TEXTS if f'"{k}"' not in used and f"'{k}'" not in used and not built.fullmatch(k)]

    assert missing == []


def test_an_unknown_sentence_raises() -> None:
    with pytest.raises(KeyError):
        texts.text("no_such_sentence", "en")
