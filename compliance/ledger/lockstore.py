"""The lock store: the latest checkpoint, kept outside the ledger file, so that a rolled-back file is noticed.

A folder with `checkpoint` (the latest note), `history` (one JSON line per note, only ever appended), `intent` (what the
writer was about to commit) and `lock`.
Format: schemas/ledger.md §6.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import orjson

from compliance.ledger.note import sync_folder, write_private
from compliance.schemas.errors import IntegrityError, StorageFull


def _size(note: str) -> int:
    try:
        return int(note.split("\n", 2)[1])
    except (IndexError, ValueError) as error:
        raise IntegrityError("the lock store holds something that is not a checkpoint", remedy=_KEEP) from error


_KEEP = "keep a copy of ledger and lock store, then run `compliance verify`"


class LockStore:
    """A lock store in a folder. Put it on another disk or machine than the ledger: that is its whole use."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read(self) -> str | None:
        """The newest note, None when there is none. A crash between the two files leaves `history` one ahead."""
        try:
            current = (self.folder / "checkpoint").read_text("utf-8")
        except FileNotFoundError:
            current = None
        except (OSError, UnicodeDecodeError) as error:
            raise IntegrityError(f"lock store {self.folder} cannot be read: {error}", remedy=_KEEP) from error
        last = self._last_of_history()
        if current is None or last is None:
            return current or last
        if _size(last) > _size(current):
            return last
        return current

    def intent(self) -> str | None:
        """The signed note that says what the newest commit was to make of the ledger, None when there is none."""
        try:
            return (self.folder / "intent").read_text("utf-8")
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise IntegrityError(f"lock store {self.folder} cannot be read: {error}", remedy=_KEEP) from error

    def intend(self, note: str) -> None:
        """Keep durably what is about to be committed: entries that nobody announced are not signed after a crash.

        Raises:
            StorageFull: the folder cannot be written; nothing was committed.
        """
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_private(self.folder / "intent", note.encode())
        except OSError as error:
            raise StorageFull(
                f"lock store {self.folder} cannot be written: {error}",
                remedy="free space or mend its rights; nothing was added",
            ) from error

    def swap(self, old: str | None, new: str, at: str) -> None:
        """Replace `old` by `new`, durably; `at` is the time of the entry it covers.

        Raises:
            IntegrityError: the store no longer holds `old`: another writer moved on with the same ledger.
            StorageFull: the folder cannot be written.
        """
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with (self.folder / "lock").open("a") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                found = self.read()
                if found != old:
                    raise IntegrityError(
                        f"lock store {self.folder} moved on under our hands: it names "
                        f"{_size(found) if found else 0} entries, {_size(old) if old else 0} were expected",
                        remedy="two copies of this ledger are being written; stop one, then run `compliance verify`",
                    )
                self._append(orjson.dumps({"at": at, "note": new}) + b"\n")
                write_private(self.folder / "checkpoint", new.encode())
        except OSError as error:
            raise StorageFull(
                f"lock store {self.folder} cannot be written: {error}",
                remedy="free space or mend its rights; the entries are kept and are signed at the next start",
            ) from error

    def _append(self, line: bytes) -> None:
        path = self.folder / "history"
        fresh = not path.exists()
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            end = os.lseek(handle, 0, os.SEEK_END)
            whole = _end_of_last_line(handle, end)
            if whole != end:  # a crash tore the last line; it was never acknowledged
                os.ftruncate(handle, whole)
            os.lseek(handle, whole, os.SEEK_SET)
            view = memoryview(line)
            while view:
                view = view[os.write(handle, view) :]
            os.fsync(handle)
        finally:
            os.close(handle)
        if fresh:
            sync_folder(self.folder)

    def _last_of_history(self) -> str | None:
        try:
            with (self.folder / "history").open("rb") as file:
                end = file.seek(0, os.SEEK_END)
                file.seek(max(0, end - 65536))
                lines = file.read().split(b"\n")
        except FileNotFoundError:
            return None
        except OSError as error:
            raise IntegrityError(f"lock store {self.folder} cannot be read: {error}", remedy=_KEEP) from error
        if len(lines) < 2:
            return None
        try:
            note = orjson.loads(lines[-2])["note"]
        except (orjson.JSONDecodeError, KeyError, TypeError) as error:
            raise IntegrityError(f"the history of lock store {self.folder} is damaged", remedy=_KEEP) from error
        return str(note)


def _end_of_last_line(handle: int, end: int) -> int:
    start = max(0, end - 65536)
    tail = os.pread(handle, end - start, start)
    return start + tail.rfind(b"\n") + 1
