"""How an application lets people in: single sign-on, tokens, sessions, and what each of its endpoints demands."""

from __future__ import annotations

from typing import Any, ClassVar

from compliance.schemas.evidence import Event, Instant, State, always, column


class SsoConfig(State):
    """How an application takes SAML answers from one identity provider."""

    kind: ClassVar[str] = "sso_config"
    key: ClassVar[tuple[str, ...]] = ("application", "sp_id", "idp_id")

    application: str = always("Application that takes the answers.")
    sp_id: str = always("Entity id of the service provider.")
    idp_id: str = always("Entity id of the identity provider; '' when none is configured.")
    product: str | None = column("Library that checks the answers (pysaml2, python3-saml).")
    strict: bool | None = column("The library checks answers at all; false in its debugging mode.")
    assertions_signed: bool | None = column("An assertion without a valid signature of its own is refused.")
    responses_signed: bool | None = column("A response without a valid signature is refused.")
    weak_signatures_refused: bool | None = column("Signatures and digests made with SHA-1 or weaker are refused.")
    signature_algorithm: str | None = column("Algorithm the service provider itself signs with (rsa-sha256).")
    digest_algorithm: str | None = column("Digest the service provider itself signs with (sha256).")
    requests_signed: bool | None = column("Requests to the identity provider are signed.")
    assertions_encrypted: bool | None = column("An assertion that is not encrypted is refused.")
    replay_protection: bool | None = column("An answer is taken only for a request still open, and so only once.")
    unsolicited_allowed: bool | None = column("Answers that nobody asked for are taken.")
    clock_skew_s: int | None = column("Seconds by which times in an answer may be off.")
    idp_certificates: int | None = column("Certificates trusted for the identity provider's signatures.")
    idp_cert_not_after: Instant | None = column("Earliest end among them: one that is past is still trusted.")
    idp_cert_last_not_after: Instant | None = column("Latest end among them: after it no certificate is in date.")
    idp_key_bits: int | None = column("Smallest key among them, in bits.")
    sp_cert_not_after: Instant | None = column("End of the service provider's own certificate.")
    metadata_valid_until: Instant | None = column("End of the identity provider's metadata, where it has one.")
    metadata_signed: bool | None = column("Metadata is taken only with a signature that is checked.")
    detail: dict[str, Any] | None = column("What only this product says.")


class JwtConfig(State):
    """How an application issues tokens."""

    kind: ClassVar[str] = "jwt_config"
    key: ClassVar[tuple[str, ...]] = ("application", "issuer")

    application: str = always("Application that issues them.")
    issuer: str = always("What issues them: product and sort of token.")
    product: str | None = column("Library (simplejwt).")
    algorithm: str | None = column("Signature algorithm by its JOSE name (RS256, HS256, none).")
    access_ttl_s: int | None = column("Seconds an access token lives.")
    refresh_ttl_s: int | None = column("Seconds a refresh token lives.")
    refresh_ttl_privileged_s: int | None = column(
        "Seconds a refresh token of a privileged user lives; that of everybody where nothing tells them apart."
    )
    rotate_refresh: bool | None = column("A refresh token is exchanged for a new one when it is used.")
    blacklist_after_rotation: bool | None = column("The old one is refused from then on.")
    reuse_detection: bool | None = column("Use of a refused refresh token raises an alert.")
    reuse_alert: str | None = column("Reference of that alert, as the organisation declares it.")
    key_kind: str | None = column("hmac, rsa, ec or okp.")
    key_bits: int | None = column("Size of the signing key in bits.")
    key_id: str | None = column(
        "RFC 7638 thumbprint of the public key; NULL for shared secrets, which have no public part."
    )
    key_shared: bool | None = column("The signing key is also used for something else (the application's own secret).")
    leeway_s: int | None = column("Seconds by which a token's times may be off.")
    detail: dict[str, Any] | None = column("What only this product says.")


class SigningKey(State):
    """A key with which tokens are signed or checked, by its public part."""

    kind: ClassVar[str] = "signing_key"
    key: ClassVar[tuple[str, ...]] = ("application", "origin", "key_id")

    application: str = always("Application whose tokens it signs.")
    origin: str = always("Where it was read: settings, or the address of a key set.")
    key_id: str = always("RFC 7638 thumbprint; for a key without public part its kid or position, never a digest.")
    kid: str | None = column("Name the key set gives it.")
    kty: str | None = column("RSA, EC, OKP or oct.")
    algorithm: str | None = column("Algorithm the key set names for it.")
    use: str | None = column("What for: sig or enc.")
    curve: str | None = column("Curve of an EC or OKP key.")
    bits: int | None = column("Size in bits.")
    secret_published: bool | None = column("The key set gives away a private part or a shared secret.")


class SigningKeySeen(Event):
    """A signing key was seen for the first time. `occurred_at` is the reading that saw it."""

    kind: ClassVar[str] = "signing_key_seen"
    key: ClassVar[tuple[str, ...]] = ("application", "key_id")

    application: str = always("Application whose tokens it signs.")
    key_id: str = always("RFC 7638 thumbprint.")
    origin: str | None = column("Where it was first seen.")
    absent_at: Instant | None = column(
        "Last reading before, in which it was not there; NULL at the first reading, when its age is not known."
    )


class SessionPolicy(State):
    """How an application keeps its sessions."""

    kind: ClassVar[str] = "session_policy"
    key: ClassVar[tuple[str, ...]] = ("application",)

    application: str = always("Application.")
    cookie_name: str | None = column("Name of the session cookie.")
    cookie_secure: bool | None = column("Sent over HTTPS only.")
    cookie_httponly: bool | None = column("Hidden from scripts.")
    cookie_samesite: str | None = column("Strict, Lax, None or off.")
    cookie_domain: str | None = column("Domain it is sent to; '' for the host alone.")
    age_s: int | None = column("Seconds after which a session without a change ends.")
    ends_with_browser: bool | None = column("The cookie is forgotten when the browser closes.")
    renewed_by_request: bool | None = column("Every request begins the age anew.")
    engine: str | None = column("Where sessions are kept.")
    serializer: str | None = column("How they are written.")
    csrf_cookie_secure: bool | None = column("The cookie against forged requests is sent over HTTPS only.")
    csrf_cookie_httponly: bool | None = column("It is hidden from scripts.")
    csrf_cookie_samesite: str | None = column("Strict, Lax, None or off.")
    detail: dict[str, Any] | None = column("What only this product says.")


class ApplicationEndpoint(State):
    """An address pattern of an application, and what it demands of a caller before its own code runs."""

    kind: ClassVar[str] = "application_endpoint"
    key: ClassVar[tuple[str, ...]] = ("application", "route", "view")

    application: str = always("Application.")
    route: str = always("Pattern as the application's map has it, from the root.")
    view: str = always("Code that answers.")
    name: str | None = column("Name of the pattern.")
    methods: list[str] | None = column("Methods it answers, sorted; NULL when only its code decides.")
    requires_signin: bool | None = column(
        "Refuses callers who are not signed in; false when proven open; NULL when only its code decides."
    )
    requires_permission: bool | None = column("Also asks for a role or permission.")
    permissions: list[str] | None = column("Roles, permissions or classes it names, sorted.")
    guards: list[str] | None = column("What runs before its code and may refuse, by name, sorted.")
    undecided: list[str] | None = column("What may let a caller in or refuse him, unknown which, sorted.")
    public_listed: bool | None = column("On the organisation's list of public endpoints.")
    basis: str | None = column("What the answer rests on.")


class ApplicationTable(State):
    """A table that an application's own models are kept in."""

    kind: ClassVar[str] = "application_table"
    key: ClassVar[tuple[str, ...]] = ("application", "table_name")

    application: str = always("Application.")
    table_name: str = always("Table as the application names it, without database and schema.")
    models: list[str] | None = column("What is kept in it, by application and model, sorted.")


class SelfCheck(State):
    """A message that a system's own check of its configuration gave."""

    kind: ClassVar[str] = "self_check"
    key: ClassVar[tuple[str, ...]] = ("application", "check_id", "about")

    application: str = always("System that checked itself.")
    check_id: str = always("Identifier of the message.")
    about: str = always("Thing it is about; '' for the whole configuration.")
    level: str | None = column("debug, info, warning, error or critical.")
    silenced: bool | None = column("The configuration hides it.")
    times: int | None = column("How often it was given.")
