"""Mutants of a control's SQL: the query with one thing wrong. A case must break on each, or nobody would notice it.

A mutant that no case can tell from the query, because both mean the same, is answered on its line or the line above
with `-- same: why`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from sqlglot import exp

from compliance.controls import cases
from compliance.controls.catalogue import LoadedControl
from compliance.controls.lint import annotated
from compliance.controls.sql import VERDICTS, Query, parse

_FLIPPED: dict[type[exp.Expr], tuple[type[exp.Expr], ...]] = {
    exp.LT: (exp.LTE, exp.GTE),
    exp.LTE: (exp.LT, exp.GT),
    exp.GT: (exp.GTE, exp.LTE),
    exp.GTE: (exp.GT, exp.LT),
    exp.EQ: (exp.NEQ,),
    exp.NEQ: (exp.EQ,),
    exp.NullSafeEQ: (exp.NullSafeNEQ,),
    exp.NullSafeNEQ: (exp.NullSafeEQ,),
    exp.Min: (exp.Max,),
    exp.Max: (exp.Min,),
    exp.LogicalAnd: (exp.LogicalOr,),
    exp.LogicalOr: (exp.LogicalAnd,),
}
_VERDICTS = {
    "pass": ("fail", "unknown"),
    "fail": ("pass", "unknown"),
    "unknown": ("pass",),
    "not_applicable": ("pass",),
}

Edit = Callable[[exp.Expr], exp.Expr | None]  # what takes the place of a node; None removes it


@dataclass(frozen=True, slots=True)
class Mutant:
    """A query with one thing wrong."""

    control: str
    path: str
    line: int
    change: str
    sql: str
    answered: bool  # `-- same: why` says that it means the same


def mutants(loaded: LoadedControl) -> list[Mutant]:
    """Every mutant of the SQL of `loaded`, in the order of the text."""
    query = parse(loaded.sql, loaded.sql_path)
    lines = loaded.sql.splitlines()
    nodes = list(query.tree.walk())
    found = []
    for place, node in enumerate(nodes):
        for change, edit in _edits(node):
            line = query.line(node)
            text = _edited(query, place, edit)
            if text is not None:
                said = annotated(lines, line, "same")
                found.append(Mutant(loaded.id, str(loaded.sql_path), line, change, text, said))
    return sorted(found, key=lambda one: one.line)


def survivors(loaded: LoadedControl) -> tuple[list[Mutant], int]:
    """The mutants on which no case of `loaded` breaks, and how many mutants there are."""
    made = mutants(loaded)
    alive = [(one, replace(loaded, sql=one.sql)) for one in made]
    for case in loaded.cases:
        if not alive:
            break
        with cases.evidence_of(loaded, case) as base:
            alive = [
                (one, wrong)
                for one, wrong in alive
                if not cases.differences(case, cases.evaluate_on(base, wrong, case))
            ]
    return [one for one, _ in alive], len(made)


def _edited(query: Query, place: int, edit: Edit) -> str | None:
    tree = query.tree.copy()
    node = next(node for n, node in enumerate(tree.walk()) if n == place)
    other = edit(node)
    if other is None:
        node.pop()
    elif node.parent is None:
        return None
    elif other is not node:
        node.replace(other)
    text = tree.sql(dialect="duckdb")
    return None if text == query.tree.sql(dialect="duckdb") else text


def _edits(node: exp.Expr) -> Iterator[tuple[str, Edit]]:
    yield from _comparisons(node)
    yield from _conditions(node)
    yield from _shapes(node)
    if isinstance(node, exp.Anonymous) and node.name in VERDICTS:
        for verdict in _VERDICTS[node.name]:
            yield f"{node.name}(…) becomes {verdict}(…)", _renamed(verdict)


def _comparisons(node: exp.Expr) -> Iterator[tuple[str, Edit]]:
    for other in _FLIPPED.get(type(node), ()):
        yield f"{type(node).__name__} becomes {other.__name__}: {_short(node)}", _as(other)
    if isinstance(node, exp.Is) and isinstance(node.expression, exp.Boolean):
        yield f"TRUE and FALSE swapped: {_short(node)}", _swapped
    if isinstance(node, exp.Not) and isinstance(node.this, exp.Is | exp.In | exp.Exists | exp.Like):
        yield f"NOT dropped: {_short(node)}", lambda n: n.this.copy()
    elif isinstance(node, exp.Is | exp.In | exp.Exists) and not isinstance(node.parent, exp.Not):
        yield f"NOT added: {_short(node)}", lambda n: exp.Not(this=exp.Paren(this=n.copy()))


def _conditions(node: exp.Expr) -> Iterator[tuple[str, Edit]]:
    if isinstance(node, exp.And | exp.Or):
        yield f"dropped: {_short(node.expression)}", lambda n: n.this.copy()
        yield f"dropped: {_short(node.this)}", lambda n: n.expression.copy()
        other = exp.Or if isinstance(node, exp.And) else exp.And
        yield (
            f"{type(node).__name__} becomes {other.__name__}: {_short(node)}",
            lambda n: exp.Paren(this=other(this=n.this.copy(), expression=n.expression.copy())),
        )
    if isinstance(node, exp.Where | exp.Having) and not isinstance(node.parent, exp.Filter):
        yield f"dropped: {_short(node)}", lambda n: None
    if isinstance(node, exp.Filter):
        yield f"dropped: FILTER of {_short(node)}", lambda n: n.this.copy()
    if isinstance(node, exp.If) and isinstance(node.parent, exp.Case) and len(node.parent.args["ifs"]) > 1:
        yield f"dropped: WHEN {_short(node.this)}", lambda n: None


def _shapes(node: exp.Expr) -> Iterator[tuple[str, Edit]]:
    if isinstance(node, exp.Join) and node.side.upper() == "LEFT":
        yield f"inner join of {_short(node.this)}", _inner
    if isinstance(node, exp.Coalesce):
        yield f"no default: {_short(node)}", lambda n: n.this.copy()
    if isinstance(node, exp.Distinct) and isinstance(node.parent, exp.Count):
        yield f"DISTINCT dropped: {_short(node.parent)}", lambda n: n.expressions[0].copy()
    if isinstance(node, exp.Literal) and not node.is_string and isinstance(node.parent, exp.Binary):
        yield f"{node.name} becomes {int(node.name) + 1}: {_short(node.parent)}", _one_more


def _as(other: type[exp.Expr]) -> Edit:
    def edit(node: exp.Expr) -> exp.Expr:
        return other(**{k: v.copy() if isinstance(v, exp.Expr) else v for k, v in node.args.items()})

    return edit


def _renamed(verdict: str) -> Edit:
    def edit(node: exp.Expr) -> exp.Expr:
        node.set("this", verdict)
        return node

    return edit


def _swapped(node: exp.Expr) -> exp.Expr:
    node.set("expression", exp.Boolean(this=not node.expression.this))
    return node


def _inner(node: exp.Expr) -> exp.Expr:
    node.set("side", None)
    return node


def _one_more(node: exp.Expr) -> exp.Expr:
    return exp.Literal.number(int(node.name) + 1)


def _short(node: exp.Expr) -> str:
    text = " ".join(node.sql(dialect="duckdb", comments=False).split())
    return text if len(text) <= 90 else text[:87] + "…"
