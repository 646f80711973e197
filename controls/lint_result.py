"""Rules about the result of a control: the three columns, and the CASE in which PASS is earned explicitly."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from sqlglot import exp

from compliance.controls.sql import VERDICTS, Query
from compliance.controls.yaml_file import nearest
from compliance.schemas.evidence import all_kinds

COLUMNS = ("resource", "entry", "result")
Found = tuple[int, str, str]


def codes(query: Query) -> Mapping[str, int]:
    """Reason codes that the SQL gives → first line."""
    found: dict[str, int] = {}
    for tree in query.trees:
        for call in tree.find_all(exp.Anonymous):
            code = _code(call)
            if code is not None:
                found.setdefault(code, query.line(call))
    return found


def problems(query: Query, tree: exp.Select, reasons: Collection[str]) -> Iterator[Found]:
    """What is wrong with the columns, the CASE, the reasons and their codes."""
    columns = {item.alias_or_name: item.unalias() for item in tree.expressions}
    if sorted(columns) != sorted(COLUMNS) or len(tree.expressions) != len(COLUMNS):
        yield 1, "columns", f"the query gives {', '.join(columns)}; it must give resource, entry, result"
        return
    case = columns["result"].unnest()
    if not isinstance(case, exp.Case) or case.this is not None:
        yield query.line(case), "result-case", "result must be a CASE WHEN … of pass, fail, unknown, not_applicable"
        return
    allowed: dict[int, frozenset[str]] = {}  # the calls that may stand, and the columns their WHEN tests
    for branch in case.args["ifs"]:
        call = branch.args["true"].unnest()
        if _verdict(call) is None:
            said = "each THEN must be pass(…), fail(…), unknown(…) or not_applicable(…) itself"
            yield query.line(call), "result-case", said
            continue
        allowed[id(call)] = _tested(branch.this)
        if _verdict(call) == "pass":
            yield from _earned(query, branch.this)
    default = case.args.get("default")
    if default is None or _verdict(default.unnest()) != "unknown":
        line = query.line(default) if default is not None else query.line(case)
        yield line, "else-unknown", "end the CASE in ELSE unknown(…): what no WHEN decided was not readable"
    if default is not None:
        allowed[id(default.unnest())] = frozenset()
    yield from _calls(query, tree, allowed, reasons)


def _earned(query: Query, condition: exp.Expr) -> Iterator[Found]:
    """A PASS may rest on nothing that holds for NULL."""
    from compliance.controls.lint import annotated

    if condition.find(exp.Column) is None:  # also `1 = 1`
        yield query.line(condition), "pass-explicit", "a pass needs a condition on evidence, not a constant"
    lines = query.text.splitlines()
    for node in condition.walk():
        if _holds_for_null(node) and not annotated(lines, query.line(node), "null"):
            said = (
                f"`{node.sql(dialect='duckdb')}` holds where the column is NULL, that is: not readable; "
                "test the value itself, or say in `-- null: why` what NULL means here"
            )
            yield query.line(node), "pass-on-null", said


def _holds_for_null(node: exp.Expr) -> bool:
    if isinstance(node, exp.Coalesce | exp.NullSafeEQ | exp.NullSafeNEQ):
        return True
    if isinstance(node, exp.Not):  # IS NOT TRUE, IS NOT FALSE; IS NOT NULL is what a pass may well ask
        inner = node.this.unnest()
        return isinstance(inner, exp.Exists) or (
            isinstance(inner, exp.Is) and not isinstance(inner.expression, exp.Null)
        )
    if isinstance(node, exp.Is) and isinstance(node.expression, exp.Null):
        return not isinstance(node.parent, exp.Not)
    return False


def _calls(
    query: Query, tree: exp.Select, allowed: Mapping[int, frozenset[str]], reasons: Collection[str]
) -> Iterator[Found]:
    for call in tree.find_all(exp.Anonymous):
        verdict = _verdict(call)
        if verdict is None:
            continue
        line = query.line(call)
        if id(call) not in allowed:
            yield line, "result-case", f"{verdict}(…) stands only behind THEN or ELSE of the result"
        if len(call.expressions) != 2:
            yield line, "result-case", f"{verdict}(…) takes a reason code and a reason"
            continue
        code = _code(call)
        if code is None:
            yield line, "reason-code", "write the reason code as a literal: reports and tests look for it"
        elif code not in reasons:
            yield line, "reason-code", f"reason code {code!r} is not declared in `reasons`{nearest(code, reasons)}"
        yield from _reason(query, call.expressions[1], allowed.get(id(call), frozenset()))
    for struct in tree.find_all(exp.Struct):
        if any(item.name.lower() == "verdict" for item in struct.expressions):
            yield query.line(struct), "result-case", "write pass(…), fail(…), unknown(…), not_applicable(…), no struct"


def _reason(query: Query, reason: exp.Expr, tested: frozenset[str]) -> Iterator[Found]:
    literal = reason.unnest()
    if isinstance(literal, exp.Null) or (isinstance(literal, exp.Literal) and not literal.name.strip()):
        yield query.line(reason), "reason", "give a reason in words"
    told = _always_given(query) | tested
    doubtful = {
        column.name
        for node in reason.find_all(exp.DPipe)
        for part in (node.this.unnest(), node.expression.unnest())
        if not isinstance(part, exp.Coalesce | exp.Concat | exp.DPipe)
        for column in part.find_all(exp.Column)
        if column.name not in told
    }
    if doubtful:
        names = ", ".join(sorted(doubtful))
        said = f"`||` makes the whole reason NULL when {names} is NULL; use concat(), which skips NULL, or coalesce()"
        yield query.line(reason), "reason", said


def _always_given(query: Query) -> frozenset[str]:
    """Columns that every kind which has them always gives."""
    given: dict[str, bool] = {"source": True, "entry": True}
    for name in query.tables():
        for column, info in all_kinds()[name].model_fields.items() if name in all_kinds() else ():
            given[column] = given.get(column, True) and info.is_required()
    return frozenset(name for name, always in given.items() if always)


def _tested(condition: exp.Expr) -> frozenset[str]:
    """Columns that a WHEN looks at: where it holds they are, as a rule, not NULL."""
    return frozenset(
        column.name
        for column in condition.find_all(exp.Column)
        if not (isinstance(column.parent, exp.Is) and not isinstance(column.parent.parent, exp.Not))
        or isinstance(getattr(column.parent, "expression", None), exp.Boolean)
    )


def _verdict(node: exp.Expr) -> str | None:
    if isinstance(node, exp.Anonymous) and node.name.lower() in VERDICTS:
        return str(node.name).lower()
    return None


def _code(call: exp.Anonymous) -> str | None:
    if _verdict(call) is None or not call.expressions:
        return None
    code = call.expressions[0]
    return str(code.this) if isinstance(code, exp.Literal) and code.is_string else None
