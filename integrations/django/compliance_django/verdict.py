"""What is known of a view's demands, put together layer by layer, outermost first."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class Demand:
    """`signin` is True when a caller who is not signed in never gets past, False when it is declared or proven that he
    does, None when only the project's own code decides. Whatever stands outside a guard may answer in its place, so
    nothing is certain once `undecided` holds a name."""

    signin: bool | None = None
    permission: bool | None = None
    permissions: list[str] = field(default_factory=list)
    guards: list[str] = field(default_factory=list)
    undecided: list[str] = field(default_factory=list)
    methods: list[str] | None = None
    basis: str = ""

    def guarded(self, guard: str, basis: str, *, permission: bool = False, permissions: Any = ()) -> None:
        """A guard that refuses everybody who is not signed in."""
        self.guards.append(guard)
        self.permissions.extend(str(name) for name in permissions)
        if not self.undecided and self.signin is None:
            self.signin, self.basis = True, basis
        if permission and not self.undecided:
            self.permission = True

    def doubtful(self, name: str) -> None:
        """Code that may refuse or let in."""
        self.guards.append(name)
        self.undecided.append(name)

    def opened(self, basis: str) -> None:
        """Declared or proven to be open; a guard or doubt before it weighs more."""
        if self.signin is None and not self.undecided:
            self.signin, self.permission, self.basis = False, False, basis

    def row(self) -> dict[str, Any]:
        """As it stands in the report."""
        return {
            "requires_signin": self.signin,
            "requires_permission": self.permission if self.signin is not False else False,
            "permissions": sorted(set(self.permissions)),
            "guards": sorted(set(self.guards)),
            "undecided": [] if self.signin else sorted(set(self.undecided)),
            "methods": self.methods,
            "basis": self.basis or "only its own code decides",
        }
