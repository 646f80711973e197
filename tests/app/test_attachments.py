"""Copies of documents: whole, once, read-only, and never something else under their digest."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from compliance.app import attachments
from compliance.schemas.errors import ConfigError, IntegrityError, LedgerError, StorageFull

TEXT = b"the policy\n" * 200_000  # more than one piece
SHA256 = hashlib.sha256(TEXT).hexdigest()


@pytest.fixture
def document(tmp_path: Path) -> Path:
    """A document."""
    path = tmp_path / "policy.pdf"
    path.write_bytes(TEXT)
    return path


def test_a_copy_is_named_by_its_digest_and_read_back(document: Path, tmp_path: Path) -> None:
    store = tmp_path / "a/store"
    assert attachments.keep(store, document) == attachments.Kept(SHA256, len(TEXT))
    assert attachments.keep(store, document) == attachments.Kept(SHA256, len(TEXT))
    assert [path.name for path in store.iterdir()] == [SHA256]
    assert (store / SHA256).stat().st_mode & 0o777 == 0o400
    assert store.stat().st_mode & 0o077 == 0
    document.write_bytes(b"changed later")
    assert attachments.read(store, SHA256) == TEXT


def test_what_cannot_be_kept_leaves_nothing(document: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        attachments.keep(tmp_path / "store", tmp_path / "missing.pdf")
    with pytest.raises(ConfigError, match="cannot be read"):
        attachments.keep(tmp_path / "store", tmp_path)
    assert not (tmp_path / "store").exists()
    with pytest.raises(StorageFull):
        attachments.keep(document / "store", document)


def test_a_changed_copy_is_broken_and_a_missing_one_not_there(document: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    attachments.keep(store, document)
    wanted = {SHA256: len(TEXT), "0" * 64: 3}
    assert attachments.examine(store, wanted) == attachments.Found(1, ("0" * 64,), ())
    copy = store / SHA256
    copy.chmod(0o600)
    copy.write_bytes(TEXT[:-1])
    assert attachments.examine(store, wanted) == attachments.Found(0, ("0" * 64,), (SHA256,))
    with pytest.raises(IntegrityError, match="not the document that was recorded"):
        attachments.read(store, SHA256)
    with pytest.raises(IntegrityError, match="not the document that was recorded"):
        attachments.keep(store, document)
    with pytest.raises(LedgerError, match="cannot be read"):
        attachments.read(store, "0" * 64)


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "A" * 64, "a" * 63])
def test_only_a_digest_names_a_copy(tmp_path: Path, name: str) -> None:
    with pytest.raises(IntegrityError, match="other than a SHA-256"):
        attachments.read(tmp_path, name)


def test_only_documents_of_which_a_copy_was_kept_are_looked_for() -> None:
    records = [
        {"document_sha256": SHA256, "document_bytes": 7},
        {"document_sha256": "1" * 64, "document_bytes": None},
        {"document_sha256": "2" * 64},
        {},
    ]
    assert attachments.recorded(records) == {SHA256: 7}
