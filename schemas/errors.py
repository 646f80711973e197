"""The errors of the project, branched by what the reader must do about them.

ComplianceError
├── ConfigError            fix the configuration file, a setting, or a secret reference
│   └── SecretMissing      put the secret where its reference points
├── SourceError            a system could not be read; a collector turns it into a Gap
│   ├── Denied             give the reading account the named right
│   ├── Unreachable        start the system or open the path to it
│   ├── TimedOut           raise the time-out or find out why the system is slow
│   ├── RateLimited        read less often
│   ├── Absent             the thing asked for does not exist there
│   ├── Disabled           switch the feature on
│   ├── Malformed          report it: the answer has another shape than its maker documents
│   ├── Truncated          the answer ended early: page size, limit or broken connection
│   └── NotKept            an anchor would let what it took be changed or deleted: mend its retention
├── EvidenceError          a record does not fit its kind
├── ControlError           mend the control file (it names file and line)
├── LedgerError            the ledger cannot be used now
│   ├── LedgerBusy         another process writes it: wait or stop that process
│   ├── LedgerTooNew       upgrade the engine
│   ├── StorageFull        free space; nothing acknowledged is lost
│   └── IntegrityError     what is stored is not what was signed: keep a copy, then investigate
└── ReportError            a report could not be written

Failure to look at a system is a value (`Gap`), failure of ours is an exception.
"""

from __future__ import annotations


class ComplianceError(Exception):
    """Root. `remedy` says what to do next and is shown under the message; the exit code belongs to the class."""

    exit_code = 5

    def __init__(self, message: str, *, remedy: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


class ConfigError(ComplianceError):
    """Wrong configuration or usage."""

    exit_code = 2


class SecretMissing(ConfigError):
    """A secret reference points to nothing readable."""


class SourceError(ComplianceError):
    """A system could not be read. `cause` is the Gap cause that a collector reports."""

    exit_code = 3
    cause = "malformed"


class Denied(SourceError):
    """The system answered that the reading account may not see this."""

    cause = "denied"


class Unreachable(SourceError):
    """Nothing answered at the address."""

    cause = "unreachable"


class TimedOut(SourceError):
    """The answer did not arrive in time."""

    cause = "timeout"


class RateLimited(SourceError):
    """The system asked to be read less often."""

    cause = "rate_limited"


class Absent(SourceError):
    """The thing asked for does not exist on this system."""

    cause = "absent"


class Disabled(SourceError):
    """The feature that would answer is switched off."""

    cause = "disabled"


class Malformed(SourceError):
    """The answer has a shape its maker does not document."""

    cause = "malformed"


class Truncated(SourceError):
    """The answer ended before it was complete."""

    cause = "truncated"


class NotKept(SourceError):
    """An anchor takes copies and does not keep them: retention is not enforced, or its history was rewritten."""

    cause = "not_kept"


class EvidenceError(ComplianceError):
    """A record does not fit its kind."""


class ControlError(ComplianceError):
    """A control or framework file is wrong; `path` and `line` say where."""

    exit_code = 2

    def __init__(
        self, message: str, *, path: str | None = None, line: int | None = None, remedy: str | None = None
    ) -> None:
        where = f"{path}:{line}: " if path and line else f"{path}: " if path else ""
        super().__init__(where + message, remedy=remedy)
        self.path = path
        self.line = line


class LedgerError(ComplianceError):
    """The ledger cannot be used now."""

    exit_code = 2


class LedgerBusy(LedgerError):
    """Another process holds the ledger for writing."""


class LedgerTooNew(LedgerError):
    """The ledger was written by a newer engine."""


class StorageFull(LedgerError):
    """No space left, or the folder cannot be written; nothing acknowledged is lost."""


class IntegrityError(LedgerError):
    """What is stored is not what was signed. `seq` is the first bad entry where one can be named."""

    exit_code = 4

    def __init__(self, message: str, *, seq: int | None = None, remedy: str | None = None) -> None:
        super().__init__(message, remedy=remedy)
        self.seq = seq


class ReportError(ComplianceError):
    """A report could not be written."""

    exit_code = 2
