"""How passwords are stored: from the catalogue, or from a view that names only the form.

A view shows the reading role no hash. It is believed only when a superuser owns it, for nobody else may change what it
says, and its definition is recorded beside the question.
"""

from __future__ import annotations

from collections.abc import Mapping

from compliance.collectors.postgres import queries
from compliance.collectors.postgres.session import Query, Session
from compliance.schemas.errors import Absent, Denied, Disabled, Malformed
from compliance.schemas.messages import Request

COLUMNS = "has_password and password_hash_algorithm"


def forms(session: Session, view: str | None) -> Mapping[str, str | None] | None:
    """The form in which each role's password is stored, None for a role without one. A role that is not among them was
    not told of; the whole is None, with a note, where nothing may be read. Raises Malformed for a role told twice."""
    try:
        query = queries.PASSWORDS if view is None else _believed(session, view)
        if view is None and not session.one(queries.READER)["reads_passwords"]:
            raise Denied("pg_authid may not be read", remedy=query.needs)
        rows = session.rows(query)
    except (Denied, Absent, Disabled) as error:
        session.notes.append(f"{COLUMNS} stay NULL: {error.message}; {error.remedy}")
        return None
    told = {row["role"]: row["algorithm"] for row in rows}
    if len(told) < len(rows):
        raise Malformed(f"{query.what}: a role is named twice", remedy="make the view as the README has it")
    return told


def _believed(session: Session, view: str) -> Query:
    """The question to the view. Raises Absent where there is none, Denied where its owner is no superuser."""
    found = session.rows(queries.view_definition(view))
    if not found:
        raise Absent(f"there is no view {view}", remedy="make it as the README has it, or take stored_forms out")
    if not found[0]["by_superuser"]:
        raise Denied(f"{view} belongs to no superuser, so others may change it", remedy="let a superuser own the view")
    session.asked.append(Request("sql", f"-- {view} is defined as\n{found[0]['definition']}"))
    return queries.password_forms(view)
