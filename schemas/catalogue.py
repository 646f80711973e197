"""What is asked: the shape of control, planned-control and framework files.

These are the contracts of `controls/checks/<domain>/<id>.yaml`, `controls/planned.yaml` and
`controls/frameworks/<id>.yaml`. Unknown keys are refused. SQL lies beside a control in `<id>.sql`.
"""

from __future__ import annotations

import re
from datetime import date, timedelta
from enum import StrEnum
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from compliance.schemas.kinds.engine import Outcome

FRAMEWORKS: Final = ("soc2", "iso27001", "pci_dss", "ferpa", "gdpr", "lfpdppp")

_DURATION = re.compile(r"(\d+)(min|h|d)\Z")


def duration(text: Any) -> Any:
    """`15min`, `26h` or `31d` as a timedelta; other values pass through to the validator behind."""
    if isinstance(text, str) and (found := _DURATION.match(text)):
        unit = {"min": "minutes", "h": "hours", "d": "days"}[found[2]]
        return timedelta(**{unit: int(found[1])})
    return text


Duration = Annotated[timedelta, BeforeValidator(duration)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Text(_Model):
    """A text for readers, in English and where we have it in Spanish."""

    en: str
    es: str | None = None

    def in_(self, language: str) -> str:
        """The text in `language`, English where that is missing."""
        return self.es if language == "es" and self.es else self.en


class Severity(StrEnum):
    """How much a failure matters, independent of any verdict."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"

    @property
    def rank(self) -> int:
        """0 for critical, 3 for low."""
        return list(Severity).index(self)


class Bound(_Model):
    """How far a framework lets a parameter go. Outside it the framework's requirement fails."""

    min: int | None = None
    max: int | None = None
    must_include: list[str] | None = None
    must_not_include: list[str] | None = None
    clause: str = Field(description="Where the framework fixes the number.")


class Parameter(_Model):
    """A number or list that an organisation may set."""

    type: Literal["int", "str", "bool", "list[str]"]
    default: int | str | bool | list[str]
    unit: str = ""
    title: Text
    source: str = Field(
        description="Whose number the default is: a clause, the organisation's promise, or our default."
    )
    bounds: dict[str, Bound] = Field(default_factory=dict, description="By framework id.")


class Empty(_Model):
    """What an empty population means. Anything but `unknown` must be proven."""

    verdict: Outcome = Outcome.UNKNOWN
    proof: Literal["complete", "nil_return"] = Field(
        default="complete",
        description="complete: every needed collection is complete and fresh; nil_return: also an in-date nil return.",
    )
    reason: Text


class Tolerance(_Model):
    """A control that lets a share of its resources fail."""

    fail_percent_max: int = Field(ge=0, le=100)
    source: str


class CaseCollection(_Model):
    """A collection in a case that is not simply complete and fresh."""

    kind: str
    source: str = "case"
    outcome: str = "complete"
    age: Duration = timedelta(hours=1)


class Case(_Model):
    """Rows in, verdict out. Rows may leave out columns: they are NULL. Every kind the SQL reads counts as promised
    and completely collected one hour ago by source `case` (and by each source a row names), unless `collections`
    says otherwise; with `promised: false` no source promises anything: no evidence."""

    name: str
    given: dict[str, list[dict[str, Any]]] = Field(default_factory=dict)
    collections: list[CaseCollection] = Field(default_factory=list)
    promised: bool = True
    nil_return: bool = False
    parameters: dict[str, Any] = Field(default_factory=dict)
    profile: dict[str, bool] = Field(default_factory=dict)
    expect: Outcome
    unknown_reason: str | None = None
    findings: dict[str, str] | None = Field(default=None, description="resource → `verdict:code`, all of them.")


class Control(_Model):
    """One question about the evidence: what of its file is needed to ask it."""

    id: str = Field(pattern=r"^[a-z]+\.[a-z0-9_]+$")
    version: int = Field(ge=1, description="Bumped when a verdict can change.")
    title: Text
    statement: Text
    severity: Severity
    why: Text
    remedy: Text
    method: Literal["automated", "hybrid", "manual"] = "automated"
    sql: str | None = Field(
        default=None,
        pattern=r"^[a-z][a-z0-9_]*\.sql$",
        description="File beside this one with a SELECT that several controls ask; its own name otherwise.",
    )
    fixed: dict[str, int | str | bool | list[str]] = Field(
        default_factory=dict,
        description="What this control asks such a SELECT for: values of its $names that nobody may set.",
    )
    parameters: dict[str, Parameter] = Field(default_factory=dict)
    applies_if: str | None = Field(default=None, description="Profile flag; declared off and in date: not applicable.")
    fresh: Duration = Field(description="Oldest acceptable complete collection.")
    fresh_by_kind: dict[str, Duration] = Field(default_factory=dict)
    optional_kinds: list[str] = Field(
        default_factory=list,
        description="Kinds that refine an answer: nothing is unknown only because no source promises them.",
    )
    needed_from: dict[str, str] = Field(
        default_factory=dict,
        description="Kind → kind: the first is needed only from sources that also promise the second (the population).",
    )
    empty: Empty
    period: str = Field(description="Period rule (config_daily, event_population, recurring_…, document_in_force).")
    tolerate: Tolerance | None = None
    reasons: dict[str, Text] = Field(description="Every reason code the SQL can give, in general words.")
    limits: Text | None = Field(default=None, description="What this control cannot see; printed in reports.")

    @property
    def domain(self) -> str:
        """First part of the id, and the folder the control lies in."""
        return self.id.partition(".")[0]


class ControlFile(Control):
    """The whole file of a control. `cases` are its last key: whoever only asks does not read them."""

    cases: list[Case] = Field(min_length=4)

    @model_validator(mode="after")
    def _cases_cover(self) -> ControlFile:
        expected = {case.expect for case in self.cases}
        missing = {Outcome.PASS, Outcome.FAIL, Outcome.UNKNOWN} - expected
        if missing:
            raise ValueError(f"cases lack a verdict: {', '.join(sorted(missing))}")
        if not any(case.unknown_reason == "no_evidence" for case in self.cases):
            raise ValueError("cases lack one that expects unknown_reason no_evidence")
        return self


class PlannedControl(_Model):
    """A control that no collector of ours can feed yet. It shows as unknown: no collector yet."""

    id: str = Field(pattern=r"^[a-z0-9]+\.[a-z0-9_]+$")
    title: Text
    severity: Severity
    applies_if: str | None = None
    needs: list[str] = Field(description="Evidence it waits for, in the words of the vocabulary.")
    from_: str = Field(alias="from", description="System or register that would give it.")


class Link(_Model):
    """A control that bears on a requirement, and why."""

    control: str
    why: str


Form = Literal["document", "attestation", "sample", "external_report", "contract", "interview"]
# Forms that are a paper: without the paper nothing was brought.
PAPERS: Final = frozenset({"document", "contract", "external_report"})


class Requirement(_Model):
    """One numbered item of a framework, titled in our own words."""

    id: str
    title: Text
    kind: Literal["technical", "procedural"]
    automation: Literal["full", "partial", "none"]
    manual: list[Form] = Field(default_factory=list, description="What a person brings; each of them is needed.")
    brings: Text | None = Field(
        default=None, description="What that is, where controls alone do not decide: subject, not form."
    )
    condition: str | None = Field(
        default=None, description="Profile flag that switches it on; undeclared or expired counts as on."
    )
    effective: date | None = Field(default=None, description="First day (UTC) it binds; before, it does not apply.")
    attributes: dict[str, Any] = Field(default_factory=dict)
    direct: list[Link] = Field(default_factory=list)
    supporting: list[Link] = Field(default_factory=list)


class Group(_Model):
    """A heading of a framework."""

    id: str
    title: Text
    requirements: list[Requirement]
    selectable: bool = Field(
        default=False, description="The organisation's statement of applicability may exclude its items, with a reason."
    )


class Questionnaire(_Model):
    """A shorter way to be assessed, which an organisation declares with a profile flag set to true.

    `leaves_out` holds only what a source confirms; where the whole scope is not known, everything else is judged.
    """

    flag: str
    title: Text
    scope: Literal["whole", "part", "unknown"] = Field(
        description="How much of what it leaves out is known: all of it, some of it, nothing."
    )
    leaves_out: list[str] = Field(default_factory=list, description="Requirements that it does not ask.")
    needs_off: list[str] = Field(
        default_factory=list, description="Facts that must be declared off, or nothing is left out."
    )
    source: str = Field(description="Where the scope is known from.")


class Framework(_Model):
    """An edition of a standard or law."""

    id: str
    name: Text
    short: str
    edition: str
    edition_es: str | None = Field(default=None, description="The edition for readers of Spanish, where words differ.")
    authority: str
    text_notice: Text = Field(description="Whose text it is, and that titles are our own words.")
    notes: list[Text] = Field(default_factory=list)
    requirement_word: Text = Field(
        description="The field's word for one item: criterion, control, requirement, article."
    )
    applies_if: str | None = Field(
        default=None, description="Profile flag; declared off and in date, no requirement of the framework applies."
    )
    conditions: dict[str, Text] = Field(default_factory=dict, description="Profile flags its requirements hang on.")
    questionnaires: list[Questionnaire] = Field(default_factory=list)
    groups: list[Group]

    @property
    def requirements(self) -> list[Requirement]:
        """All items in order."""
        return [requirement for group in self.groups for requirement in group.requirements]


class PlannedFile(_Model):
    """`controls/planned.yaml`."""

    controls: list[PlannedControl]


PROFILE_FLAGS: dict[str, Text] = {
    "processes_payments": Text(
        en="Takes card payments in any form, also through a hosted page",
        es="Recibe pagos con tarjeta en cualquier forma, también por una página alojada",
    ),
    "education_records": Text(
        en="Holds education records of institutions funded by the United States",
        es="Guarda expedientes educativos de instituciones con fondos de los Estados Unidos",
    ),
    "eu_subjects": Text(en="Falls under GDPR article 3", es="Está sujeta al artículo 3 del RGPD"),
    "mx_subjects": Text(
        en="Processes personal data under the Mexican law", es="Trata datos personales conforme a la ley mexicana"
    ),
    "sharding": Text(en="Runs more than one database shard", es="Opera más de un fragmento de base de datos"),
    "pci_stored_data": Text(en="Stores card numbers", es="Almacena números de tarjeta"),
    "service_provider_pci": Text(en="Is a PCI service provider", es="Es proveedor de servicios PCI"),
}
