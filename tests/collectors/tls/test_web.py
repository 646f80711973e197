"""Headers into columns, on replies as a server gives them."""

from __future__ import annotations

import pytest

from compliance.collectors.tls.web import Plain, Reply, insecure_cookies, rows_cached, rows_http, without_query


def reply(*headers: tuple[str, str], status: int = 200) -> Reply:
    return Reply("https://a.example/", status, headers)


@pytest.mark.parametrize(
    ("values", "seconds", "subdomains"),
    [
        ([], 0, False),
        (["max-age=600"], 600, False),
        (['Max-Age="31536000" ; includeSubDomains'], 31536000, True),
        (["includeSubDomains"], 0, False),
        (["max-age=abc; includeSubDomains"], 0, False),
        (["max-age=5", "max-age=31536000; includeSubDomains"], 5, False),
    ],
)
def test_hsts(values: list[str], seconds: int, subdomains: bool) -> None:
    answer = reply(*[("strict-transport-security", v) for v in values])

    row = rows_http("https://a.example/", "a.example", None, [answer], answer.url, Plain())

    assert (row.hsts_max_age_s, row.hsts_subdomains) == (seconds, subdomains)


def test_cookies_are_gathered_over_all_redirects() -> None:
    first = reply(("set-cookie", "a=1; Path=/"), ("location", "/b"), status=302)
    second = reply(("set-cookie", "b=2; Secure; HttpOnly"))

    row = rows_http("https://a.example/", "a.example", None, [first, second], "https://a.example/b", Plain())

    assert row.insecure_cookies == ["a"]
    assert row.status == 200


def test_cookie_flags() -> None:
    headers = ["a=1; secure; HTTPONLY", "b=2; Secure", "c=Secure; HttpOnly", "d=x=y; Secure; HttpOnly; SameSite=Lax"]

    assert insecure_cookies(headers) == ["b", "c"]


def test_several_cache_headers_are_one() -> None:
    answer = reply(("cache-control", "max-age=60"), ("cache-control", "Private"), ("vary", "Cookie"), ("etag", '"x"'))

    row = rows_cached("https://a.example/x", answer, is_static=False, is_personal=True)

    assert row.cache_control == "max-age=60, Private"
    assert (row.max_age_s, row.is_private, row.etag, row.vary) == (60, True, True, "Cookie")


def test_urls_are_recorded_without_user_and_query() -> None:
    assert without_query("https://u:p@a.example:8443/x?token=1#y") == "https://a.example:8443/x"
