"""What may talk to what, and how it is encrypted on the way."""

from __future__ import annotations

from typing import Any, ClassVar

from compliance.schemas.evidence import Instant, State, always, column
from compliance.schemas.kinds.host import Exposure


class FirewallDefault(State):
    """What happens to a packet that no rule mentions."""

    kind: ClassVar[str] = "firewall_default"
    key: ClassVar[tuple[str, ...]] = ("zone", "direction")

    zone: str = always("Host, table or network segment.")
    direction: str = always("in, out or forward.")
    default_action: str = always("allow or deny. 'allow' also when nothing filters that direction.")
    defined_by: str | None = column("Table and chain that decide; NULL when no base chain exists.")
    detail: dict[str, Any] | None = column("Hook, priority, policy of each base chain.")


class FirewallRule(State):
    """One rule of a packet filter."""

    kind: ClassVar[str] = "firewall_rule"
    key: ClassVar[tuple[str, ...]] = ("zone", "rule")

    zone: str = always("Host, table or network segment.")
    rule: str = always("Stable identifier: table, chain and a digest of the rule's expression.")
    direction: str | None = column("in, out or forward.")
    action: str | None = column("allow, deny, jump or other.")
    protocol: str | None = column("tcp, udp, icmp, …; NULL for any.")
    source_address: str | None = column("Source addresses as written; NULL for any.")
    destination_address: str | None = column("Destination addresses as written; NULL for any.")
    ports: list[str] | None = column("Destination ports or ranges; NULL for any.")
    source_any: bool | None = column("Open to every source address.")
    comment: str | None = column("Comment on the rule.")
    owner: str | None = column("Who answers for it (from the comment or a register).")
    justification: str | None = column("Why it exists (from the comment or a register).")
    approved_at: Instant | None = column("When it was approved.")
    reviewed_at: Instant | None = column("When it was last reviewed.")
    text: str | None = column("The rule as the filter prints it.")


class TlsEndpoint(State):
    """A TLS endpoint as a client meets it in real handshakes."""

    kind: ClassVar[str] = "tls_endpoint"
    key: ClassVar[tuple[str, ...]] = ("host", "port", "server_name")

    host: str = always("Host or address connected to.")
    port: int = always("Port.")
    server_name: str = always("Name asked for in SNI; '' for none.")
    exposure: Exposure | None = column("public, private or loopback, by the address connected to or as declared.")
    protocols: list[str] | None = column(
        "Protocol versions accepted (TLSv1.2, TLSv1.3), each by a handshake of its own."
    )
    protocols_not_tested: list[str] | None = column(
        "Versions this machine's own library can no longer speak, hence not known."
    )
    min_protocol: str | None = column("Lowest version accepted; NULL while a lower one could not be tested.")
    ciphers: list[str] | None = column("Cipher suites accepted, each by a handshake of its own.")
    weak_ciphers: list[str] | None = column(
        "Those without forward secrecy or authenticated encryption, or otherwise weak."
    )
    forward_secrecy: bool | None = column("Every accepted suite has forward secrecy.")
    cert_subject: str | None = column("Subject of the certificate.")
    cert_issuer: str | None = column("Issuer of the certificate.")
    cert_names: list[str] | None = column("Names it is valid for.")
    cert_not_before: Instant | None = column("Start of validity.")
    cert_not_after: Instant | None = column("End of validity.")
    cert_sha256: str | None = column("Digest of the certificate (DER).")
    cert_serial: str | None = column("Serial number, hexadecimal.")
    key_type: str | None = column("rsa, ec, ed25519, …")
    key_bits: int | None = column("Size of the key in bits.")
    signature_algorithm: str | None = column("How the certificate is signed.")
    name_matches: bool | None = column("The certificate is valid for the name asked for.")
    chain_ok: bool | None = column("The chain leads to a trusted root and every link is valid now.")
    chain_error: str | None = column("Why it does not.")
    chain_length: int | None = column("Certificates sent.")
    self_signed: bool | None = column("Signed with its own key.")
    ocsp_stapled: bool | None = column("The server sends a certificate status with the handshake.")
    ocsp_status: str | None = column(
        "good, revoked, unknown or none (the certificate names no responder); NULL when it could not be asked."
    )
    detail: dict[str, Any] | None = column("Anything else seen in the handshakes.")


class InternalLink(State):
    """A connection between two of our own components."""

    kind: ClassVar[str] = "internal_link"
    key: ClassVar[tuple[str, ...]] = ("source_component", "target_component")

    source_component: str = always("Who connects.")
    target_component: str = always("To whom (address and port, or socket).")
    is_local: bool | None = column("Never leaves the machine (loopback, Unix socket).")
    tls_enabled: bool | None = column("Encrypted in transit.")
    tls_verified: bool | None = column("The client checks the certificate; NULL when only the server side is visible.")
    tls_version: str | None = column("Version in use.")
    connections: int | None = column("Connections seen.")
    detail: dict[str, Any] | None = column("How it was seen.")


class WafPolicy(State):
    """What a web application firewall does for a host."""

    kind: ClassVar[str] = "waf_policy"
    key: ClassVar[tuple[str, ...]] = ("host",)

    host: str = always("Virtual host, or 'http' for the whole server.")
    engine: str | None = column("Product (ModSecurity, …); NULL when none is loaded.")
    mode: str | None = column("block, detect or off.")
    managed_rules: bool | None = column("A maintained rule set is loaded (OWASP CRS, …).")
    ruleset_version: str | None = column("Version of the rule set.")
    ruleset_updated_at: Instant | None = column("When its newest rule file changed.")
    rules_loaded: int | None = column("Rules counted in the files loaded.")
    exclusions: int | None = column("Rules switched off or narrowed.")
    unapproved_exclusions: int | None = column(
        "Those without an approval; NULL when no register of approvals exists and there are exclusions."
    )
    anomaly_threshold: int | None = column("Inbound anomaly score from which a request is refused.")
    inspects_bodies: bool | None = column("Request bodies are looked at too, where forms and uploads are.")
    partly_off: list[str] | None = column("Locations where it is switched off.")
    in_force: bool | None = column(
        "The running server has read its files and rules since they last changed; NULL when that cannot be told."
    )
    detail: dict[str, Any] | None = column("Files loaded.")
