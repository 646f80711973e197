"""Paths of administration: which they are, which location answers them, who may ask; nginx itself is the oracle."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import httpx
import pytest

from compliance.collectors.nginx.admin import location_for, rows_admin_paths
from compliance.collectors.nginx.config import fetch_config
from compliance.collectors.nginx.scope import servers as blocks
from compliance.schemas.kinds.host import Exposure
from tests.collectors.nginx.test_rows import Parse, parse
from tests.servers import nginx as servers

__all__ = ["parse"]  # a fixture

INSIDE = "allow 10.8.0.0/24; deny all;"


def only(config: Any, *declared: str) -> Any:
    [row] = rows_admin_paths(config, declared)
    return row


@pytest.mark.parametrize(
    "location",
    [
        "/admin",
        "/admin/",
        "^~ /wp-admin",
        r"~ ^/(admin|intern)/",
        "/api/admin/",
        "= /nginx_status",
        "/__debug__/",
        "/metrics",
    ],
)
def test_named_like_administration(parse: Parse, location: str) -> None:
    row = only(parse(f"server {{ location {location} {{ proxy_pass http://x; }} }}"))

    assert (row.path, row.marked_by) == (location, "name")


@pytest.mark.parametrize("location", ["/", "/administrative-law/", "/badmin", "/courses/metricsystem", "/my.admin.css"])
def test_not_named_like_administration(parse: Parse, location: str) -> None:
    assert rows_admin_paths(parse(f"server {{ location {location} {{ proxy_pass http://x; }} }}"), ()) == []


def test_serves_its_own_status(parse: Parse) -> None:
    assert only(parse("server { location = /s { stub_status; } }")).marked_by == "stub_status"


@pytest.mark.parametrize(
    ("rules", "limited", "allowed", "public"),
    [
        (INSIDE, True, ["10.8.0.0/24"], []),
        ("allow 10.8.0.0/24;", False, ["10.8.0.0/24"], []),  # what no rule names is let through
        ("", False, [], []),
        ("deny all;", True, [], []),
        ("allow all;", False, ["all"], ["all"]),
        ("allow all; deny all;", False, ["all"], ["all"]),
        ("deny 10.0.0.1; allow 10.0.0.0/8; deny all;", True, ["10.0.0.0/8"], []),
        ("allow 8.8.8.0/24; deny all;", True, ["8.8.8.0/24"], ["8.8.8.0/24"]),
        ("allow 0.0.0.0/1; deny all;", True, ["0.0.0.0/1"], ["0.0.0.0/1"]),
        ("deny 0.0.0.0/0;", False, [], []),  # the other family stays open
        ("deny 0.0.0.0/0; deny ::/0;", True, [], []),
        (f"set_real_ip_from 0.0.0.0/0; {INSIDE}", False, ["10.8.0.0/24"], []),  # anybody says where he comes from
        (f"set_real_ip_from 10.0.0.1; {INSIDE}", True, ["10.8.0.0/24"], []),
        ("if ($vpn = 0) { return 403; }", None, [], []),
    ],
)
def test_from_which_addresses(
    parse: Parse, rules: str, limited: bool | None, allowed: list[str], public: list[str]
) -> None:
    row = only(parse(f"server {{ location /admin/ {{ {rules} proxy_pass http://x; }} }}"))

    assert (row.address_limited, row.addresses_allowed, row.public_allowed) == (limited, allowed, public)


def test_rules_of_its_own_replace_those_around_it(parse: Parse) -> None:
    config = parse(f"server {{ {INSIDE} location /admin/ {{ proxy_pass http://x; allow 10.9.0.1; }} }}")

    assert only(config).address_limited is False


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("auth_basic realm;", "basic"),
        ("auth_request /check;", "request"),
        ("auth_basic off;", ""),
        ("auth_basic $realm;", None),
        ("", ""),
    ],
)
def test_authentication(parse: Parse, text: str, kind: str | None) -> None:
    assert only(parse(f"server {{ location /admin/ {{ {text} proxy_pass http://x; }} }}")).authentication == kind


def test_client_certificates_and_satisfy(parse: Parse) -> None:
    row = only(parse("server { ssl_verify_client on; satisfy any; location /admin/ { proxy_pass http://x; } }"))

    assert (row.authentication, row.either_suffices) == ("certificate", True)


@pytest.mark.parametrize(
    ("text", "closed"),
    [("internal;", True), ("return 404;", True), ("return 301 /x;", False), ("proxy_pass http://x;", False)],
)
def test_closed(parse: Parse, text: str, closed: bool) -> None:
    assert only(parse(f"server {{ location /admin/ {{ {text} }} }}")).closed is closed


def test_where_it_listens_and_whether_it_is_encrypted(parse: Parse) -> None:
    config = parse(
        "server { listen 127.0.0.1:80; server_name a; location /admin { } }"
        "server { listen 443 ssl; server_name b; location /admin { } }"
        "server { listen 443 ssl; listen 80; server_name c; location /admin { } }"
    )
    rows = {row.host: (row.is_loopback, row.encrypted) for row in rows_admin_paths(config, ())}

    assert not any(row.is_loopback for row in rows_admin_paths(config, (), Exposure.PUBLIC))
    assert rows == {"a": (True, False), "b": (False, True), "c": (False, False)}


def test_a_declared_path_is_answered_by_another_location(parse: Parse) -> None:
    row = only(parse("server { location / { proxy_pass http://x; } }"), "/admin/")

    assert (row.path, row.location, row.marked_by, row.address_limited) == ("/admin/", "/", "declared", False)
    assert (
        rows_admin_paths(parse("server { location / { root /x; } }"), ["/admin/"]) == []
    )  # no application, no such path


def test_a_pattern_that_cannot_be_tried_leaves_it_open(parse: Parse) -> None:
    row = only(parse(r"server { location ~ ^/\K(?>a) { } location / { proxy_pass http://x; } }"), "/admin/")

    assert (row.location, row.address_limited, row.authentication, row.closed) == (None, None, None, False)


LOCATIONS = r"""
location = /a { return 200 "= /a"; }
location /a { return 200 "/a"; }
location /a/b { return 200 "/a/b"; }
location ^~ /a/c { return 200 "^~ /a/c"; }
location ~ \.php$ { return 200 "~ \.php${end}"; }
location ~* ^/A/D { return 200 "~* ^/A/D"; }
location /n {
    location /n/m { return 200 "/n > /n/m"; }
    location ~ x$ { return 200 "/n > ~ x${end}"; }
    return 200 "/n";
}
"""


def test_the_location_is_the_one_that_nginx_takes() -> None:
    folder = Path(tempfile.mkdtemp(prefix="nginx-admin-"))
    server = servers.plain(folder, LOCATIONS, http="map $uri $end { default @; }")  # a `$` cannot be written there
    try:
        [block] = blocks(fetch_config(str(folder / "nginx.conf")))
        for path in ("/a", "/a/", "/ab", "/a/b/x.php", "/a/c/x.php", "/x.php", "/a/d", "/a/b", "/n", "/n/m", "/n/x"):
            answered = httpx.get(f"http://127.0.0.1:{server.port}{path}").text.replace("@", "$")
            found = location_for(block, path)
            assert found is not None
            assert found.label == answered, path
    finally:
        server.stop()


@pytest.mark.parametrize("declared", [(), ("/admin/",)])
def test_what_answers_below_an_exact_location(parse: Parse, declared: tuple[str, ...]) -> None:
    """The folder's own address is closed to the outside; everything in it is not."""
    text = f"location = /admin/ {{ {INSIDE} proxy_pass http://x; }} location / {{ proxy_pass http://x; }}"
    rows = {row.path: row for row in rows_admin_paths(parse(f"server {{ {text} }}"), declared)}

    assert rows["/admin/…"].location == "/"
    assert rows["/admin/…"].address_limited is False


def test_nothing_below_a_location_of_the_whole_folder(parse: Parse) -> None:
    text = f"location /admin/ {{ {INSIDE} proxy_pass http://x; }} location / {{ proxy_pass http://x; }}"
    rows = rows_admin_paths(parse(f"server {{ {text} }}"), ("/admin/",))

    assert {row.path for row in rows} == {"/admin/"}
