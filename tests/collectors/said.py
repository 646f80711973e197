"""What one run of a collector said, for the tests of collectors."""

from __future__ import annotations

from typing import Any

from compliance.schemas.messages import Collector, Complete, Context, Gap, Message, Record


class Said:
    """The messages of one run, and their endings by kind."""

    def __init__(self, collector: type[Collector], ctx: Context[Any]) -> None:
        self.messages: list[Message] = list(collector().collect(ctx))
        self.gaps = {m.kind: m for m in self.messages if isinstance(m, Gap)}
        self.complete = {m.kind: m for m in self.messages if isinstance(m, Complete)}

    def rows(self, kind: str) -> list[Any]:
        """The rows of a kind that was wholly read."""
        assert kind in self.complete, self.gaps.get(kind)
        return [m.evidence for m in self.messages if isinstance(m, Record) and m.evidence.kind == kind]

    def one(self, kind: str, **where: Any) -> Any:
        """The only row of a kind with these values."""
        found = [r for r in self.rows(kind) if all(getattr(r, n) == v for n, v in where.items())]
        assert len(found) == 1, f"{kind} {where}: {len(found)} rows"
        return found[0]
