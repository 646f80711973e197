"""The rules a control's SQL must keep to, so that what could not be read never passes.

Each rule has a name, shown with file, line and what to do. `controls/README.md` shows each with an example. Two rules
can be answered with a comment on the line or the line above: `-- join: why` and `-- null: why`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import duckdb
from sqlglot import exp

from compliance.controls import lint_result
from compliance.controls.catalogue import LoadedControl
from compliance.controls.evidence_base import EvidenceBase
from compliance.controls.sql import BUILT_IN_PARAMETERS, Query, parse
from compliance.controls.yaml_file import line_of, nearest
from compliance.schemas.errors import ControlError
from compliance.schemas.evidence import VIEW_COLUMNS, all_kinds

_CLOCKS = re.compile(
    r"(now|today|current_\w+|localtime(stamp)?|get_current_\w+|transaction_timestamp|statement_timestamp|clock_timestamp|"
    r"random|rand|setseed|uuid\w*|gen_random_uuid|nextval|currval|any_value|arbitrary|currentdate|currenttime\w*|"
    r"localtime|currentdatetime|currentuser|version|getvariable|getenv)\Z"
)
_LINE = re.compile(r"LINE (\d+):")
_COLUMN = re.compile(r"""(?:column|column named|extract field) ["']([^"']+)["']""")


@dataclass(frozen=True, slots=True)
class Problem:
    """One broken rule: where, which, and what to do."""

    path: str
    line: int
    rule: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: [{self.rule}] {self.message}"


def lint(loaded: LoadedControl) -> list[Problem]:
    """Every broken rule in the SQL of `loaded`, by line."""
    try:
        query = parse(loaded.sql, loaded.sql_path)
    except ControlError as error:
        return [Problem(str(loaded.sql_path), error.line or 1, "parses", error.message)]
    found = [Problem(str(loaded.sql_path), line, rule, message) for line, rule, message in _sql_problems(loaded, query)]
    content = loaded.path.read_bytes()
    for key, names in (("parameters", loaded.control.parameters), ("fixed", loaded.control.fixed)):
        for name in names.keys() - query.parameters().keys():
            at = line_of(content, (key, name))
            found.append(Problem(str(loaded.path), at, "parameter", f"parameter {name!r} is declared and never used"))
    for name in loaded.control.parameters.keys() & loaded.control.fixed.keys():
        at = line_of(content, ("fixed", name))
        found.append(Problem(str(loaded.path), at, "parameter", f"{name!r} is fixed, and a parameter that may be set"))
    for code in loaded.control.reasons.keys() - lint_result.codes(query).keys():
        at = line_of(content, ("reasons", code))
        found.append(Problem(str(loaded.path), at, "reason-code", f"reason {code!r} is declared and never given"))
    return sorted(set(found), key=lambda problem: (problem.path, problem.line, problem.rule, problem.message))


Found = tuple[int, str, str]


def _sql_problems(loaded: LoadedControl, query: Query) -> Iterator[Found]:
    tree = query.tree
    if len(query.trees) != 1 or not isinstance(tree, exp.Select):
        line = query.line(query.trees[1] if len(query.trees) > 1 else tree)
        yield line, "one-select", "a control is exactly one SELECT; put unions and steps into WITH"
        return
    yield from lint_result.problems(query, tree, loaded.control.reasons)
    yield from _tables(query, tree)
    yield from _functions(query, tree)
    yield from _filters(query, tree)
    yield from _joins(query, tree)
    yield from _parameters(loaded, query)
    yield from _binding(loaded, query)


def _tables(query: Query, tree: exp.Expr) -> Iterator[Found]:
    own = {cte.alias for cte in tree.find_all(exp.CTE)}
    for table in tree.find_all(exp.Table):
        line = query.line(table)
        if not isinstance(table.this, exp.Identifier):
            yield line, "table", "table functions and files are closed; read kinds of evidence (unnest is allowed)"
        elif table.args.get("db") or table.args.get("catalog"):
            yield line, "table", f"{table.sql()}: name the kind alone, without schema"
        elif table.name not in own and table.name not in all_kinds():
            hint = nearest(table.name, all_kinds())
            yield line, "kind", f"no kind of evidence is called {table.name!r}{hint}"


def _functions(query: Query, tree: exp.Expr) -> Iterator[Found]:
    for node in tree.walk():
        if isinstance(node, exp.TableSample):
            yield query.line(node), "clock", "a sample differs from run to run; judge every resource"
        if isinstance(node, exp.Limit | exp.Fetch | exp.Offset):
            yield query.line(node), "limit", "LIMIT and OFFSET drop resources; judge every one"
        if not isinstance(node, exp.Func):
            continue
        name = (node.name if isinstance(node, exp.Anonymous) else node.key).lower()
        if _CLOCKS.match(name) or _CLOCKS.match(node.sql_name().lower() if not isinstance(node, exp.Anonymous) else ""):
            yield query.line(node), "clock", f"{name}() differs from run to run; use $as_of, $period_start, $period_end"
        if name == "age" and len(node.expressions) < 2:
            yield query.line(node), "clock", "age() of one argument reads the clock; write $as_of - column"
    for column in tree.find_all(exp.Column):
        if not column.table and _CLOCKS.match(column.name.lower()) and column.name.lower() not in _all_columns():
            yield query.line(column), "clock", f"{column.name} reads the clock; use $as_of"


def _filters(query: Query, tree: exp.Expr) -> Iterator[Found]:
    """Conditions that drop rows whose column is NULL, which is to say: whose state nobody could read."""
    for node in tree.find_all(exp.Where, exp.Having, exp.Qualify, exp.Join):
        condition = node.args.get("on") if isinstance(node, exp.Join) else node.this
        if condition is not None:
            yield from _predicate(query, condition)


def _predicate(query: Query, node: exp.Expr) -> Iterator[Found]:
    line = query.line(node)
    if isinstance(node, exp.Paren | exp.And | exp.Or):
        for part in (node.this, node.args.get("expression")):
            if part is not None:
                yield from _predicate(query, part)
    elif isinstance(node, exp.Not):
        inner = node.this.unnest()
        if not isinstance(inner, exp.Is | exp.Exists | exp.NullSafeEQ | exp.NullSafeNEQ):
            said = "`WHERE NOT …` drops rows where it is NULL; write `(…) IS NOT TRUE`"
            yield line, "null-filter", said
    elif isinstance(node, exp.Like | exp.ILike) and node.args.get("negate"):
        yield line, "null-filter", "`NOT LIKE` drops rows where a side is NULL; write `(… LIKE …) IS NOT TRUE`"
    elif isinstance(node, exp.Column):
        said = f"`{node.sql()}` alone drops rows where it is NULL; write IS TRUE, IS NOT FALSE or IS DISTINCT FROM"
        yield line, "null-filter", said
    elif isinstance(node, exp.NEQ):
        yield line, "null-filter", "`<>` drops rows where a side is NULL; write IS DISTINCT FROM"
    elif isinstance(node, exp.EQ) and any(isinstance(side, exp.Boolean) for side in (node.this, node.expression)):
        yield line, "null-filter", "`= true` and `= false` drop rows where it is NULL; write IS TRUE or IS NOT TRUE"


def _joins(query: Query, tree: exp.Expr) -> Iterator[Found]:
    lines = query.text.splitlines()
    for join in tree.find_all(exp.Join):
        if join.side.upper() == "LEFT":
            continue
        line = query.line(join.this)
        if not annotated(lines, line, "join"):
            said = "this join drops resources that have no match; write LEFT JOIN, or say why not in `-- join: why`"
            yield line, "join", said


def annotated(lines: list[str], line: int, word: str) -> bool:
    """Whether the line (from 1) carries `-- word: why`, or the one above is such a comment alone."""
    answer = re.compile(rf"--\s*{word}:\s*\S")
    above = lines[line - 2].lstrip() if line > 1 else ""
    return bool(answer.search(lines[line - 1]) or (above.startswith("--") and answer.search(above)))


def _parameters(loaded: LoadedControl, query: Query) -> Iterator[Found]:
    known = [*loaded.control.parameters, *loaded.control.fixed, *BUILT_IN_PARAMETERS]
    for name, line in query.parameters().items():
        if name not in known:
            yield line, "parameter", f"parameter ${name} is not declared{nearest(name, known)}"
    for name in {*loaded.control.parameters, *loaded.control.fixed} & set(BUILT_IN_PARAMETERS):
        yield 1, "parameter", f"${name} is given by the engine; call the parameter something else"


def _binding(loaded: LoadedControl, query: Query) -> Iterator[Found]:
    """DuckDB itself binds every name and type, on empty evidence."""
    from compliance.controls.cases import AS_OF
    from compliance.controls.profile import naive

    known = [name for name in loaded.kinds if name in all_kinds()]
    moments = dict.fromkeys(BUILT_IN_PARAMETERS, naive(AS_OF))
    defaults = {name: parameter.default for name, parameter in loaded.control.parameters.items()}
    values = {**defaults, **loaded.control.fixed, **moments}
    with EvidenceBase.build({}, (), kinds=known, threads=1) as base:
        try:
            base.query(loaded.sql, values)
        except ControlError as error:
            yield 1, "one-select", error.message
        except duckdb.Error as error:
            said = str(error).partition("\n")[0]
            place = _LINE.search(str(error))
            line = int(place[1]) if place else 1
            column = _COLUMN.search(said)
            if column:
                names = {name for kind in known for name in all_kinds()[kind].columns()} | set(VIEW_COLUMNS)
                said += nearest(column[1], names)
                if not place:  # where table and column share a name DuckDB looks for a field, and gives no line
                    wrong = (node for node in query.tree.find_all(exp.Identifier) if node.name == column[1])
                    line = min((query.line(node) for node in wrong), default=1)
            yield line, "binds", said


def _all_columns() -> frozenset[str]:
    return frozenset(name for kind in all_kinds().values() for name in kind.columns())
