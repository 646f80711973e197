"""PgBouncer: whom one pooler lets in, where its pools lead, and how many connections they may take there."""

from compliance.collectors.pgbouncer.collector import PgBouncer

__all__ = ["PgBouncer"]
