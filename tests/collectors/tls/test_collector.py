"""The TLS collector against real servers: good, bad, stopped, silent, and speaking something else."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.x509 import ocsp
from pydantic import ValidationError

from compliance.collectors.testing import Conformance
from compliance.collectors.tls import Tls, TlsSettings
from compliance.schemas.messages import Cause, Complete, Context, Discovery, Gap, Message, Record
from tests.servers import nginx as servers

ALL = frozenset(kind.kind for kind in Tls.kinds)


def context(*endpoints: dict[str, Any], wanted: frozenset[str] = ALL, timeout_s: float = 10, **more: Any) -> Any:
    settings = TlsSettings.model_validate({"endpoints": endpoints, **more})
    return Context("web", settings, lambda: dt.datetime.now(dt.UTC), wanted, timeout_s)


def endpoint(server: servers.Nginx, **more: Any) -> dict[str, Any]:
    return {
        "host": "127.0.0.1",
        "port": server.https_port,
        "server_name": "localhost",
        "redirect_port": server.http_port,
        "static_paths": ["/app.css"],
        "personal_paths": ["/account"],
        **more,
    }


def by_kind(messages: Iterator[Message]) -> tuple[dict[str, list[Any]], dict[str, Complete | Gap]]:
    rows: dict[str, list[Any]] = {}
    ends: dict[str, Complete | Gap] = {}
    for message in messages:
        if isinstance(message, Record):
            rows.setdefault(message.evidence.kind, []).append(message.evidence)
        elif isinstance(message, Complete | Gap):
            assert message.kind not in ends
            ends[message.kind] = message
    return rows, ends


class TestConformance(Conformance):
    collector = Tls

    @pytest.fixture(autouse=True)
    def _server(self, good: servers.Nginx) -> None:
        self.settings = {"endpoints": [endpoint(good)], "ca_file": str(good.ca_file), "ocsp": True}
        self.unreachable = {"endpoints": [endpoint(good, host="127.0.0.1", port=1)]}
        self.planted = ["s3cret-cookie-value"]


@pytest.fixture(scope="session")
def seen_good(good: servers.Nginx) -> dict[str, list[Any]]:
    rows, ends = by_kind(Tls().collect(context(endpoint(good), ca_file=str(good.ca_file), ocsp=True)))
    assert all(isinstance(end, Complete) for end in ends.values())
    assert set(ends) == ALL
    return rows


@pytest.fixture(scope="session")
def seen_bad(bad: servers.Nginx) -> dict[str, list[Any]]:
    rows, ends = by_kind(Tls().collect(context(endpoint(bad))))
    assert all(isinstance(end, Complete) for end in ends.values())
    return rows


def test_good_endpoint_offers_only_current_tls(seen_good: dict[str, list[Any]]) -> None:
    [row] = seen_good["tls_endpoint"]

    assert row.protocols == ["TLSv1.2", "TLSv1.3"]
    assert row.min_protocol == "TLSv1.2"
    assert row.protocols_not_tested == ["SSLv2"]
    assert row.detail["versions_refused"] == ["SSLv3", "TLSv1", "TLSv1.1"]
    assert "ECDHE-ECDSA-AES256-GCM-SHA384" in row.ciphers
    assert "TLS_AES_128_GCM_SHA256" in row.ciphers
    assert row.weak_ciphers == []
    assert row.forward_secrecy is True


def test_good_certificate_is_read_and_trusted(seen_good: dict[str, list[Any]], good: servers.Nginx) -> None:
    [row] = seen_good["tls_endpoint"]

    assert (row.chain_ok, row.chain_error, row.chain_length, row.self_signed) == (True, None, 1, False)
    assert row.name_matches is True
    assert row.cert_names == ["127.0.0.1", "localhost"]
    assert (row.key_type, row.key_bits) == ("ec", 256)
    assert row.cert_not_after - row.cert_not_before == dt.timedelta(days=30)
    assert (row.ocsp_stapled, row.ocsp_status) == (True, "good")
    assert row.exposure == "loopback"


def test_good_site_redirects_and_protects(seen_good: dict[str, list[Any]]) -> None:
    [row] = seen_good["http_endpoint"]

    assert (row.http_port_open, row.http_redirects_https) == (True, True)
    assert (row.hsts_max_age_s, row.hsts_subdomains, row.hsts_preload) == (31536000, True, True)
    assert row.content_security_policy == "default-src 'self'"
    assert row.server_header == "nginx"


def test_cookie_values_never_become_evidence(seen_good: dict[str, list[Any]]) -> None:
    [row] = seen_good["http_endpoint"]

    assert row.insecure_cookies == ["session"]
    assert "s3cret" not in repr(seen_good)


def test_cache_headers_of_static_and_personal_paths(seen_good: dict[str, list[Any]]) -> None:
    rows = {row.url.rpartition("/")[2]: row for row in seen_good["cached_response"]}

    static, personal = rows["app.css"], rows["account"]
    assert (static.is_static, static.is_personal) == (True, False)
    assert static.cache_control == "max-age=2592000, public, immutable"
    assert (static.max_age_s, static.immutable, static.is_private) == (2592000, True, False)
    assert (personal.is_personal, personal.is_private, personal.sets_cookie) == (True, True, True)


def test_bad_endpoint_shows_old_versions_and_weak_suites(seen_bad: dict[str, list[Any]]) -> None:
    [row] = seen_bad["tls_endpoint"]

    assert row.protocols == ["TLSv1", "TLSv1.1", "TLSv1.2"]
    assert row.min_protocol == "TLSv1"
    assert "ECDHE-ECDSA-AES256-SHA" in row.weak_ciphers
    assert "AECDH-AES128-SHA" in row.weak_ciphers
    assert "ECDHE-ECDSA-AES256-GCM-SHA384" not in row.weak_ciphers
    assert "ECDHE-ECDSA-AES256-GCM-SHA384" in row.ciphers


def test_bad_certificate_is_not_trusted_and_for_another_name(seen_bad: dict[str, list[Any]]) -> None:
    [row] = seen_bad["tls_endpoint"]

    assert row.chain_ok in (False, None)  # None only on a machine without any store of roots
    assert row.chain_error
    assert row.name_matches is False
    assert row.ocsp_stapled is False
    assert row.ocsp_status is None
    assert "not switched on" in row.detail["ocsp_note"]


def test_bad_site_neither_redirects_nor_keeps_its_headers(seen_bad: dict[str, list[Any]]) -> None:
    [row] = seen_bad["http_endpoint"]
    personal = next(r for r in seen_bad["cached_response"] if r.is_personal)

    assert row.http_redirects_https is False
    assert row.hsts_max_age_s == 0  # the location's own add_header dropped what the server sets
    assert row.server_header.startswith("nginx/")
    assert (personal.is_private, personal.max_age_s) == (False, 600)


def test_revoked_and_forged_statuses(good: servers.Nginx, authority: servers.Authority) -> None:
    ctx = context(endpoint(good), ca_file=str(good.ca_file), ocsp=True, wanted=frozenset({"tls_endpoint"}))
    impostor = servers.Authority()
    try:
        authority.status = ocsp.OCSPCertStatus.REVOKED
        revoked = by_kind(Tls().collect(ctx))[0]["tls_endpoint"][0]
        authority.status = ocsp.OCSPCertStatus.GOOD
        authority.forger = impostor
        forged = by_kind(Tls().collect(ctx))[0]["tls_endpoint"][0]
    finally:
        authority.status, authority.forger = ocsp.OCSPCertStatus.GOOD, None
        impostor.stop()

    assert revoked.ocsp_status == "revoked"
    assert forged.ocsp_status is None
    assert "does not hold" in forged.detail["ocsp_note"]


def test_closed_port_is_a_gap_that_names_the_endpoint(good: servers.Nginx) -> None:
    port = servers.free_port()

    rows, ends = by_kind(Tls().collect(context(endpoint(good), {"host": "127.0.0.1", "port": port, "paths": ["/"]})))

    for kind in ("tls_endpoint", "http_endpoint"):
        gap = ends[kind]
        assert isinstance(gap, Gap)
        assert gap.cause is Cause.UNREACHABLE
        assert str(port) in gap.message
        assert gap.remedy
        assert kind not in rows


def test_silent_port_is_a_timeout() -> None:
    with servers.silent_port() as port:
        ctx = context({"host": "127.0.0.1", "port": port, "static_paths": ["/a.css"]}, timeout_s=0.2)
        _, ends = by_kind(Tls().collect(ctx))

    assert {end.cause for end in ends.values() if isinstance(end, Gap)} == {Cause.TIMEOUT}
    assert set(ends) == ALL
    assert all(str(port) in end.message for end in ends.values() if isinstance(end, Gap))


def test_port_that_speaks_something_else_is_malformed() -> None:
    with servers.babbling_port() as port:
        _, ends = by_kind(
            Tls().collect(context({"host": "127.0.0.1", "port": port}, wanted=frozenset({"tls_endpoint"})))
        )

    gap = ends["tls_endpoint"]
    assert isinstance(gap, Gap)
    assert gap.cause is Cause.MALFORMED


def test_closed_plain_port_counts_as_no_plain_http(good: servers.Nginx) -> None:
    ctx = context(endpoint(good, redirect_port=servers.free_port()), wanted=frozenset({"http_endpoint"}))

    [row] = by_kind(Tls().collect(ctx))[0]["http_endpoint"]

    assert (row.http_port_open, row.http_redirects_https) == (False, True)


def test_silent_plain_port_is_not_known(good: servers.Nginx) -> None:
    with servers.silent_port() as port:
        ctx = context(endpoint(good, redirect_port=port), wanted=frozenset({"http_endpoint"}), timeout_s=1)
        [row] = by_kind(Tls().collect(ctx))[0]["http_endpoint"]

    assert (row.http_port_open, row.http_redirects_https) == (None, None)


def test_missing_ca_file_is_a_gap_not_an_untrusted_chain(good: servers.Nginx, tmp_path: Path) -> None:
    ctx = context(endpoint(good), ca_file=str(tmp_path / "none.pem"), wanted=frozenset({"tls_endpoint"}))

    _, ends = by_kind(Tls().collect(ctx))

    gap = ends["tls_endpoint"]
    assert isinstance(gap, Gap)
    assert "none.pem" in gap.message


def test_cache_headers_without_declared_paths_are_a_gap(good: servers.Nginx) -> None:
    ctx = context({"host": "127.0.0.1", "port": good.https_port}, wanted=frozenset({"cached_response"}))

    _, ends = by_kind(Tls().collect(ctx))

    gap = ends["cached_response"]
    assert isinstance(gap, Gap)
    assert gap.cause is Cause.DISABLED


def test_an_account_without_rights_is_enough(good: servers.Nginx) -> None:
    def ask() -> str:
        _, ends = by_kind(Tls().collect(context(endpoint(good), ca_file=str(good.ca_file))))
        return " ".join(sorted(kind for kind, end in ends.items() if isinstance(end, Complete)))

    assert servers.as_nobody(ask).split() == sorted(ALL)


def test_check_tells_readable_from_not(good: servers.Nginx) -> None:
    fine = list(Tls().check(context(endpoint(good))))
    closed = list(Tls().check(context({"host": "127.0.0.1", "port": servers.free_port()})))

    assert [a.readable for a in fine] == [True, True, True]
    assert [a.readable for a in closed] == [False, False, False]


def test_discover_finds_listeners_that_finish_a_handshake(good: servers.Nginx, tmp_path: Path) -> None:
    (tmp_path / "proc/net").mkdir(parents=True)
    (tmp_path / "etc/nginx/conf.d").mkdir(parents=True)
    lines = [f"   0: 0100007F:{port:04X} 00000000:0000 0A 0:0" for port in (good.https_port, good.http_port)]
    (tmp_path / "proc/net/tcp").write_text("  sl  local_address rem_address   st\n" + "\n".join(lines) + "\n")
    (tmp_path / "etc/nginx/conf.d/site.conf").write_text(
        f"server {{ listen 127.0.0.1:{good.https_port} ssl; }}\nserver {{ listen {good.http_port} ssl; }}\n"
    )

    found = list(Tls().discover(Discovery(root=tmp_path, folder=tmp_path)))

    assert [dict(f.settings) for f in found] == [{"endpoints": [{"host": "127.0.0.1", "port": good.https_port}]}]
    assert TlsSettings.model_validate(found[0].settings)


def test_same_endpoint_twice_is_refused() -> None:
    with pytest.raises(ValidationError, match="listed twice"):
        TlsSettings.model_validate({"endpoints": [{"host": "a.example"}, {"host": "a.example"}]})
