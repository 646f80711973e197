"""What a fault is: how it is planted, and the controls that must turn."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from examples.stack.planting import Plant
from examples.stack.stack import Stack


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault. `plant` makes it and gives what takes it away again; `turns` are the controls it must turn to fail."""

    name: str
    says: str
    plant: Plant
    turns: frozenset[str]
    unknown: frozenset[str] = frozenset()  # those that can no longer be decided
    lasts: bool = False  # the ledger remembers it: it goes on counting for a while after it was taken away

    @contextmanager
    def planted(self, stack: Stack) -> Iterator[None]:
        """Holds while it is planted."""
        undo = self.plant(stack)
        try:
            yield
        finally:
            undo()


def of(*controls: str) -> frozenset[str]:
    """The ids of controls."""
    return frozenset(controls)
