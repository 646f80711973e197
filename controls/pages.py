"""The documentation pages of the controls, one a domain, generated from their YAML.

`python -m compliance.controls.pages docs/controls` writes them; a test keeps them equal to the definitions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from itertools import groupby
from pathlib import Path

from compliance.controls.catalogue import Catalogue, LoadedControl, load
from compliance.schemas.catalogue import Control, Empty, Framework, Parameter
from compliance.schemas.kinds.engine import Outcome


def pages(catalogue: Catalogue) -> Mapping[str, str]:
    """File name → Markdown: one page for each domain, and an index."""
    found = {}
    index = ["# Controls", "", _MADE, ""]
    for domain, items in groupby(catalogue.controls.values(), key=lambda item: item.control.domain):
        controls = list(items)
        lines = [f"# Controls: {domain}", "", _MADE]
        for item in controls:
            lines += ["", *_section(item, catalogue.frameworks)]
        found[f"{domain}.md"] = "\n".join(lines) + "\n"
        index += [f"## [{domain}]({domain}.md)", "", "| control | severity | what holds |", "|---|---|---|"]
        for item in controls:
            anchor = item.id.replace(".", "")
            title = item.control.title.en
            index.append(f"| [`{item.id}`]({domain}.md#{anchor}) | {item.control.severity.value} | {title} |")
        index.append("")
    if catalogue.planned:
        index += ["## Not evaluated yet", "", "| control | severity | title | waits for |", "|---|---|---|---|"]
        for planned in catalogue.planned.values():
            waits = ", ".join(f"`{kind}`" for kind in planned.needs)
            index.append(f"| `{planned.id}` | {planned.severity.value} | {planned.title.en} | {waits} |")
        index.append("")
    found["README.md"] = "\n".join(index)
    return found


_MADE = "Generated from `controls/checks/` by `python -m compliance.controls.pages docs/controls`."


def _section(item: LoadedControl, frameworks: Mapping[str, Framework]) -> Iterator[str]:
    control = item.control
    yield f"## {control.id}"
    yield ""
    yield f"**{control.title.en}.** *{control.title.es}.*" if control.title.es else f"**{control.title.en}.**"
    yield ""
    yield f"- **Rule:** {_flat(control.statement.en)}"
    yield f"- **Why:** {_flat(control.why.en)}"
    yield f"- **Remedy:** {_flat(control.remedy.en)}"
    evidence = ", ".join(f"[`{kind}`](../evidence.md#{kind})" for kind in item.kinds)
    yield f"- **Evidence:** {evidence}, at most {_span(control.fresh)} old{_exceptions(control)}."
    yield f"- **Severity** {control.severity.value}; version {control.version}; {control.method}."
    yield f"- **Over a period:** {control.period}."
    if control.applies_if:
        yield f"- **Applies** unless `{control.applies_if}` is declared off."
    yield f"- **Nothing to judge:** {_empty(control.empty)}"
    if control.limits:
        yield f"- **It cannot see:** {_flat(control.limits.en)}"
    if control.tolerate:
        yield f"- **Tolerates** {control.tolerate.fail_percent_max} % that fail ({control.tolerate.source})."
    if control.parameters:
        yield ""
        yield "| parameter | default | whose number | bounds |"
        yield "|---|---|---|---|"
        for name, parameter in control.parameters.items():
            whose, bounds = _flat(parameter.source), _bounds(parameter)
            yield f"| `{name}`: {parameter.title.en} | {_value(parameter)} | {whose} | {bounds} |"
    yield ""
    yield "| reason | in words |"
    yield "|---|---|"
    for code, text in control.reasons.items():
        yield f"| `{code}` | {_flat(text.en)} |"
    bearings = list(_bearings(control.id, frameworks))
    if bearings:
        yield ""
        yield "| requirement | bears on it | why |"
        yield "|---|---|---|"
        yield from bearings


def _bearings(control: str, frameworks: Mapping[str, Framework]) -> Iterator[str]:
    for framework in frameworks.values():
        for requirement in framework.requirements:
            for bearing, links in (("directly", requirement.direct), ("in support", requirement.supporting)):
                for link in links:
                    if link.control == control:
                        yield f"| {framework.short} {requirement.id} | {bearing} | {_flat(link.why)} |"


def _exceptions(control: Control) -> str:
    said = [f"`{kind}` {_span(limit)}" for kind, limit in control.fresh_by_kind.items()]
    said += [f"`{kind}` only where a source gives it" for kind in control.optional_kinds]
    return f" ({'; '.join(said)})" if said else ""


def _empty(empty: Empty) -> str:
    if empty.verdict is Outcome.UNKNOWN:
        return f"unknown. {_flat(empty.reason.en)}"
    proof = "with an in-date nil return" if empty.proof == "nil_return" else "on complete evidence"
    return f"{empty.verdict.value.replace('_', ' ')}, {proof}. {_flat(empty.reason.en)}"


def _value(parameter: Parameter) -> str:
    value = parameter.default
    text = (
        ", ".join(value) if isinstance(value, list) else str(value).lower() if isinstance(value, bool) else str(value)
    )
    return _flat(f"{text} {parameter.unit}".strip() or "none")


def _bounds(parameter: Parameter) -> str:
    said = []
    for framework, bound in parameter.bounds.items():
        limits = bound.model_dump(exclude={"clause"}, exclude_none=True)
        words = ", ".join(f"{name.replace('_', ' ')} {limit}" for name, limit in limits.items())
        said.append(f"{framework} {bound.clause}: {words}")
    return _flat("; ".join(said))


def _span(length: timedelta) -> str:
    minutes = int(length.total_seconds()) // 60
    if minutes % 60:
        return f"{minutes} min"
    return f"{minutes // 1440} d" if minutes % 1440 == 0 else f"{minutes // 60} h"


def _flat(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def write(folder: Path) -> None:
    """Write the pages of our own definitions into `folder`, and remove those of domains that are no more."""
    folder.mkdir(parents=True, exist_ok=True)
    wanted = pages(load())
    for path in folder.glob("*.md"):
        if path.name not in wanted:
            path.unlink()
    for name, text in wanted.items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    import sys

    write(Path(sys.argv[1]))
