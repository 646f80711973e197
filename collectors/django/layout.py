"""What of Django there is in a database, and what of it the reading role may see.

Tables are recognised by their columns and foreign keys, which every role may look up; nothing is read from them here.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from compliance.collectors.django.settings import DjangoSettings
from compliance.collectors.postgres.session import Query, Session
from compliance.schemas.errors import Absent, Denied, Malformed

UUID = "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"  # as both PostgreSQL and Python read it
_COLUMNS = """SELECT c.relname AS "table", a.attname AS "column", format_type(a.atttypid, NULL) AS type,
  has_column_privilege(c.oid, a.attnum, 'SELECT') AS readable
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid
WHERE n.nspname = {schema} AND c.relkind IN ('r', 'p', 'v') AND NOT a.attisdropped
  AND (a.attnum > 0 OR a.attname = 'xmin')
ORDER BY 1, a.attnum"""
_LINKS = """SELECT c.relname AS "table", a.attname AS "column", t.relname AS target
FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_class t ON t.oid = k.confrelid JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.conkey[1]
WHERE k.contype = 'f' AND array_length(k.conkey, 1) = 1 AND n.nspname = {schema} ORDER BY 1, 2"""
_USER_COLUMNS = frozenset({"is_superuser", "is_active", "last_login"})  # AbstractBaseUser and PermissionsMixin


def name(identifier: str) -> str:
    """An SQL identifier, quoted."""
    return '"' + identifier.replace('"', '""') + '"'


def text(value: str) -> str:
    """An SQL text literal."""
    return "'" + value.replace("'", "''") + "'"


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the project: its columns with their types, and which of them may be read."""

    schema: str
    name: str
    types: Mapping[str, str]
    readable: frozenset[str]

    @property
    def sql(self) -> str:
        """Its qualified name."""
        return f"{name(self.schema)}.{name(self.name)}"

    def grant(self, columns: Sequence[str]) -> str:
        """The statement that lets the reading role see `columns`."""
        return f"GRANT SELECT ({', '.join(columns)}) ON {self.schema}.{self.name} TO the reading role"


@dataclass(frozen=True, slots=True)
class Users:
    """The user model: its table, key and sign-in name, its links to groups and permissions, its label (app.model)."""

    table: Table
    key: str
    username: str
    groups: tuple[Table, str]  # link table, and its column that names the user
    permissions: tuple[Table, str]
    label: str


@dataclass
class Layout:
    """The tables of one project, read once in a session."""

    session: Session
    settings: DjangoSettings
    tables: dict[str, Table] = field(default_factory=dict)
    links: list[tuple[str, str, str]] = field(default_factory=list)

    @classmethod
    def read(cls, session: Session, settings: DjangoSettings) -> Layout:
        """Look up the tables. Raises Absent when there is no Django in the schema."""
        made = cls(session, settings)
        schema = text(settings.db_schema)
        found: dict[str, dict[str, tuple[str, bool]]] = {}
        needs = "every role may read the catalogue"
        for row in session.rows(Query("tables and columns", _COLUMNS.format(schema=schema), needs)):
            found.setdefault(row["table"], {})[row["column"]] = (row["type"], row["readable"])
        for table, columns in found.items():
            readable = frozenset(column for column, (_, may) in columns.items() if may)
            made.tables[table] = Table(settings.db_schema, table, {c: of for c, (of, _) in columns.items()}, readable)
        for row in session.rows(Query("foreign keys", _LINKS.format(schema=schema), needs)):
            made.links.append((row["table"], row["column"], row["target"]))
        if not {"django_content_type", "auth_permission"} <= made.tables.keys():
            raise Absent(
                f"schema {settings.db_schema} of database {settings.dbname} holds no Django project",
                remedy="correct dbname or db_schema; this collector needs django.contrib.auth",
            )
        return made

    def need(self, table: str, columns: Sequence[str], what: str, app: str) -> Table:
        """The table, every one of `columns` readable.

        Raises:
            Absent: there is no such table: `app` is not installed.
            Malformed: it lacks a column.
            Denied: a column may not be read; the remedy is the grant.
        """
        found = self.tables.get(table)
        if found is None:
            raise Absent(f"{what}: there is no table {table}", remedy=f"install and migrate {app}, or do without")
        unknown = [column for column in columns if column not in found.types]
        if unknown:
            raise Malformed(
                f"{what}: {table} has no column {', '.join(unknown)}", remedy=f"report the version of {app}"
            )
        zoneless = [column for column in columns if found.types[column] == "timestamp without time zone"]
        if zoneless:
            raise Malformed(
                f"{what}: {table} keeps {', '.join(zoneless)} without a time zone",
                remedy="set USE_TZ = True and migrate",
            )
        if not set(columns) <= found.readable:
            missing = [column for column in columns if column not in found.readable]
            raise Denied(f"{what}: column {', '.join(missing)} of {table} may not be read", remedy=found.grant(missing))
        return found

    @functools.cached_property
    def content_types(self) -> dict[str, str]:
        """Name of the usual table of each model → its label (app.model)."""
        table = self.need("django_content_type", ("id", "app_label", "model"), "names of the models", "Django")
        rows = self.session.rows(Query("names of the models", f"SELECT app_label, model FROM {table.sql}", ""))
        return {f"{row['app_label']}_{row['model']}": f"{row['app_label']}.{row['model']}" for row in rows}

    @functools.cached_property
    def users(self) -> Users:
        """The user model. Raises Absent when it cannot be told which table holds it."""
        settings = self.settings
        if settings.user_table is not None:
            if settings.user_table not in self.tables:
                raise Absent(f"there is no table {settings.user_table}", remedy="correct user_table")
            table = self.tables[settings.user_table]
        else:
            table = self._told_users()
        username = settings.username_column or next((n for n in ("username", "email") if n in table.types), None)
        if username is None or username not in table.types:
            raise Absent(f"the sign-in name in {table.name} cannot be told", remedy="set username_column")
        key = "id" if "id" in table.types else username
        label = settings.user_model.lower() if settings.user_model else self.content_types.get(table.name)
        if label is None:
            raise Absent(f"the model behind {table.name} cannot be told", remedy="set user_model (app.Model)")
        groups, permissions = self._between(table.name, "auth_group"), self._between(table.name, "auth_permission")
        return Users(table, key, username, groups, permissions, label)

    def _told_users(self) -> Table:
        able = [t for t in self.tables.values() if t.types.keys() >= _USER_COLUMNS and "history_id" not in t.types]
        if len(able) > 1:  # the admin's log points to the user model in force
            pointed = {target for table, _, target in self.links if table in ("django_admin_log", "authtoken_token")}
            able = [table for table in able if table.name in pointed] or able
        if len(able) != 1:
            seen = ", ".join(table.name for table in able) or "none"
            raise Absent(f"the table of the user model cannot be told (candidates: {seen})", remedy="set user_table")
        return able[0]

    def _between(self, users: str, target: str) -> tuple[Table, str]:
        """The link table of a many-to-many field from `users` to `target`, and its column that names the user. Raises
        Absent when it cannot be told: rights that are not seen would look like rights that nobody has."""
        for name_ in dict.fromkeys(table for table, _, _ in self.links):
            ends = {(column, to) for table, column, to in self.links if table == name_}
            if {to for _, to in ends} == {users, target} and len(ends) == 2 and len(self.tables[name_].types) <= 5:
                return self.tables[name_], next(column for column, to in ends if to == users)
        raise Absent(
            f"the table that links {users} to {target} cannot be told",
            remedy="give its two columns their foreign keys again, as Django's migrations make them",
        )
