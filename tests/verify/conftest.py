"""A place for a ledger, and one of several months."""

from tests.ledger.conftest import place, shortened

__all__ = ["place", "shortened"]
