"""Who can sign in, with which rights, under which rules."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, ClassVar

from compliance.schemas.evidence import Instant, State, always, column


class AccountType(StrEnum):
    """What stands behind an account."""

    HUMAN = "human"
    SERVICE = "service"  # a program of ours
    SYSTEM = "system"  # comes with the product (daemon, postgres, default)
    SHARED = "shared"
    BREAK_GLASS = "break_glass"


class UserAccount(State):
    """An account that can exist on a system, whether or not anybody may sign in with it."""

    kind: ClassVar[str] = "user_account"
    key: ClassVar[tuple[str, ...]] = ("account",)
    subject_column: ClassVar[str | None] = "account"

    account: str = always("Account name as the system knows it.", personal=True)
    account_type: AccountType | None = column("What stands behind the account; NULL when nothing on the system says.")
    person: str | None = column("The person it belongs to, by the organisation's own identifier.", personal=True)
    display_name: str | None = column("Name shown for the account.", personal=True)
    email: str | None = column("E-mail address.", personal=True)
    is_active: bool | None = column("Somebody or something could use it now (not locked, not expired, login allowed).")
    is_privileged: bool | None = column("Holds rights beyond an ordinary user's, directly or by membership.")
    is_superuser: bool | None = column("Is above the system's permission checks altogether (uid 0, SUPERUSER, +@all).")
    interactive_login: bool | None = column("May open a session at a prompt or console.")
    has_password: bool | None = column("A password is set.")
    password_hash_algorithm: str | None = column(
        "Algorithm of the stored password, never the hash (yescrypt, SCRAM-SHA-256, md5)."
    )
    has_key_login: bool | None = column("Can sign in with a key or certificate.")
    mfa_enrolled: bool | None = column("A second factor is enrolled.")
    sso_enforced: bool | None = column("Can sign in only through single sign-on.")
    is_vendor: bool | None = column("Belongs to an outside company.")
    owner: str | None = column("Person who answers for a service or shared account.", personal=True)
    purpose: str | None = column("What a service or shared account is for.")
    exception_ref: str | None = column("Reference of the approved exception under which it exists.")
    created_at: Instant | None = column("When it was created.")
    last_login_at: Instant | None = column("Last sign-in; NULL when the system does not tell, not when there was none.")
    never_logged_in: bool | None = column("The system keeps sign-ins and knows of none.")
    password_changed_at: Instant | None = column("When the password was last changed.")
    expires_at: Instant | None = column("When it stops working by itself.")
    disabled_at: Instant | None = column("When it was disabled.")
    detail: dict[str, Any] | None = column("What only this product says (uid, shell, connection limit).")


class RoleGrant(State):
    """An account holds a role, group or sudo right."""

    kind: ClassVar[str] = "role_grant"
    key: ClassVar[tuple[str, ...]] = ("account", "role", "scope")
    subject_column: ClassVar[str | None] = "account"

    account: str = always("Account that holds the role.", personal=True)
    role: str = always("Role, group or right.")
    scope: str = always("Where it holds: host, database, command list; '*' for everywhere.")
    is_privileged: bool | None = column("The role carries rights beyond an ordinary user's.")
    is_direct: bool | None = column("Granted to the account itself, not through another role.")
    via: str | None = column("The path of roles it comes through when it is not direct (a > b > c).")
    admin_option: bool | None = column("The holder may pass it on.")
    inherits: bool | None = column("Its rights hold without a further act.")
    may_assume: bool | None = column("The holder may take the role on as a whole (SET ROLE).")
    granted_by: str | None = column("Who granted it.", personal=True)
    granted_at: Instant | None = column("When it was granted.")
    approved_by: str | None = column("Who approved it.", personal=True)
    approved_at: Instant | None = column("When it was approved.")
    approval_ref: str | None = column("Reference of the approval (ticket, request).")
    exception_ref: str | None = column("Reference of an approved exception.")
    expires_at: Instant | None = column("When it ends by itself.")
    detail: dict[str, Any] | None = column("What only this product says (sudo run-as, NOPASSWD).")


class DataGrant(State):
    """Effective rights of a role on a database or on one of its objects, membership and ownership included."""

    kind: ClassVar[str] = "data_grant"
    key: ClassVar[tuple[str, ...]] = ("account", "database", "object_type", "object")
    subject_column: ClassVar[str | None] = "account"

    account: str = always("Role or account that has the rights.", personal=True)
    database: str = always("Database (or key pattern space) the object lives in.")
    object_type: str = always("database, schema, table, sequence, function or key_pattern.")
    object: str = always("Qualified name of the object; the database's own name for rights on the database.")
    privileges: list[str] | None = column("Effective privileges, sorted (SELECT, INSERT, CONNECT, …).")
    grantable: list[str] | None = column("Those of them it may pass on.")
    is_owner: bool | None = column("Owns the object, itself or through a role it is member of.")
    is_public: bool | None = column("At least one of them comes from a grant to everybody.")
    can_login: bool | None = column("The account can sign in.")
    detail: dict[str, Any] | None = column("What only this product says.")


class AuthPolicy(State):
    """The rules under which people sign in to one system."""

    kind: ClassVar[str] = "auth_policy"
    key: ClassVar[tuple[str, ...]] = ("system",)

    system: str = always("System whose sign-in is ruled (hostname, instance).")
    password_login: bool | None = column("Somebody could sign in with a password at all.")
    lockout_attempts: int | None = column("Failed attempts after which sign-in is refused; 0 when never.")
    lockout_minutes: int | None = column("How long it stays refused; 0 until an administrator lifts it.")
    idle_minutes: int | None = column("Idle minutes after which a session ends; 0 when never.")
    password_min_length: int | None = column("Fewest characters of a password; 0 when no rule.")
    password_needs_alnum: bool | None = column("Letters and digits are both demanded.")
    password_history: int | None = column("How many earlier passwords are refused; 0 when none.")
    password_max_age_days: int | None = column("Days after which a password must change; 0 when never.")
    hash_algorithm: str | None = column("Algorithm for new passwords (yescrypt, argon2id, SCRAM-SHA-256, md5).")
    hash_iterations: int | None = column("Iterations of it, for algorithms that count them (PBKDF2).")
    mfa_required: bool | None = column("A second factor is demanded of everybody who signs in.")
    mfa_bypass_allowed: bool | None = column("There is a way in without the second factor.")
    mfa_replay_protected: bool | None = column("A used code is refused the second time.")
    detail: dict[str, Any] | None = column("What only this product says (PAM modules seen, sshd methods).")


class AuthRule(State):
    """One ordered rule that decides how a connection authenticates (pg_hba.conf line, sshd Match block)."""

    kind: ClassVar[str] = "auth_rule"
    key: ClassVar[tuple[str, ...]] = ("system", "position")

    system: str = always("System the rule belongs to.")
    position: int = always("Order of the rule; the first that matches decides.")
    connection: str | None = column("Connection type (local, host, hostssl, hostnossl).")
    databases: list[str] | None = column("Databases it applies to.")
    accounts: list[str] | None = column("Accounts it applies to; 'all' for everybody.")
    address: str | None = column("Client addresses it applies to, CIDR; NULL for local sockets.")
    method: str | None = column("Authentication method (scram-sha-256, md5, trust, peer, cert, reject).")
    requires_tls: bool | None = column("Matches only encrypted connections.")
    is_local: bool | None = column("Matches only connections from this machine.")
    error: str | None = column("Why the system refuses the rule, when it does.")
    detail: dict[str, Any] | None = column("Options, file and line.")


class RoleDefinition(State):
    """A role of a system: what it may do, and what the organisation approved it for."""

    kind: ClassVar[str] = "role_definition"
    key: ClassVar[tuple[str, ...]] = ("role",)
    subject_column: ClassVar[str | None] = "owner"

    role: str = always("Role or group.")
    exists: bool | None = column("The system has it; FALSE for one that is only declared.")
    permissions: list[str] | None = column("What it may do, sorted; '*' for everything.")
    owner: str | None = column("Who answers for it, as declared; empty when nobody is.", personal=True)
    purpose: str | None = column("What it is for, as declared; empty when nothing is.")
    is_declared: bool | None = column("The organisation's catalogue has it; NULL when no catalogue is declared.")
    is_approved: bool | None = column("The catalogue says who approved it, and when.")
    approved_permissions: list[str] | None = column("What it is approved for, sorted; '*' for everything.")
    conflicts_with: list[str] | None = column("Roles that nobody may hold together with it, sorted.")
    detail: dict[str, Any] | None = column("What only this product says.")


class MfaDevice(State):
    """A second factor that somebody enrolled, or began to."""

    kind: ClassVar[str] = "mfa_device"
    key: ClassVar[tuple[str, ...]] = ("account", "device")
    subject_column: ClassVar[str | None] = "account"

    account: str = always("Account it belongs to.", personal=True)
    device: str = always("Its number, with the table it stands in.")
    method: str | None = column("totp, hotp, webauthn, email, sms, recovery, or the product's own word.")
    is_confirmed: bool | None = column("A code of it was accepted once; before that it opens nothing.")
    is_second_factor: bool | None = column("It counts as a second factor; recovery codes alone do not.")
    failures: int | None = column("Wrong codes since the last right one.")
    created_at: Instant | None = column("When it was enrolled.")
    last_used_at: Instant | None = column("When it was last used.")
