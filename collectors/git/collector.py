"""The collector: clones in, evidence out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import ClassVar

from pydantic import Field

from compliance.collectors.git import discovery
from compliance.collectors.git.binary import Binary
from compliance.collectors.git.classify import iac_tool
from compliance.collectors.git.clone import Clone, Facts, clones
from compliance.collectors.git.history import (
    BATCH,
    SIGNATURES_FOR,
    Change,
    History,
    Position,
    checkers_missing,
    read_cursor,
    write_cursor,
)
from compliance.collectors.git.scan import SCANNER
from compliance.collectors.git.survey import SCANS, Survey, survey
from compliance.schemas import messages
from compliance.schemas.errors import SourceError
from compliance.schemas.evidence import Evidence
from compliance.schemas.kinds.code import (
    CiDefinition,
    CodeOwnerRule,
    Commit,
    ComponentInventory,
    IacFile,
    Repository,
    SecretFinding,
    SecretScan,
)
from compliance.schemas.messages import (
    Access,
    Cause,
    Complete,
    Context,
    Discovery,
    Found,
    Gap,
    LocalPath,
    Mark,
    Message,
    Record,
    Request,
)

RECENT = timedelta(days=90)  # the span of `signed_permille`


class GitSettings(messages.Settings):
    """Which clones to read."""

    paths: list[LocalPath] = Field(min_length=1, description="Clones, or folders directly below which clones lie.")
    allowed_signers: LocalPath | None = Field(
        default=None,
        description="File of SSH keys whose signatures count as good (ssh-keygen's allowed signers). The repository's "
        "own setting is never used: it would let a repository vouch for itself.",
    )


class _Repository:
    """One clone with the name it has in the evidence."""

    def __init__(self, git: Binary, facts: Facts) -> None:
        self.git = git
        self.clone = Clone(git)
        self.facts = facts
        self.name = facts.remote or str(git.path)
        self.tree: Survey | None = None


class Git:
    """Reads git clones with the real `git`, without writing to them, running their programs or using the network."""

    name: ClassVar[str] = "git"
    title: ClassVar[str] = "Git repositories"
    kinds: ClassVar[tuple[type[Evidence], ...]] = (
        Repository,
        Commit,
        IacFile,
        SecretScan,
        SecretFinding,
        CiDefinition,
        CodeOwnerRule,
        ComponentInventory,
    )
    Settings: ClassVar[type[messages.Settings]] = GitSettings

    def discover(self, ctx: Discovery) -> Iterator[Found]:
        """Repositories around and directly below the current folder, and in the usual places."""
        return discovery.found_here(ctx)

    def check(self, ctx: Context[GitSettings]) -> Iterator[Access]:
        """Whether every clone opens and its newest tree can be listed."""
        try:
            for repository in _open(ctx):
                if repository.facts.head is not None:
                    repository.git.text("ls-tree", "--full-tree", repository.facts.head)
        except SourceError as error:
            for kind in self.kinds:
                yield Access(kind.kind, False, error.message, error.remedy or "mend what the message names")
            return
        for kind in self.kinds:
            yield Access(kind.kind, True, "the clones can be read")

    def collect(self, ctx: Context[GitSettings]) -> Iterator[Message]:
        """Each wanted kind over all clones: a kind is complete only when every clone was read."""
        wanted = [kind.kind for kind in self.kinds if kind.kind in ctx.wanted]
        try:
            repositories = _open(ctx)
        except SourceError as error:
            yield from (_gap(kind, error, []) for kind in wanted)
            return
        for kinds in ([k for k in wanted if k in SCANS], [k for k in wanted if k not in SCANS and k != Commit.kind]):
            try:
                messages_ = list(_states(ctx, repositories, kinds))
            except SourceError as error:
                messages_ = [_gap(kind, error, repositories) for kind in kinds]
            yield from messages_
        if Commit.kind in wanted:
            try:
                yield from _commits(ctx, repositories)
            except SourceError as error:
                yield _gap(Commit.kind, error, repositories)


def _open(ctx: Context[GitSettings]) -> list[_Repository]:
    """All clones, each under a name that no other has. Raises SourceError when one of them cannot be read."""
    opened = []
    for path in clones(ctx.settings.paths):
        ctx.throttle()
        git = Binary(path, ctx.timeout_s, ctx.stop, ctx.settings.allowed_signers)
        opened.append(_Repository(git, Clone(git).facts()))
    shared = Counter(repository.name for repository in opened)
    for repository in opened:
        if shared[repository.name] > 1:  # two clones of one remote: the path tells them apart
            repository.name = str(repository.git.path)
    return opened


def _states(ctx: Context[GitSettings], repositories: list[_Repository], kinds: list[str]) -> Iterator[Message]:
    """The records of state kinds over all clones, then one Complete for each kind."""
    scan = bool(SCANS & set(kinds))
    for repository in repositories if kinds else []:
        ctx.throttle()
        facts, clone = repository.facts, repository.clone
        tree = survey(clone, facts.head, repository.name, scan, ctx.clock)
        for kind in kinds:
            rows = [_repository_row(ctx, repository, tree)] if kind == Repository.kind else tree.rows[kind]
            yield from (Record(row) for row in rows)
    for kind in kinds:
        scanned = (Request("library", f"{SCANNER}, every detector, verification off"),) if kind in SCANS else ()
        yield Complete(kind, _requests(repositories) + scanned)


def _repository_row(ctx: Context[GitSettings], repository: _Repository, tree: Survey) -> Repository:
    facts, history = repository.facts, History(repository.git, _touches_iac)
    missing = checkers_missing()
    hidden = facts.is_shallow or facts.tip is None
    detail: dict[str, object] = {"path": str(repository.git.path), "is_bare": facts.is_bare}
    if missing:
        detail["signature_checkers_missing"] = missing
    if facts.filters:
        detail["uncommitted_changes_unread"] = "content filters are configured"
    return Repository(
        repository=repository.name,
        remote=facts.remote,
        remotes=list(facts.remotes),
        default_branch=facts.default_branch,
        head=facts.tip,
        head_at=facts.tip_at,
        commits=None if facts.is_shallow else history.count([facts.tip]) if facts.tip else 0,
        is_shallow=facts.is_shallow,
        uncommitted_changes=repository.clone.uncommitted(facts),
        is_iac=bool(tree.iac),
        has_code_owners=bool(tree.owners),
        has_ci=bool(tree.pipelines),
        signed_permille=None if hidden or not facts.tip else history.signed_permille(facts.tip, ctx.clock() - RECENT),
        detail=detail,
    )


def _commits(ctx: Context[GitSettings], repositories: list[_Repository]) -> Iterator[Message]:
    """What is new on each default branch since the stored position, marked every thousand commits."""
    positions = read_cursor(ctx.cursors.get(Commit.kind))
    counted, notes = 0, list[Request]()
    for repository in repositories:
        tip = repository.facts.tip
        if tip is None:
            continue
        history = History(repository.git, _touches_iac)
        while True:
            position = positions.get(repository.name, Position())
            span, done, rewritten = history.span(tip, position)
            if rewritten:
                notes.append(
                    Request("command", f"git -C {repository.git.path}: history was rewritten, {position.tip} is left")
                )
            counted += max(0, history.count(span) - done)
            pending: list[Change] = []
            for change in history.changes(span, done):
                pending.append(change)
                if len(pending) == BATCH:
                    yield from _records(ctx, repository, history, pending)
                    done, pending = done + BATCH, []
                    positions[repository.name] = replace(position, towards=span[0], done=done)
                    yield Mark(Commit.kind, write_cursor(positions))
                    ctx.throttle()
            yield from _records(ctx, repository, history, pending)
            positions[repository.name] = Position(tip=span[0])
            yield Mark(Commit.kind, write_cursor(positions))
            if span[0] == tip:  # otherwise an interrupted walk is now finished, and newer commits follow
                break
    yield Complete(
        Commit.kind,
        _requests(repositories) + tuple(notes),
        independent_count=counted,
        cursor=write_cursor(positions) if positions else None,
    )


def _records(
    ctx: Context[GitSettings], repository: _Repository, history: History, changes: list[Change]
) -> Iterator[Record]:
    if not changes:
        return
    for change in history.with_signatures(changes, ctx.clock() - SIGNATURES_FOR):
        yield Record(
            Commit(
                occurred_at=change.committed_at,
                repository=repository.name,
                commit=change.commit,
                author_email=change.author_email,
                author_name=change.author_name,
                authored_at=change.authored_at,
                committer_email=change.committer_email,
                committer_is_author=change.committer_email.casefold() == change.author_email.casefold(),
                parents=change.parents,
                signature=change.signature,
                reviewed_by_other=change.reviewed_by_other,
                touches_iac=change.touches_iac,
                files_changed=change.files,
            )
        )


def _touches_iac(path: str) -> bool:
    return iac_tool(path) is not None


def _requests(repositories: list[_Repository]) -> tuple[Request, ...]:
    return tuple(request for repository in repositories for request in repository.git.requests)


def _gap(kind: str, error: SourceError, repositories: list[_Repository]) -> Gap:
    remedy = error.remedy or "mend what the message names"
    return Gap(kind, Cause(error.cause), error.message, remedy, _requests(repositories))
