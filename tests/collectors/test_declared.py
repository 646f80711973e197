"""What is declared of accounts, over what the system says of them."""

from __future__ import annotations

from typing import Any

import pytest

from compliance.collectors.declared import DeclaredAccount, declared
from compliance.collectors.postgres.settings import PostgresSettings
from compliance.schemas.kinds.identity import AccountType, UserAccount


def test_what_is_declared_joins_what_was_read() -> None:
    read = [
        UserAccount(account="postgres", account_type=AccountType.SYSTEM, is_active=True, is_superuser=True),
        UserAccount(account="ana", is_active=False),
        UserAccount(account="new"),
    ]
    given = {
        "postgres": DeclaredAccount(account_type=AccountType.BREAK_GLASS, owner="P1", exception_ref="X-1"),
        "ana": DeclaredAccount(account_type=AccountType.HUMAN, person="P2"),
        "gone": DeclaredAccount(account_type=AccountType.SERVICE),
    }
    admin, ana, new = declared(read, given)
    assert (admin.account_type, admin.is_active, admin.is_superuser) == ("break_glass", True, True)
    assert (admin.owner, admin.exception_ref, admin.person) == ("P1", "X-1", None)
    assert (ana.account_type, ana.person, ana.is_active) == ("human", "P2", False)
    assert new == read[2]


@pytest.mark.parametrize(
    "account",
    [
        {"account_type": "human"},
        {"account_type": "service", "person": "P1"},
        {"account_type": "robot"},
        {"account_type": "service", "pasword": "x"},
        {"owner": "P1"},
    ],
)
def test_a_declaration_that_says_nothing_or_too_much_is_refused(account: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"account"):
        PostgresSettings.model_validate({"accounts": {"a": account}})
