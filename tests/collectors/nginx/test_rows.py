"""Inheritance and meaning, on small configurations read from real files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from compliance.collectors.nginx.caching import rows_cache_rules
from compliance.collectors.nginx.config import Config, fetch_config
from compliance.collectors.nginx.hosts import rows_virtual_hosts
from compliance.collectors.nginx.upstreams import fetch_accepts, rows_links, rows_pools, rows_servers
from compliance.collectors.nginx.waf import fetch_policies, rows_waf
from compliance.schemas.errors import Absent, Malformed
from compliance.schemas.kinds.host import Exposure
from tests.servers import nginx as servers

Parse = Callable[..., Config]


@pytest.fixture
def parse(tmp_path: Path) -> Parse:
    def build(http: str, **files: str) -> Config:
        for name, text in files.items():
            (tmp_path / f"{name}.conf").write_text(text)
        (tmp_path / "nginx.conf").write_text(f"events {{}}\nhttp {{\n{http}\n}}\n")
        return fetch_config(str(tmp_path / "nginx.conf"))

    return build


def host(config: Config) -> Any:
    [row] = rows_virtual_hosts(config)
    return row


@pytest.mark.parametrize(
    ("value", "subdomains"),
    [
        ("max-age=1; includeSubDomains; preload", True),
        ("max-age=1; INCLUDESUBDOMAINS", True),
        ("max-age=1", False),
        ("max-age=1; includeSubDomainsX", False),
        ("$hsts", None),
    ],
)
def test_hsts_covers_subdomains(parse: Parse, value: str, subdomains: bool | None) -> None:
    row = host(parse(f'server {{ add_header Strict-Transport-Security "{value}"; }}'))

    assert row.hsts_subdomains is subdomains


@pytest.mark.parametrize(
    ("server", "refuses"),
    [
        ("return 444;", True),
        ("listen 443 ssl; ssl_reject_handshake on;", True),
        ("return 301 https://x;", False),
        ('if ($host = "a") { return 301 https://x; } return 444;', False),
        ("location / { return 444; }", False),
        ("", False),
    ],
)
def test_a_block_that_answers_nobody(parse: Parse, server: str, refuses: bool) -> None:
    assert host(parse(f"server {{ {server} }}")).refuses_all is refuses


def test_a_block_that_passes_requests_on(parse: Parse) -> None:
    assert host(parse("server { location / { location /a { proxy_pass http://x; } } }")).proxied is True
    assert host(parse("server { location / { root /x; } }")).proxied is False


@pytest.mark.parametrize(
    ("rules", "seconds"),
    [
        ("expires 1y;", 31536000),
        ("expires max;", 315360000),
        ('add_header Cache-Control "public, max-age=31536000, immutable";', 31536000),
        ('expires 1y; add_header Cache-Control "public, max-age=60";', 60),
        ('add_header Cache-Control "public, s-maxage=60";', 0),
        ('expires 1y; add_header Cache-Control "no-cache";', 0),
        ("expires epoch;", 0),
        ("expires off;", 0),
        ("", 0),
        ("expires $later;", None),
        ("proxy_pass http://x;", None),
        ("proxy_pass http://x; expires 1d;", 86400),
        ("more_set_headers 'Cache-Control: max-age=9';", None),
    ],
)
def test_how_long_browsers_may_keep_files(parse: Parse, rules: str, seconds: int | None) -> None:
    [row] = [
        r for r in rows_cache_rules(parse(f"server {{ location /static/ {{ {rules} }} }}")) if r.location != "server"
    ]

    assert row.browser_s == seconds


@pytest.mark.parametrize(
    ("rules", "location", "inspects"),
    [
        ("SecRuleEngine On\nSecRequestBodyAccess On\n", "", True),
        ("SecRuleEngine On\n", "", True),  # until it is switched off
        ("SecRequestBodyAccess On\nSecRequestBodyAccess Off\n", "", False),
        ("SecRequestBodyAccess On\n", "location /a { modsecurity_rules 'SecRequestBodyAccess Off'; }", False),
        ("SecRequestBodyAccess On\n", "location /a { modsecurity_rules 'SecRuleEngine On'; }", True),
    ],
)
def test_whether_bodies_are_looked_at(parse: Parse, rules: str, location: str, inspects: bool) -> None:
    config = parse(f"modsecurity on; modsecurity_rules_file rules.conf; server {{ {location} }}", rules=rules)
    [row] = rows_waf(fetch_policies(config))

    assert row.inspects_bodies is inspects


def test_bodies_that_a_rule_lets_by_are_an_exclusion(parse: Parse) -> None:
    rules = 'SecRule ARGS "@rx x" "id:1,phase:1,pass,ctl:requestBodyAccess=Off"\n'
    [row] = rows_waf(
        fetch_policies(parse("modsecurity on; modsecurity_rules_file rules.conf; server { }", rules=rules))
    )

    assert row.exclusions == 1


@pytest.mark.parametrize(
    ("listen", "exposure"),
    [
        ("listen 127.0.0.1:80; listen [::1]:80; listen unix:/run/n.sock; listen localhost:81;", "loopback"),
        ("listen 127.0.0.1:80; listen 80;", None),
        ("listen 10.0.0.1:80;", None),  # a forwarder may stand before it
    ],
)
def test_exposure(parse: Parse, listen: str, exposure: str | None) -> None:
    config = parse(f"server {{ {listen} }}")

    assert host(config).exposure == exposure
    assert rows_virtual_hosts(config, Exposure.PUBLIC)[0].exposure == "public"


def test_defaults_of_an_empty_block(parse: Parse) -> None:
    row = host(parse("server { }"))

    assert (row.host, row.listen, row.is_default, row.tls) == ("_", "*:80", True, False)
    assert (row.server_tokens, row.access_log, row.error_log) == (True, True, True)
    assert (row.client_max_body_bytes, row.hsts_max_age_s, row.autoindex) == (1048576, 0, False)
    assert row.redirects_to_https is False
    assert row.rate_limited is False


def test_outer_settings_apply_until_a_block_has_its_own(parse: Parse) -> None:
    config = parse(
        "server_tokens off; access_log off; client_max_body_size 8m; ssl_protocols TLSv1.3;"
        "server { listen 443 ssl; location / { client_max_body_size 2g; } }"
    )

    row = host(config)

    assert (row.server_tokens, row.access_log, row.tls_protocols) == (False, False, ["TLSv1.3"])
    assert row.client_max_body_bytes == 2 * 1024**3


HSTS = 'add_header Strict-Transport-Security "max-age=600" always;'


@pytest.mark.parametrize(
    ("server", "seconds", "lost"),
    [
        (HSTS, 600, []),
        (HSTS + "location / { } location /a { add_header X-A b; }", 600, ["/a"]),
        (HSTS + "location / { add_header X-A b; location /in { } }", 600, ["/", "/ > /in"]),
        (HSTS + "location /a { add_header X-A b; " + HSTS + " }", 600, []),
        (HSTS + "location / { if ($arg_x) { add_header X-A b; } }", 600, ["/ > if ($arg_x)"]),
        (HSTS + "location /a { add_header_inherit merge; add_header X-A b; }", 600, []),
        (HSTS + "location /a { add_header_inherit off; }", 600, ["/a"]),
        ("add_header X-A b;", 0, []),
        ("add_header Strict-Transport-Security $hsts;", None, []),
        ("add_header Strict-Transport-Security includeSubDomains;", 0, []),
        ('more_set_headers "Strict-Transport-Security: max-age=1";', None, []),
    ],
)
def test_hsts_and_where_it_is_lost(parse: Parse, server: str, seconds: int | None, lost: list[str]) -> None:
    row = host(parse(f"server {{ listen 443 ssl; {server} }}"))

    assert (row.hsts_max_age_s, row.hsts_lost_in) == (seconds, lost)


def test_header_of_the_server_drops_those_of_http(parse: Parse) -> None:
    assert host(parse(HSTS + "server { add_header X-A b; }")).hsts_max_age_s == 0


@pytest.mark.parametrize(
    ("server", "redirects"),
    [
        ("listen 80; return 301 https://$host$request_uri;", True),
        ("listen 80; return 301 http://$host$request_uri;", False),
        ("listen 80; return 200 https://;", False),
        ("listen 80; return https://$host$request_uri;", True),
        ("listen 80; rewrite ^ https://$host$request_uri permanent;", True),
        ("listen 80; location / { return 308 https://$host$request_uri; }", True),
        ("listen 80; location / { return 301 https://a.example; } location /acme { root /x; }", False),
        ("listen 80; location /a { return 301 https://a.example; }", False),
        ("listen 80; if ($host = a.example) { return 301 https://$host$request_uri; } return 404;", True),
        ("listen 80; if ($arg_x) { return 200 hello; } return 301 https://a.example;", False),
        ("listen 80; listen 443 ssl;", False),
        ("listen 80; listen 443 ssl; if ($scheme = http) { return 301 https://$host$request_uri; }", True),
        ("listen 443 ssl;", True),
    ],
)
def test_redirect_to_https(parse: Parse, server: str, redirects: bool) -> None:
    assert host(parse(f"server {{ {server} }}")).redirects_to_https is redirects


def test_versions_of_the_default_block_count_too(parse: Parse) -> None:
    config = parse(
        "server { listen 443 ssl; server_name a.example; ssl_protocols TLSv1 TLSv1.2; }"
        "server { listen 443 ssl; server_name b.example; ssl_protocols TLSv1.3; }"
        "server { listen 10.0.0.1:443 ssl default_server; server_name c.example; ssl_protocols TLSv1.3; }"
    )

    rows = {row.host: row for row in rows_virtual_hosts(config)}

    assert rows["b.example"].tls_protocols == ["TLSv1", "TLSv1.2", "TLSv1.3"]
    assert rows["b.example"].is_default is False
    assert rows["b.example"].detail["tls_protocols_own"] == ["TLSv1.3"]
    assert rows["c.example"].tls_protocols == ["TLSv1.3"]


def test_command_that_overrules_the_version_list_leaves_it_unknown(parse: Parse) -> None:
    config = parse("server { listen 443 ssl; ssl_protocols TLSv1.3; ssl_conf_command MinProtocol TLSv1; }")

    assert host(config).tls_protocols is None


def test_block_that_nginx_ignores_gives_no_second_row(parse: Parse) -> None:
    config = parse("server { listen 80; server_name a; } server { listen 80; server_name a; access_log off; }")

    assert host(config).access_log is True


@pytest.mark.parametrize(
    ("text", "logged"),
    [
        ("access_log /dev/null;", False),
        ("access_log /var/log/a.log combined if=$loggable;", None),
        ("access_log off; location / { access_log /var/log/a.log; }", False),
        ("location / { access_log off; }", False),
        ("location /app { access_log off; proxy_pass http://10.0.0.1; }", False),
        ("location = /health { access_log off; proxy_pass http://10.0.0.1; }", True),
        ("location /icons { access_log off; }", True),
    ],
)
def test_access_log(parse: Parse, text: str, logged: bool | None) -> None:
    assert host(parse(f"server {{ {text} }}")).access_log is logged


@pytest.mark.parametrize(
    ("text", "limited"),
    [
        ("limit_req zone=z; location / { proxy_pass http://a.example; }", True),
        ("limit_req zone=z; limit_req_dry_run on;", False),
        ("location /login { limit_req zone=z; proxy_pass http://a.example; }", True),
        (
            "location /login { limit_req zone=z; proxy_pass http://a; } location / { proxy_pass http://a; }",
            False,
        ),
    ],
)
def test_rate_limit(parse: Parse, text: str, limited: bool) -> None:
    assert host(parse(f"limit_req_zone $remote_addr zone=z:1m rate=1r/s; server {{ {text} }}")).rate_limited is limited


def test_pools_direct_targets_and_variables(parse: Parse) -> None:
    config = parse(
        "upstream app { ip_hash; server 10.0.0.1 weight=3; server unix:/run/app.sock backup; server a.internal:81; }"
        "upstream idle { server 10.9.9.9:1; }"
        "server { proxy_ssl_verify on;"
        " location /1 { proxy_pass https://app/x; } location /2 { proxy_pass http://app$request_uri; }"
        " location /3 { proxy_pass https://10.0.0.2; } location /4 { proxy_pass http://10.0.0.2; }"
        " location /5 { fastcgi_pass unix:/run/php.sock; } location /6 { grpc_pass grpcs://[::1]:50051; }"
        " location /7 { proxy_pass $backend; } location /8 { proxy_pass http://unix:/run/web.sock:/uri/; } }"
    )

    pools = {row.pool: row for row in rows_pools(config)}
    links = {row.target_component: row for row in rows_links(config)}
    members = {(row.pool, row.address): row for row in rows_servers(config, None)}

    assert set(pools) == {
        "app",
        "idle",
        "10.0.0.2:443",
        "10.0.0.2:80",
        "unix:/run/php.sock",
        "[::1]:50051",
        "$backend",
        "unix:/run/web.sock",
    }
    assert (pools["app"].method, pools["app"].members, pools["app"].tls, pools["app"].tls_verified) == (
        "ip_hash",
        3,
        None,
        False,
    )
    assert pools["idle"].in_use is None  # the variable may name it
    assert (pools["10.0.0.2:443"].tls, pools["10.0.0.2:443"].tls_verified) == (True, True)
    assert pools["10.0.0.2:80"].tls is False
    assert (pools["$backend"].members, pools["$backend"].tls) == (None, None)
    assert members["app", "10.0.0.1:80"].weight == 3
    assert members["app", "unix:/run/app.sock"].is_backup is True
    assert (links["10.0.0.1:80"].tls_enabled, links["10.0.0.1:80"].is_local) == (False, False)
    assert links["unix:/run/php.sock"].is_local is True
    assert (links["[::1]:50051"].tls_enabled, links["[::1]:50051"].tls_verified) == (True, False)
    assert (links["a.internal:81"].is_local, links["$backend"].is_local) == (None, None)
    assert links["$backend"].tls_enabled is None
    assert "10.9.9.9:1" not in links


def test_stream_pools_are_read(tmp_path: Path) -> None:
    (tmp_path / "nginx.conf").write_text(
        "events {}\nstream { upstream db { least_conn; server 10.0.0.5:5432; }"
        " server { listen 5432; proxy_pass db; proxy_ssl on; } }\n"
    )
    config = fetch_config(str(tmp_path / "nginx.conf"))

    [pool] = rows_pools(config)
    [link] = rows_links(config)

    assert (pool.pool, pool.in_use, pool.tls, pool.tls_verified) == ("stream/db", True, True, False)
    assert (link.target_component, link.tls_enabled) == ("10.0.0.5:5432", True)


def test_probe_says_yes_no_and_not_asked(tmp_path: Path) -> None:
    with servers.silent_port() as port:
        assert fetch_accepts(f"127.0.0.1:{port}", 5) is True
        assert fetch_accepts(f"localhost:{port}", 5) is True
    assert fetch_accepts(f"127.0.0.1:{servers.free_port()}", 5) is False
    assert fetch_accepts(f"unix:{tmp_path}/none.sock", 5) is False
    assert fetch_accepts("app.internal:80", 5) is None


CACHE = "proxy_cache_path /tmp/x keys_zone=z:1m; map $http_cookie $logged_in { default 1; } "


@pytest.mark.parametrize(
    ("rules", "bypasses"),
    [
        ("", False),
        ("proxy_no_cache $cookie_session;", False),
        ("proxy_cache_bypass $cookie_session;", False),
        ("proxy_no_cache $cookie_session; proxy_cache_bypass $http_authorization;", None),
        ("proxy_no_cache $http_cookie; proxy_cache_bypass $cookie_sessionid;", True),
        ("proxy_no_cache $cookie_nocache; proxy_cache_bypass $cookie_nocache;", None),
        ("proxy_no_cache $logged_in; proxy_cache_bypass $logged_in;", True),
        ("proxy_no_cache $other; proxy_cache_bypass $other;", None),
        ("proxy_cache_key $uri$cookie_session;", None),
    ],
)
def test_shared_cache_and_sessions(parse: Parse, rules: str, bypasses: bool | None) -> None:
    config = parse(CACHE + f"server {{ proxy_cache z; {rules} location / {{ proxy_pass http://10.0.0.1; }} }}")

    [rule] = rows_cache_rules(config)

    assert (rule.shared_cache, rule.bypasses_cookies) == (True, bypasses)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("expires 30d;", 2592000),
        ("expires 1h30m;", 5400),
        ("expires +10;", 10),
        ("expires modified +24h;", 86400),
        ("expires max;", 315360000),
        ("expires epoch;", -1),
        ("expires -1;", -1),
        ("expires 0;", 0),
        ("expires off;", None),
        ("expires $life;", None),
        ("expires @15h;", None),
        ("", None),
    ],
)
def test_expires(parse: Parse, text: str, seconds: int | None) -> None:
    [rule] = rows_cache_rules(parse(f"server {{ {text} location / {{ }} }}"))

    assert rule.expires_s == seconds


@pytest.mark.parametrize(
    ("location", "static"),
    [
        (r"~* \.(?:css|js|woff2)$", True),
        ("/static/", True),
        ("= /favicon.ico", True),
        ("/", False),
        ("/media/", False),
        (r"~ \.php$", False),
        ("/api/js-errors", False),
    ],
)
def test_static_locations(parse: Parse, location: str, static: bool) -> None:
    rules = {r.location: r for r in rows_cache_rules(parse(f"server {{ location {location} {{ }} }}"))}

    assert rules[location].is_static is static
    assert ("server" in rules) is (location != "/")


def test_same_location_with_other_rules_keeps_both_rows(parse: Parse) -> None:
    config = parse(
        "server { listen 80; server_name a; location / { } }"
        "server { listen 443 ssl; server_name a; location / { expires 1h; } }"
    )

    assert {r.location: r.expires_s for r in rows_cache_rules(config)} == {"/": None, "/ @ *:443": 3600}


def test_no_firewall_is_a_row_with_mode_off(parse: Parse) -> None:
    [row] = rows_waf(fetch_policies(parse("server { server_name a.example; }")))

    assert (row.host, row.engine, row.mode, row.rules_loaded) == ("a.example", None, "off", 0)
    assert (row.managed_rules, row.exclusions, row.unapproved_exclusions) == (False, 0, 0)


def test_block_that_only_redirects_has_nothing_to_protect(parse: Parse) -> None:
    config = parse(
        "modsecurity_rules_file rules.conf; server { listen 80; server_name a; return 301 https://a; }"
        "server { listen 443 ssl; server_name a; modsecurity on; }",
        rules="SecRuleEngine On\n",
    )

    [row] = rows_waf(fetch_policies(config))

    assert row.mode == "block"


def test_weakest_block_of_a_host_counts(parse: Parse) -> None:
    config = parse(
        "modsecurity_rules_file rules.conf; server { listen 80; server_name a; }"
        "server { listen 443 ssl; server_name a; modsecurity on; }",
        rules="SecRuleEngine On\n",
    )

    assert [row.mode for row in rows_waf(fetch_policies(config))] == ["off"]


@pytest.mark.parametrize(
    ("rules", "mode"),
    [
        ("SecRuleEngine On\n", "block"),
        ("SecRuleEngine On\nSecRuleEngine DetectionOnly\n", "detect"),
        ("secruleengine off\n", "off"),
        ("# SecRuleEngine On\n", "detect"),
        ("SecRemoteRules key https://rules.example\nSecRuleEngine On\n", None),
    ],
)
def test_mode_is_the_last_word(parse: Parse, rules: str, mode: str | None) -> None:
    config = parse("modsecurity on; modsecurity_rules_file rules.conf; server { }", rules=rules)

    assert rows_waf(fetch_policies(config))[0].mode == mode


def test_inner_rules_weaken_and_exclude(parse: Parse) -> None:
    config = parse(
        "modsecurity on; modsecurity_rules_file rules.conf; server {"
        " location /a { modsecurity_rules 'SecRuleEngine DetectionOnly'; }"
        " location /b { modsecurity_rules 'SecRuleRemoveById 942100'; } }",
        rules='SecRuleEngine On\nSecRule ARGS "@rx x" \\\n  "id:1,phase:1,chain"\n  SecRule ARGS "@rx y" "t:none"\n'
        'SecRule REQUEST_URI "@beginsWith /up" "id:1001,phase:1,pass,ctl:ruleRemoveById=942100"\n',
    )

    [row] = rows_waf(fetch_policies(config))

    assert (row.mode, row.partly_off) == ("block", ["/a"])
    assert (row.rules_loaded, row.exclusions, row.unapproved_exclusions) == (2, 2, None)


@pytest.mark.parametrize(("head", "exclusions"), [("", 1), ("ver:'OWASP_CRS/4.1.0',", 0)])
def test_reserved_number_hides_an_exclusion_only_inside_the_managed_set(
    parse: Parse, head: str, exclusions: int
) -> None:
    rules = f'SecRule ARGS "@rx x" "id:905100,{head}phase:1,pass,ctl:ruleEngine=Off"\n'
    config = parse("modsecurity on; modsecurity_rules_file rules.conf; server { }", rules=rules)

    [row] = rows_waf(fetch_policies(config))

    assert row.exclusions == exclusions
    assert row.ruleset_version == ("4.1.0" if head else None)


def test_rule_include_that_matches_nothing_is_absent(parse: Parse) -> None:
    config = parse("modsecurity on; modsecurity_rules_file rules.conf; server { }", rules="Include none/*.conf\n")

    with pytest.raises(Absent, match="none"):
        fetch_policies(config)


def test_rules_that_include_themselves_are_malformed(parse: Parse) -> None:
    config = parse("modsecurity on; modsecurity_rules_file rules.conf; server { }", rules="Include rules.conf\n")

    with pytest.raises(Malformed, match="nested deeper"):
        fetch_policies(config)


def test_rules_from_elsewhere_leave_the_mode_open(parse: Parse) -> None:
    config = parse("modsecurity on; modsecurity_rules_remote key https://rules.example; server { }")

    [row] = rows_waf(fetch_policies(config))

    assert (row.mode, row.rules_loaded) == (None, None)


def test_other_product_is_named_and_not_judged(parse: Parse) -> None:
    config = parse("server { location / { SecRulesEnabled; } }")

    [row] = rows_waf(fetch_policies(config))

    assert (row.engine, row.mode) == ("NAXSI", None)


OPENING = 'SecAction "id:900110,phase:1,nolog,pass,setvar:tx.inbound_anomaly_score_threshold={}"\n'
DEFAULT = (
    'SecRule &TX:inbound_anomaly_score_threshold "@eq 0" "id:901100,phase:1,pass,nolog,ver:\'OWASP_CRS/3.3.4\','
    "setvar:'tx.inbound_anomaly_score_threshold=5'\"\n"
)


@pytest.mark.parametrize(
    ("rules", "score"),
    [
        (DEFAULT, 5),
        (OPENING.format(10_000) + DEFAULT, 10_000),  # the default is read last and runs only where nothing is set
        (OPENING.format(4) + DEFAULT, 4),
        (OPENING.format(10_000) + OPENING.format(5) + DEFAULT, 10_000),
        ("SecRuleEngine On\n", None),
    ],
)
def test_the_anomaly_threshold_is_the_one_in_force(parse: Parse, rules: str, score: int | None) -> None:
    config = parse("modsecurity on; modsecurity_rules_file rules.conf; server { }", rules=rules)

    [row] = rows_waf(fetch_policies(config))

    assert row.anomaly_threshold == score


def test_a_location_that_waits_longer_decides_the_threshold(parse: Parse) -> None:
    later = OPENING.format(60).strip().replace('"', '\\"')
    location = f'location /up {{ modsecurity_rules "{later}"; }}'
    config = parse(f"modsecurity on; modsecurity_rules_file rules.conf; server {{ {location} }}", rules=DEFAULT)

    [row] = rows_waf(fetch_policies(config))

    assert row.anomaly_threshold == 60
