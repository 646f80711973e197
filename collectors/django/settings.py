"""How the Django collector is told where to look, and what the organisation declares."""

from __future__ import annotations

from pydantic import Field

from compliance.collectors.postgres.settings import ConnectionSettings
from compliance.schemas.messages import LocalPath


class DjangoSettings(ConnectionSettings):
    """One Django project's database and the account that reads it."""

    dbname: str = Field(description="Database of the project.")
    db_schema: str = Field(default="public", description="Schema that holds the project's tables.")
    user_table: str | None = Field(default=None, description="Table of the user model, where it cannot be told.")
    user_model: str | None = Field(
        default=None, pattern=r"^\w+\.\w+$", description="Its name (app.Model), where its table has a name of its own."
    )
    username_column: str | None = Field(default=None, description="Its column of the sign-in name, where not username.")
    person_column: str | None = Field(
        default=None, description="Its column that says which person an account belongs to (staff number, e-mail)."
    )
    roles_file: LocalPath | None = Field(
        default=None, description="YAML file of the approved roles: owner, purpose, approval, permissions, conflicts."
    )
    service_accounts: tuple[str, ...] = Field(default=(), description="Declared: accounts that programs use.")
    privileged_roles: tuple[str, ...] = Field(default=(), description="Declared: groups that count as administrators.")
    mfa_elsewhere: bool = Field(
        default=False, description="Declared: an identity provider asks for the second factor; none here says nothing."
    )
    logs_of_record: tuple[str, ...] | None = Field(
        default=None,
        min_length=1,
        description="Declared: logs that stand for what users did; all of them when left out.",
    )
    exclude_logs: tuple[str, ...] = Field(default=(), description="Logs (tables) that are not read.")
    hold_minutes: int = Field(
        default=60, ge=1, description="Events that wait longer than this for an older transaction are a gap."
    )
    rights_limit: int = Field(default=200_000, ge=1, description="More rows of one kind of accounts or rights: a gap.")
