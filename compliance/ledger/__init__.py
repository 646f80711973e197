"""The append-only, hash-chained, signed store. Format: schemas/ledger.md."""

from compliance.ledger.collections import CollectionFields, StoredCollection
from compliance.ledger.drafts import Draft
from compliance.ledger.keys import KeyRing, Keys
from compliance.ledger.keystore import KeyStore, Subject
from compliance.ledger.ledger import Ledger, Opening
from compliance.ledger.reading import Entry
from compliance.ledger.store import stored_origin
from compliance.ledger.terms import Term, Terms
from compliance.ledger.writing import Appended

__all__ = [
    "Appended",
    "CollectionFields",
    "Draft",
    "Entry",
    "KeyRing",
    "KeyStore",
    "Keys",
    "Ledger",
    "Opening",
    "StoredCollection",
    "Subject",
    "Term",
    "Terms",
    "stored_origin",
]
