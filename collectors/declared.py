"""What an organisation declares about the accounts of a system that itself knows no persons and no programs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from pydantic import BaseModel, ConfigDict, Field, model_validator

from compliance.schemas.kinds.identity import AccountType, UserAccount


class DeclaredAccount(BaseModel):
    """Who or what stands behind one account."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    account_type: AccountType = Field(description="human, service, system, shared or break_glass.")
    person: str | None = Field(default=None, description="The person it belongs to, by the organisation's identifier.")
    owner: str | None = Field(default=None, description="Who answers for an account that is no person's.")
    purpose: str | None = Field(default=None, description="What it is for.")
    exception_ref: str | None = Field(default=None, description="Reference of the approval it exists under.")
    is_vendor: bool | None = Field(default=None, description="It belongs to an outside company.")

    @model_validator(mode="after")
    def _whose(self) -> DeclaredAccount:
        if (self.account_type is AccountType.HUMAN) != bool(self.person):
            raise ValueError("an account of type human, and no other, names its person")
        return self


def declared(accounts: Iterable[UserAccount], by_name: Mapping[str, DeclaredAccount]) -> list[UserAccount]:
    """The accounts with what was declared of them; what the system itself says of the rest stays."""
    return [_with(account, by_name[account.account]) if account.account in by_name else account for account in accounts]


def _with(account: UserAccount, more: DeclaredAccount) -> UserAccount:
    given = {name: value for name, value in more.model_dump().items() if value is not None}
    return UserAccount(**{**account.model_dump(), **given})
