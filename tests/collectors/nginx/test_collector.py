"""The nginx collector against real servers and real files: good, bad, unreadable, wrong, missing."""

from __future__ import annotations

import datetime as dt
import re
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from compliance.collectors.nginx import Nginx, NginxSettings
from compliance.collectors.testing import Conformance
from compliance.schemas.messages import Cause, Complete, Context, Discovery, Gap, Message, Record
from tests.servers import nginx as servers

ALL = frozenset(kind.kind for kind in Nginx.kinds)
FROM_FILES = ALL - {"service_status"}


def context(wanted: frozenset[str] = ALL, **settings: Any) -> Any:
    made = NginxSettings.model_validate(settings)
    return Context("edge", made, lambda: dt.datetime.now(dt.UTC), wanted, 10.0)


def read(**settings: Any) -> tuple[dict[str, list[Any]], dict[str, Complete | Gap]]:
    return by_kind(Nginx().collect(context(**settings)))


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


def causes(ends: dict[str, Complete | Gap], kinds: frozenset[str] = FROM_FILES) -> set[Cause | None]:
    return {end.cause if isinstance(end, Gap) else None for kind, end in ends.items() if kind in kinds}


@pytest.fixture(scope="session")
def status_url(good: servers.Nginx) -> Iterator[str]:
    """The status page over plain HTTP: a second, tiny server with pages that are there, closed and missing."""
    folder = Path(tempfile.mkdtemp(prefix="nginx-status-"))
    server = servers.plain(
        folder,
        "location = /status { stub_status; } location = /closed { deny all; } location = /other { return 200 hello; }",
    )
    yield f"http://127.0.0.1:{server.port}"
    server.stop()


@pytest.fixture(scope="session")
def seen_good(good: servers.Nginx) -> dict[str, list[Any]]:
    rows, ends = read(config=str(good.config))
    assert all(isinstance(end, Complete) for end in ends.values()), ends
    assert set(ends) == ALL
    return rows


@pytest.fixture(scope="session")
def seen_bad(bad: servers.Nginx) -> dict[str, list[Any]]:
    rows, ends = read(config=str(bad.config))
    assert all(isinstance(end, Complete) for end in ends.values()), ends
    return rows


class TestConformance(Conformance):
    collector = Nginx

    @pytest.fixture(autouse=True)
    def _server(self, good: servers.Nginx, status_url: str) -> None:
        self.unreachable = {"config": "/nowhere/nginx.conf"}
        self.settings = {"config": str(good.config), "status_url": f"{status_url}/status"}


def test_good_site(seen_good: dict[str, list[Any]], good: servers.Nginx) -> None:
    plain, secure = sorted(seen_good["virtual_host"], key=lambda row: row.tls)

    assert (plain.tls, plain.redirects_to_https) == (False, True)
    assert secure.listen == f"127.0.0.1:{good.https_port}"
    assert secure.tls_protocols == ["TLSv1.2", "TLSv1.3"]
    assert (secure.hsts_max_age_s, secure.hsts_lost_in) == (31536000, [])
    assert (secure.server_tokens, secure.access_log, secure.rate_limited) == (False, True, True)
    assert secure.detail["access_log_off_in"] == ["= /status"]
    assert Path(secure.file).name == "site.conf"


def test_good_pool_and_members(seen_good: dict[str, list[Any]], good: servers.Nginx) -> None:
    [pool] = seen_good["upstream_pool"]
    first, second = seen_good["upstream_server"]

    assert (pool.pool, pool.method, pool.members, pool.in_use, pool.tls) == ("app", "least_conn", 2, True, False)
    assert (first.address, first.healthy, first.max_fails, first.is_backup) == (
        f"127.0.0.1:{good.backends[0]}",
        True,
        3,
        False,
    )
    assert (second.healthy, second.is_backup, second.health_source) == (True, True, "probe")
    assert [link.is_local for link in seen_good["internal_link"]] == [True, True]


def test_good_cache_rules(seen_good: dict[str, list[Any]]) -> None:
    rules = {row.location: row for row in seen_good["cache_rule"]}

    static, account = rules[r"~* \.(css|js|png)$"], rules["/account"]
    assert (static.is_static, static.expires_s, static.cache_control) == (True, 2592000, "public, immutable")
    assert (account.is_private, account.is_proxied, account.shared_cache) == (True, True, False)


def test_good_firewall_blocks(seen_good: dict[str, list[Any]], good: servers.Nginx) -> None:
    [waf] = seen_good["waf_policy"]
    log = (good.folder / "error.log").read_text()
    loaded = re.search(r"inline/local/remote: 0/(\d+)/0", log)
    markers = sum(p.read_text().count("\nSecMarker") for p in servers.CRS[1].glob("*.conf"))

    assert (waf.engine, waf.mode, waf.managed_rules) == ("ModSecurity", "block", True)
    assert re.fullmatch(r"\d+\.\d+\.\d+", waf.ruleset_version)
    assert (waf.exclusions, waf.unapproved_exclusions, waf.partly_off) == (0, 0, [])
    assert waf.anomaly_threshold == 5
    assert loaded is not None
    assert waf.rules_loaded == int(loaded[1]) - 7 * markers  # ModSecurity counts a marker once in each of its 7 phases


def attacked(good: servers.Nginx, engine: str) -> tuple[bool, int]:
    """What the collector says of bodies, and what the filter does with an attack in one."""
    folder = Path(tempfile.mkdtemp(prefix="nginx-waf-"))
    setup, rules = servers.CRS
    (folder / "rules.conf").write_text(f"{engine}\nInclude {setup}\nInclude {rules}/*.conf\n")
    server = servers.plain(
        folder,
        f"modsecurity on; modsecurity_rules_file {folder}/rules.conf; "
        f"location / {{ proxy_pass http://127.0.0.1:{good.backends[0]}; }}",
        before=f"load_module {servers.MODSECURITY};",
    )
    try:
        rows, _ = read(config=str(folder / "nginx.conf"))
        answer = httpx.post(
            f"http://localhost:{server.port}/", data={"q": "<script>alert(1)</script>' OR 1=1--"}, timeout=20
        )
        return rows["waf_policy"][0].inspects_bodies, answer.status_code
    finally:
        server.stop()


def test_an_attack_in_a_body_is_refused_where_bodies_are_looked_at(good: servers.Nginx) -> None:
    assert attacked(good, "SecRuleEngine On\nSecRequestBodyAccess On") == (True, 403)
    assert attacked(good, "SecRuleEngine On") == (True, 403)
    # let through to the application, which knows no POST
    assert attacked(good, "SecRuleEngine On\nSecRequestBodyAccess Off") == (False, 501)


def test_files_are_recorded_with_digest_and_mode(seen_good: dict[str, list[Any]], good: servers.Nginx) -> None:
    files = {row.path: row for row in seen_good["config_file"]}

    assert set(files) == {str(good.config), str(good.folder / "sites/site.conf")}
    row = files[str(good.config)]
    assert row.mode == f"{stat.S_IMODE(good.config.stat().st_mode):04o}"
    assert row.size_bytes == good.config.stat().st_size
    assert len(row.sha256) == 64


def test_running_server_is_found_by_its_process(seen_good: dict[str, list[Any]]) -> None:
    [status] = seen_good["service_status"]

    assert (status.running, status.product, status.config_ok) == (True, "nginx", None)
    assert status.connections_max == 2 * 256
    assert abs(dt.datetime.now(dt.UTC) - status.started_at) < dt.timedelta(hours=1)


def test_bad_site(seen_bad: dict[str, list[Any]]) -> None:
    plain, secure = sorted(seen_bad["virtual_host"], key=lambda row: row.tls)

    assert (plain.redirects_to_https, plain.access_log) == (False, False)
    assert secure.tls_protocols == ["TLSv1", "TLSv1.1", "TLSv1.2"]
    assert (secure.hsts_max_age_s, secure.hsts_lost_in) == (600, ["/", "/account"])
    assert (secure.server_tokens, secure.rate_limited, secure.autoindex) == (True, False, True)


def test_bad_pool_has_a_dead_and_a_drained_member(seen_bad: dict[str, list[Any]], bad: servers.Nginx) -> None:
    members = {row.address: row for row in seen_bad["upstream_server"]}

    dead = members[f"127.0.0.1:{bad.dead_port}"]
    assert (dead.healthy, dead.max_fails) == (False, 0)
    assert members[f"127.0.0.1:{bad.backends[1]}"].is_drained is True


def test_bad_firewall_only_watches_and_is_off_in_places(seen_bad: dict[str, list[Any]]) -> None:
    [waf] = seen_bad["waf_policy"]

    assert (waf.mode, waf.partly_off) == ("detect", ["/account"])


def test_bad_cache_shares_a_personal_page(seen_bad: dict[str, list[Any]]) -> None:
    account = next(row for row in seen_bad["cache_rule"] if row.location == "/account")

    assert (account.shared_cache, account.bypasses_cookies, account.is_private) == (True, False, False)


def test_probing_can_be_switched_off(good: servers.Nginx) -> None:
    rows, _ = read(config=str(good.config), probe_upstreams=False)

    assert {(row.healthy, row.health_source) for row in rows["upstream_server"]} == {(None, None)}


def test_status_page_gives_counters(good: servers.Nginx, status_url: str) -> None:
    rows, ends = read(config=str(good.config), status_url=f"{status_url}/status")

    assert isinstance(ends["service_status"], Complete)
    assert rows["service_status"][0].connections >= 1
    assert rows["service_status"][0].detail["status_page"]["requests"] >= 1


@pytest.mark.parametrize(
    ("page", "cause"),
    [("/closed", Cause.DENIED), ("/missing", Cause.ABSENT), ("/other", Cause.MALFORMED)],
)
def test_status_page_that_does_not_answer_is_a_gap(
    good: servers.Nginx, status_url: str, page: str, cause: Cause
) -> None:
    rows, ends = read(config=str(good.config), status_url=status_url + page)

    assert causes(ends, frozenset({"service_status"})) == {cause}
    assert "service_status" not in rows
    assert causes(ends) == {None}  # the files were readable all the same


def test_status_page_of_a_stopped_server_is_unreachable(good: servers.Nginx) -> None:
    _, ends = read(config=str(good.config), status_url=f"http://127.0.0.1:{servers.free_port()}/status")

    assert causes(ends, frozenset({"service_status"})) == {Cause.UNREACHABLE}


def test_stopped_server_is_not_running(tmp_path: Path) -> None:
    config = tmp_path / "nginx.conf"
    config.write_text("events {}\nhttp { server { listen 127.0.0.1:1; } }\n")

    rows, _ = read(config=str(config))

    assert rows["service_status"][0].running is False


@pytest.mark.parametrize(
    ("text", "cause", "named"),
    [
        ("events {}\nhttp { server { listen 80 } }\n", Cause.MALFORMED, "nginx.conf:2"),
        ("events {}\nhttp { server { listen 80;\n", Cause.MALFORMED, "nginx.conf"),
        ("events {}\nhttp { include missing.conf; }\n", Cause.ABSENT, "missing.conf"),
        ("events {}\nhttp { include nginx.conf; }\n", Cause.MALFORMED, "nginx.conf"),
    ],
)
def test_broken_configuration_is_a_gap_and_not_a_shorter_list(
    tmp_path: Path, text: str, cause: Cause, named: str
) -> None:
    (tmp_path / "nginx.conf").write_text(text)

    rows, ends = read(config=str(tmp_path / "nginx.conf"))

    assert causes(ends) == {cause}
    assert not rows
    assert all(named in end.message and end.remedy for end in ends.values() if isinstance(end, Gap))


def test_missing_configuration_is_absent(tmp_path: Path) -> None:
    rows, ends = read(config=str(tmp_path / "nginx.conf"))

    assert causes(ends, ALL) == {Cause.ABSENT}
    assert not rows


def test_missing_rule_file_is_a_gap_of_the_firewall_alone(tmp_path: Path) -> None:
    (tmp_path / "nginx.conf").write_text(
        "events {}\nhttp { modsecurity on; modsecurity_rules_file none.conf; server { listen 80; } }\n"
    )

    _, ends = read(config=str(tmp_path / "nginx.conf"))

    assert causes(ends, frozenset({"waf_policy"})) == {Cause.ABSENT}
    assert causes(ends, frozenset({"virtual_host"})) == {None}


@pytest.fixture
def grant() -> Iterator[Path]:
    """A configuration that others may read: main file, two includes, a folder of rules."""
    folder = Path(tempfile.mkdtemp(prefix="nginx-grant-"))
    folder.chmod(0o755)
    for name in ("sites", "rules"):
        (folder / name).mkdir(mode=0o755)
    (folder / "nginx.conf").write_text(
        f"events {{}}\nhttp {{ access_log {folder}/access.log; error_log {folder}/error.log; modsecurity on; "
        "modsecurity_rules_file rules/main.conf; include sites/*.conf; }\n"
    )
    for name in ("a", "b"):
        (folder / f"sites/{name}.conf").write_text(f"server {{ listen 80; server_name {name}.example; }}\n")
    (folder / "rules/main.conf").write_text("SecRuleEngine On\n")
    (folder / "access.log").write_text("a line\n")
    for path in (*folder.rglob("*.conf"), folder / "access.log"):
        path.chmod(0o644)
    yield folder
    shutil.rmtree(folder)


def summary(folder: Path) -> Callable[[], str]:
    def ask() -> str:
        rows, ends = read(config=str(folder / "nginx.conf"), probe_upstreams=False)
        told = sorted(f"{k}={e.cause if isinstance(e, Gap) else 'complete'}" for k, e in ends.items())
        return " ".join([*told, f"hosts={len(rows.get('virtual_host', []))}"])

    return ask


def test_read_access_to_the_files_is_enough(grant: Path) -> None:
    said = servers.as_nobody(summary(grant))

    assert said.split() == [*sorted(f"{kind}=complete" for kind in ALL), "hosts=2"]


def test_an_unreadable_log_denies_how_far_it_reaches_and_nothing_else(grant: Path) -> None:
    (grant / "access.log").chmod(0)

    said = servers.as_nobody(summary(grant)).split()

    assert [word for word in said if not word.endswith("=complete")] == ["log_store=denied", "hosts=2"]


@pytest.mark.parametrize("hidden", ["sites/b.conf", "sites", "nginx.conf"])
def test_one_unreadable_part_denies_everything_that_rests_on_it(grant: Path, hidden: str) -> None:
    (grant / hidden).chmod(0)

    said = servers.as_nobody(summary(grant))

    (grant / hidden).chmod(0o755)
    assert {f"{kind}=denied" for kind in FROM_FILES} <= set(said.split())
    assert "hosts=0" in said


def test_unreadable_rules_deny_the_firewall(grant: Path) -> None:
    (grant / "rules/main.conf").chmod(0)

    said = servers.as_nobody(summary(grant))

    assert "waf_policy=denied" in said
    assert "hosts=2" in said


def test_discover_proposes_the_usual_place(tmp_path: Path) -> None:
    (tmp_path / "etc/nginx").mkdir(parents=True)
    (tmp_path / "etc/nginx/nginx.conf").write_text("events {}\n")

    [found] = Nginx().discover(Discovery(root=tmp_path, folder=tmp_path))

    assert found.settings == {"config": str(tmp_path / "etc/nginx/nginx.conf")}
