"""The file holds the tables of the format and nothing else. Format: schemas/ledger.md §7."""

from __future__ import annotations

import duckdb

from compliance.schemas.errors import IntegrityError, LedgerTooNew
from compliance.verify.result import Verification

FORMATS = (1, 2)  # 2: of a file without its first entries
TABLES = {
    "entry": {
        "seq": "BIGINT",
        "at": "TIMESTAMP",
        "kind": "VARCHAR",
        "source": "VARCHAR",
        "collection": "BIGINT",
        "key": "VARCHAR",
        "subject": "VARCHAR",
        "gone": "BOOLEAN",
        "observed_at": "TIMESTAMP",
        "line": "VARCHAR",
    },
    "tile": {"level": "INTEGER", "n": "BIGINT", "hashes": "BLOB"},
    "head": {"size": "BIGINT", "root": "BLOB", "last_leaf": "BLOB", "at": "TIMESTAMP"},
    "checkpoint": {"size": "BIGINT", "note": "VARCHAR"},
    "personal": {"seq": "BIGINT", "subject": "VARCHAR", "content": "BLOB"},
    "meta": {"name": "VARCHAR", "value": "VARCHAR"},
}
_FOREIGN = (
    ("view", "SELECT view_name FROM duckdb_views() WHERE database_name = 'stored' AND NOT internal"),
    ("index", "SELECT index_name FROM duckdb_indexes() WHERE database_name = 'stored'"),
    ("function", "SELECT function_name FROM duckdb_functions() WHERE database_name = 'stored' AND NOT internal"),
    ("sequence", "SELECT sequence_name FROM duckdb_sequences() WHERE database_name = 'stored'"),
    ("schema", "SELECT schema_name FROM duckdb_schemas() WHERE database_name = 'stored' AND NOT internal"),
)


def check(connection: duckdb.DuckDBPyConnection, result: Verification) -> dict[str, str]:
    """The `meta` table. What does not belong into the file becomes a problem.

    Raises:
        LedgerTooNew: its format is newer than this verifier.
        IntegrityError: a table of the format is missing or has other columns: nothing else can be checked.
    """
    found: dict[str, dict[str, str]] = {}
    for table, column, kind in connection.execute(
        "SELECT table_name, column_name, data_type FROM duckdb_columns() WHERE database_name = 'stored' "
        "AND schema_name = 'main' AND table_name IN (SELECT table_name FROM duckdb_tables() "
        "WHERE database_name = 'stored' AND schema_name = 'main') ORDER BY table_name, column_index"
    ).fetchall():
        found.setdefault(table, {})[column] = kind
    if found.get("meta") != TABLES["meta"]:
        raise IntegrityError("the file is not a ledger: it has no table meta", remedy="check the path")
    meta = dict(connection.execute("SELECT name, value FROM stored.main.meta").fetchall())
    version = str(meta.get("format", ""))
    if version.isdigit() and int(version) > max(FORMATS):
        raise LedgerTooNew(
            f"the ledger has format {version}; this verifier knows formats up to {max(FORMATS)}",
            remedy="upgrade the engine",
        )
    if version not in map(str, FORMATS):
        result.add(None, f"meta names the format {version!r}")
    for name, columns in TABLES.items():
        if list(found.get(name, {}).items()) != list(columns.items()):
            raise IntegrityError(
                f"table {name} of the ledger is missing or has other columns than the format",
                remedy="keep a copy of the file, then restore the newest backup that verifies",
            )
    for name in sorted(set(found) - set(TABLES)):
        result.add(None, f"table {name} does not belong into a ledger")
    for what, query in _FOREIGN:
        for (name,) in connection.execute(query).fetchall():
            if (what, name) != ("schema", "main"):
                result.add(None, f"{what} {name} does not belong into a ledger")
    return meta
