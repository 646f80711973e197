"""Repositories: who changes what, under which rules."""

from __future__ import annotations

from typing import Any, ClassVar

from compliance.schemas.evidence import Event, Instant, State, always, column


class Repository(State):
    """A version-controlled repository, read from a clone."""

    kind: ClassVar[str] = "repository"
    key: ClassVar[tuple[str, ...]] = ("repository",)

    repository: str = always("Path of the clone, or the remote's address without user and password.")
    remote: str | None = column("Address of the main remote without user and password; '' when there is none.")
    remotes: list[str] | None = column("All remotes, likewise.")
    default_branch: str | None = column("Default branch.")
    head: str | None = column("Commit the default branch points to.")
    head_at: Instant | None = column("Committer time of it.")
    commits: int | None = column("Commits on the default branch; NULL in a shallow clone.")
    is_shallow: bool | None = column("History is cut off in this clone.")
    uncommitted_changes: int | None = column("Files changed and not committed in the work tree; NULL for a bare clone.")
    is_iac: bool | None = column("Holds infrastructure as code.")
    has_code_owners: bool | None = column("A CODEOWNERS file is where the hosts look for one.")
    has_ci: bool | None = column("A CI definition exists.")
    protected: bool | None = column("The host protects the default branch; NULL from a clone alone.")
    required_reviews: int | None = column("Approvals the host demands; NULL from a clone alone.")
    admins_bypass: bool | None = column("Administrators may bypass that; NULL from a clone alone.")
    signed_permille: int | None = column(
        "Commits of the last 90 days with a valid signature, per thousand; NULL without commits or keys."
    )
    detail: dict[str, Any] | None = column("What only this host says.")


class Commit(Event):
    """A commit on the default branch. `occurred_at` is the committer's time."""

    kind: ClassVar[str] = "commit"
    key: ClassVar[tuple[str, ...]] = ("repository", "commit")
    subject_column: ClassVar[str | None] = "author_email"

    repository: str = always("Repository.")
    commit: str = always("Commit id.")
    author_email: str | None = column("Author's address.", personal=True)
    author_name: str | None = column("Author's name.", personal=True)
    authored_at: Instant | None = column("Author's time.")
    committer_email: str | None = column("Committer's address.", personal=True)
    committer_is_author: bool | None = column("Author and committer are the same address.")
    parents: int | None = column("Number of parents; 2 or more for a merge.")
    signature: str | None = column("good, bad, untrusted, expired, revoked, unknown_key or none.")
    reviewed_by_other: bool | None = column(
        "A Reviewed-by, Approved-by or Acked-by trailer names somebody other than the author."
    )
    touches_iac: bool | None = column("Changes infrastructure as code.")
    files_changed: int | None = column("Files changed against the first parent.")


class IacFile(State):
    """A file that describes infrastructure."""

    kind: ClassVar[str] = "iac_file"
    key: ClassVar[tuple[str, ...]] = ("repository", "path")

    repository: str = always("Repository.")
    path: str = always("Path in the repository.")
    tool: str = always("terraform, ansible, kubernetes, helm, docker, compose, cloudformation, pulumi, packer or nix.")
    sha256: str | None = column("Digest of its content.")
    last_changed_at: Instant | None = column("Last commit that touched it.")


class SecretScan(State):
    """One scan of a repository's tree for secrets. A scan that skipped files says so."""

    kind: ClassVar[str] = "secret_scan"
    key: ClassVar[tuple[str, ...]] = ("repository",)

    repository: str = always("Repository.")
    scanner: str = always("Scanner and version.")
    scanned_at: Instant = always("When it ran.")
    commit: str | None = column("Commit whose tree was scanned.")
    files_scanned: int | None = column("Files looked at.")
    files_skipped: int | None = column("Tracked files not looked at (binary, too large).")
    findings: int | None = column("Findings.")


class SecretFinding(State):
    """Something that looks like a secret in a repository. The value is never recorded, nor a digest of it."""

    kind: ClassVar[str] = "secret_finding"
    key: ClassVar[tuple[str, ...]] = ("repository", "path", "line", "secret_type")

    repository: str = always("Repository.")
    path: str = always("Path in the repository.")
    line: int = always("Line.")
    secret_type: str = always("Type the scanner gives it.")
    committed_at: Instant | None = column("When that line was committed.")
    is_allowlisted: bool | None = column("Marked in the code as a known false alarm.")


class CiDefinition(State):
    """A CI definition and what it does, as written in the repository."""

    kind: ClassVar[str] = "ci_definition"
    key: ClassVar[tuple[str, ...]] = ("repository", "path")

    repository: str = always("Repository.")
    path: str = always("Path in the repository.")
    system: str = always("github_actions, gitlab, jenkins, azure, circleci, bitbucket, drone, script, …")
    tool_types: list[str] | None = column("Security tools it calls: sast, dependencies, secrets, iac, container, dast.")
    tools: list[str] | None = column("Their names.")
    runs_tests: bool | None = column("Calls a known test runner.")
    unpinned_actions: int | None = column("Third-party actions named by tag or branch instead of commit.")
    last_changed_at: Instant | None = column("Last commit that touched it.")
    error: str | None = column("Why it cannot be parsed, when it cannot.")


class CodeOwnerRule(State):
    """One line of a CODEOWNERS file."""

    kind: ClassVar[str] = "code_owner_rule"
    key: ClassVar[tuple[str, ...]] = ("repository", "position")

    repository: str = always("Repository.")
    position: int = always("Order; the last rule that matches decides.")
    pattern: str = always("Paths it covers.")
    owners: list[str] | None = column("Owners (teams or handles); [] when the rule takes owners away.", personal=False)


class ComponentInventory(State):
    """The components a repository depends on, from its lock files."""

    kind: ClassVar[str] = "component_inventory"
    key: ClassVar[tuple[str, ...]] = ("repository", "path")

    repository: str = always("Repository.")
    path: str = always("Lock file or software bill of materials.")
    ecosystem: str = always("pypi, npm, go, cargo, maven, gem, composer, …")
    components: int | None = column("Components listed; NULL when the file cannot be parsed.")
    unpinned: int | None = column("Components without an exact version.")
    hashed: bool | None = column("Every component is held to a digest.")
    generated_at: Instant | None = column("Last commit that touched it.")
    advisories_checked_at: Instant | None = column(
        "When it was last compared with an advisory feed; NULL from a clone alone."
    )
