"""PostgreSQL: roles, rights, rules, settings and state of one server, read over one read-only connection."""

from compliance.collectors.postgres.collector import Postgres

__all__ = ["Postgres"]
