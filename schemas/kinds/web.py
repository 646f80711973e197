"""Web servers and what a browser gets from them."""

from __future__ import annotations

from typing import Any, ClassVar

from compliance.schemas.evidence import Instant, State, always, column
from compliance.schemas.kinds.host import Exposure


class HttpEndpoint(State):
    """What a site answers to a plain GET: redirects and protective headers."""

    kind: ClassVar[str] = "http_endpoint"
    key: ClassVar[tuple[str, ...]] = ("url",)

    url: str = always("URL asked, without user or query.")
    host: str = always("Host asked.")
    exposure: Exposure | None = column("public, private or loopback, as for the TLS endpoint.")
    status: int | None = column("Status of the final answer.")
    final_url: str | None = column("Where redirects ended.")
    http_port_open: bool | None = column("Something answers plain HTTP on the redirect port.")
    http_redirects_https: bool | None = column("Plain HTTP answers only with a redirect to HTTPS, or is closed.")
    hsts_max_age_s: int | None = column("max-age of Strict-Transport-Security; 0 when the header is missing.")
    hsts_subdomains: bool | None = column("includeSubDomains is set.")
    hsts_preload: bool | None = column("preload is set.")
    content_security_policy: str | None = column("Content-Security-Policy; '' when missing.")
    x_content_type_options: str | None = column("X-Content-Type-Options; '' when missing.")
    x_frame_options: str | None = column("X-Frame-Options; '' when missing.")
    referrer_policy: str | None = column("Referrer-Policy; '' when missing.")
    permissions_policy: str | None = column("Permissions-Policy; '' when missing.")
    cache_control: str | None = column("Cache-Control; '' when missing.")
    server_header: str | None = column("Server header; '' when missing.")
    insecure_cookies: list[str] | None = column("Names of cookies without Secure or HttpOnly; never values.")
    detail: dict[str, Any] | None = column("Repeated headers, redirect chain.")


class CachedResponse(State):
    """Cache headers of a path as a client sees them."""

    kind: ClassVar[str] = "cached_response"
    key: ClassVar[tuple[str, ...]] = ("url",)

    url: str = always("URL asked, without user or query.")
    is_static: bool | None = column("A static file (script, style, image, font).")
    is_personal: bool | None = column("Declared to return personal data.")
    status: int | None = column("Status of the answer.")
    cache_control: str | None = column("Cache-Control, several joined by ', '; '' when missing.")
    max_age_s: int | None = column("max-age or s-maxage in seconds; NULL when missing.")
    is_private: bool | None = column("private or no-store is set.")
    immutable: bool | None = column("immutable is set.")
    sets_cookie: bool | None = column("The answer sets a cookie.")
    etag: bool | None = column("An ETag is sent.")
    vary: str | None = column("Vary; '' when missing.")


class VirtualHost(State):
    """One server block of a web server's configuration."""

    kind: ClassVar[str] = "virtual_host"
    key: ClassVar[tuple[str, ...]] = ("server", "host", "listen")

    server: str = always("Web server instance (its main configuration file).")
    host: str = always("Server names, sorted; '_' for none.")
    listen: str = always("Addresses and ports listened on, sorted.")
    exposure: Exposure | None = column(
        "As declared, else loopback when it listens on nothing else; NULL else: from where it is reached is not known here."
    )
    is_default: bool | None = column("Answers names that no other block has.")
    tls: bool | None = column("At least one listen is TLS.")
    tls_protocols: list[str] | None = column("Protocol versions allowed; NULL for the product's default.")
    tls_ciphers: str | None = column("Cipher string; NULL for the default.")
    tls_certificate: str | None = column("Path of the certificate.")
    redirects_to_https: bool | None = column("Every plain request is answered with a redirect to HTTPS.")
    hsts_max_age_s: int | None = column("max-age of the HSTS header set at server level; 0 when none.")
    hsts_subdomains: bool | None = column("That header has includeSubDomains.")
    hsts_lost_in: list[str] | None = column("Locations whose own add_header drops the inherited headers.")
    headers: list[str] | None = column("Names of response headers set at server level, sorted.")
    server_tokens: bool | None = column("The version is shown to everybody.")
    access_log: bool | None = column("Requests are logged.")
    error_log: bool | None = column("Errors are logged.")
    rate_limited: bool | None = column("A request limit applies.")
    client_max_body_bytes: int | None = column("Largest request body; 0 for unlimited.")
    autoindex: bool | None = column("Folder listings are shown somewhere.")
    proxied: bool | None = column("Some location passes requests to an application, which may send headers of its own.")
    refuses_all: bool | None = column("Every request is refused without an answer: closed, or its handshake rejected.")
    in_force: bool | None = column(
        "The running server has read its files since they last changed; NULL when that cannot be told."
    )
    file: str | None = column("File that declares it.")
    line: int | None = column("Line in that file.")
    detail: dict[str, Any] | None = column("What only this product says.")


class UpstreamPool(State):
    """A pool of servers behind a load balancer."""

    kind: ClassVar[str] = "upstream_pool"
    key: ClassVar[tuple[str, ...]] = ("server", "pool")

    server: str = always("Web server instance.")
    pool: str = always("Name of the pool; the address itself for a direct proxy_pass.")
    method: str | None = column("Balancing method (round_robin, least_conn, ip_hash, hash, random).")
    members: int | None = column("Servers in the pool, backups included.")
    in_use: bool | None = column("Some location sends requests to it.")
    tls: bool | None = column("Requests go to it over TLS; NULL when both ways are used.")
    tls_verified: bool | None = column("The member's certificate is checked.")
    none_left_recent: int | None = column(
        "Requests of the last minutes for which no member was left, by the server's error log."
    )
    in_force: bool | None = column(
        "The running server has read its files since they last changed; NULL when that cannot be told."
    )
    file: str | None = column("File that declares it.")
    line: int | None = column("Line in that file.")


class UpstreamServer(State):
    """One member of a pool."""

    kind: ClassVar[str] = "upstream_server"
    key: ClassVar[tuple[str, ...]] = ("server", "pool", "address")

    server: str = always("Web server instance.")
    pool: str = always("Pool it belongs to.")
    address: str = always("Address and port, or socket path.")
    weight: int | None = column("Weight.")
    is_backup: bool | None = column("Used only when the others fail.")
    is_drained: bool | None = column("Marked down in the configuration.")
    max_fails: int | None = column("Failures after which it is left out; 0 when never.")
    healthy: bool | None = column("Accepts connections now, by a probe or the status page; NULL when not probed.")
    health_source: str | None = column("How that is known: probe or status_page.")
    failures_recent: int | None = column(
        "Requests that failed at it in the last minutes, by the server's error log; NULL when that was not readable."
    )


class CacheRule(State):
    """How a location of a web server is cached."""

    kind: ClassVar[str] = "cache_rule"
    key: ClassVar[tuple[str, ...]] = ("server", "host", "location")

    server: str = always("Web server instance.")
    host: str = always("Server names of the block.")
    location: str = always("Location as written, with its modifier.")
    is_static: bool | None = column("Serves files of static types or a static folder.")
    expires_s: int | None = column("expires in seconds; -1 for 'epoch' or negative; NULL when not set.")
    cache_control: str | None = column("Cache-Control values added; '' when none.")
    browser_s: int | None = column(
        "Seconds a browser may keep an answer without asking again; 0 for none; NULL when an application may say it."
    )
    is_private: bool | None = column("private or no-store is added.")
    shared_cache: bool | None = column("A shared cache (proxy_cache, fastcgi_cache) stores answers.")
    bypasses_cookies: bool | None = column(
        "The shared cache leaves out requests with a session cookie or authorisation."
    )
    is_proxied: bool | None = column("Answers come from an application.")
    in_force: bool | None = column(
        "The running server has read its files since they last changed; NULL when that cannot be told."
    )


class AccessLog(State):
    """Where a web server logs requests, and what a line says."""

    kind: ClassVar[str] = "access_log"
    key: ClassVar[tuple[str, ...]] = ("server", "log")

    server: str = always("Web server instance (its main configuration file).")
    log: str = always("File, or where else lines go (syslog:server=…).")
    hosts: list[str] | None = column("Server names of the blocks that log there.")
    formats: list[str] | None = column("Names of the formats used, sorted; of several the poorest counts.")
    conditional: bool | None = column("A condition leaves some requests out.")
    is_file: bool | None = column("A file on this machine.")
    says_when: bool | None = column("Each line has the time with its zone.")
    says_from_where: bool | None = column("Each line has the client's address.")
    says_who: bool | None = column("Each line has a field for the user, who may yet be known to the application only.")
    says_what: bool | None = column("Each line has method and path.")
    says_result: bool | None = column("Each line has the status of the answer.")
    sensitive: list[str] | None = column("Variables in the format that carry credentials or bodies.")
    in_force: bool | None = column(
        "The running server has read its files since they last changed; NULL when that cannot be told."
    )


class AdminPath(State):
    """A path of administration behind a web server, and who may reach it."""

    kind: ClassVar[str] = "admin_path"
    key: ClassVar[tuple[str, ...]] = ("server", "host", "listen", "path")

    server: str = always("Web server instance (its main configuration file).")
    host: str = always("Server names of the block.")
    listen: str = always("Addresses and ports listened on, sorted.")
    path: str = always("Location as written, or the path as declared.")
    location: str | None = column("Location that answers it ('server' for none); NULL when that cannot be told.")
    marked_by: str | None = column("What makes it administration: name, declared, or the directive that serves it.")
    is_loopback: bool | None = column(
        "The block listens on loopback addresses and sockets only, and is not declared to be reached from elsewhere."
    )
    encrypted: bool | None = column("Plain requests are redirected to HTTPS, or not heard.")
    closed: bool | None = column("Nobody gets an answer: internal, or everything is refused.")
    address_limited: bool | None = column(
        "All but the allowed addresses are refused; NULL where a condition refuses some."
    )
    addresses_allowed: list[str] | None = column("Addresses and networks allowed, in the order of the rules.")
    public_allowed: list[str] | None = column("Those of them that are not private.")
    authentication: str | None = column(
        "basic, request, certificate or jwt, joined by a space; '' for none; NULL when a variable decides."
    )
    either_suffices: bool | None = column("An allowed address or a sign-in is enough; else both are needed.")
    in_force: bool | None = column(
        "The running server has read its files since they last changed; NULL when that cannot be told."
    )
    file: str | None = column("File that declares the location.")
    line: int | None = column("Line in that file.")


class ServiceStatus(State):
    """A running service, by its own status answer."""

    kind: ClassVar[str] = "service_status"
    key: ClassVar[tuple[str, ...]] = ("component", "instance")

    component: str = always("nginx, postgresql, redis, …")
    instance: str = always("Address, socket or configuration file that tells one instance from another.")
    product: str | None = column("Product behind the protocol (valkey behind a redis protocol).")
    version: str | None = column("Version.")
    running: bool | None = column("It answers.")
    started_at: Instant | None = column("Running since.")
    connections: int | None = column("Connections now.")
    connections_max: int | None = column("Limit of connections.")
    config_ok: bool | None = column("Its own configuration test passes.")
    config_loaded_at: Instant | None = column("When it last read its configuration.")
    detail: dict[str, Any] | None = column("Counters the product gives.")
