"""The append-only, hash-chained, signed store. Format: schemas/ledger.md."""
