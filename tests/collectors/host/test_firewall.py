"""The packet filter: recorded rulesets, and real ones in a network namespace of their own."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from compliance.collectors.host.firewall import (
    default_of,
    read_firewall_default,
    read_firewall_rule,
    rows_rule,
    words_of,
)
from compliance.collectors.host.machine import Machine, Reply, failed
from compliance.collectors.host.ruleset import rows_printed, rows_ruleset, rows_saved
from compliance.schemas.errors import Absent, Denied, Malformed

# A network of one's own, also for an ordinary user: in two steps, since the owner of the files in /proc/net is fixed
# when the network is made, and must be mapped by then.
OWN = "-n" if os.geteuid() == 0 else "-r unshare -n"
JSON = ("nft", "-j", "-s", "list", "ruleset")


def _base(family: str, policy: str, *rules: list, hook: str = "input", extra: tuple = ()) -> list:
    chain = {"family": family, "table": "t", "name": "c", "type": "filter", "hook": hook, "prio": 0, "policy": policy}
    made = [
        {"rule": {"family": family, "table": "t", "chain": "c", "handle": n, "expr": expr}}
        for n, expr in enumerate(rules)
    ]
    return [{"chain": chain}, *extra, *made]


def _ruleset(*items: list):
    return rows_ruleset(json.dumps({"nftables": [{"metainfo": {}}, *(one for item in items for one in item)]}))


TCP22 = {"match": {"op": "==", "left": {"payload": {"protocol": "tcp", "field": "dport"}}, "right": 22}}
SUB = {"chain": {"family": "inet", "table": "t", "name": "sub"}}
DROP_IN_SUB = {"rule": {"family": "inet", "table": "t", "chain": "sub", "handle": 9, "expr": [{"drop": None}]}}


@pytest.mark.parametrize(
    ("items", "action"),
    [
        ([], "allow"),
        ([_base("inet", "drop")], "deny"),
        ([_base("inet", "accept")], "allow"),
        ([_base("ip", "drop")], "allow"),  # IPv6 stays open
        ([_base("ip", "drop"), _base("ip6", "drop")], "deny"),
        ([_base("inet", "accept", [TCP22, {"accept": None}], [{"counter": None}, {"drop": None}])], "deny"),
        ([_base("inet", "drop", [TCP22, {"drop": None}], [{"accept": None}])], "allow"),  # policy never reached
        ([_base("inet", "drop", [{"xt": {"type": "match", "name": "comment"}}, {"accept": None}])], "allow"),
        ([_base("inet", "accept", [{"xt": {"type": "match", "name": "mark"}}, {"drop": None}])], "allow"),
        ([_base("inet", "accept", [{"jump": {"target": "sub"}}], extra=(SUB, DROP_IN_SUB))], "deny"),
        ([_base("inet", "accept", [TCP22, {"jump": {"target": "sub"}}], extra=(SUB, DROP_IN_SUB))], "allow"),
        ([_base("inet", "drop", [{"return": None}], [{"accept": None}])], "deny"),
        ([_base("inet", "drop", hook="output")], "allow"),
    ],
)
def test_default_of_input(items, action):
    assert default_of(_ruleset(*items), "input", "m").default_action == action


def test_recorded_rules(replies: Path):
    ruleset = rows_ruleset((replies / "nft.json").read_text())
    rows = rows_rule(ruleset, rows_printed((replies / "nft.txt").read_text()), "m")
    assert len({row.rule for row in rows}) == len(rows)
    by_text = {row.text: row for row in rows if row.text}

    ssh = next(row for row in rows if row.ports == ["22"])
    assert (ssh.direction, ssh.action, ssh.protocol, ssh.source_address) == ("in", "allow", "tcp", "10.0.0.0/8")
    assert ssh.source_any is False
    assert (ssh.owner, ssh.justification) == ("ops", "remote admin")
    assert ssh.approved_at == datetime(2026, 1, 15, tzinfo=UTC)
    assert ssh.text is not None
    assert ssh.text.startswith("tcp dport 22")

    web = next(row for row in rows if row.ports == ["80", "443"])  # through a named set
    assert (web.source_any, web.owner, web.justification, web.approved_at) == (True, "web", None, None)
    udp = next(row for row in rows if row.ports == ["1000-2000"])
    assert udp.source_address == "2001:db8::/32, 2001:db9::1"
    assert by_text['iif "lo" accept'].source_any is False
    assert by_text["ct state established,related accept"].source_any is False
    states = [row for row in rows if row.text and row.text.startswith("ct state vmap")]
    assert sorted(row.action or "" for row in states) == ["allow", "allow", "deny"]
    reject = next(row for row in rows if row.text == "reject")
    assert (reject.direction, reject.action) == ("in", "deny")  # reached by a jump from input only
    assert next(row for row in rows if row.ports == ["8080"]).direction is None


IPTABLES = """table ip filter { # handle 1
\tchain INPUT { # handle 1
\t\ttype filter hook input priority filter; policy drop;
\t\ttcp dport 22  counter accept # handle 2
\t\tmeta l4proto tcp tcp dport { 80, 443 } counter accept # handle 3
\t\tct state related,established counter accept # handle 4
\t\t counter accept # handle 5
\t}
}
"""
SAVED = """*filter
:INPUT DROP [0:0]
-A INPUT -p tcp -m tcp --dport 22 -m comment --comment "owner=ops reason=admin approved=2026-01-01" -j ACCEPT
-A INPUT -p tcp -m multiport --dports 80,443 -j ACCEPT
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -m comment --comment x -j ACCEPT
COMMIT
"""


def test_rules_that_iptables_wrote(replies: Path):
    """Recorded from iptables-nft 1.8.9 and nft 1.0.6, which names iptables' extensions and leaves them empty."""
    ruleset = rows_ruleset((replies / "nft-iptables.json").read_text())
    rows = rows_rule(ruleset, rows_printed(IPTABLES), "m", rows_saved(SAVED, "ip"))
    assert [row.ports for row in rows] == [["22"], ["80", "443"], None, None]
    assert [row.source_any for row in rows] == [True, True, False, True]
    assert (rows[0].owner, rows[0].justification) == ("ops", "admin")
    assert rows[3].comment == "x"
    assert default_of(ruleset, "input", "m").default_action == "allow"  # IPv6 stays open, and the last rule takes all


def test_comment_words():
    assert words_of("owner=ops reason=customer portal, open to all approved=2026-01-15 reviewed=2026-06-01") == {
        "owner": "ops",
        "reason": "customer portal, open to all",
        "approved": "2026-01-15",
        "reviewed": "2026-06-01",
    }
    assert words_of("owner= reason=") == {}
    assert words_of(None) == {}


@pytest.mark.parametrize(
    "text", ["", "{}", "not json", '{"nftables": [{"rule": {"family": "ip"}}]}', '{"nftables": []}']
)
def test_unknown_shape_is_malformed_not_empty(text, tree):
    machine = tree({}, {" ".join(JSON): Reply(0, text, "")})
    with pytest.raises(Malformed, match="another shape"):
        read_firewall_default(machine, "m")


def test_refusal_is_denied():
    reply = Reply(1, "", "Operation not permitted (you must be root)\nnetlink: Error: cache initialization failed\n")
    assert isinstance(failed(JSON, reply), Denied)


def test_rules_of_the_legacy_interface_are_not_overlooked(tree):
    empty = json.dumps({"nftables": [{"metainfo": {}}]})
    machine: Machine = tree({"/proc/net/ip_tables_names": "filter\n"}, {" ".join(JSON): Reply(0, empty, "")})
    with pytest.raises(Absent, match="legacy"):
        read_firewall_rule(machine, "m")


GOOD = """nft -f - <<'RULES'
table inet filter {
  chain input {
    type filter hook input priority 0; policy drop;
    ct state established,related accept
    tcp dport 443 accept comment "owner=web reason=shop approved=2026-02-01"
  }
  chain forward { type filter hook forward priority 0; policy drop; }
  chain output { type filter hook output priority 0; policy accept; }
}
RULES"""


@pytest.mark.root(own_namespace=True)
def test_real_good_ruleset(collect):
    found = collect("firewall_default", "firewall_rule", unshare=OWN, before=GOOD)
    defaults = {row["direction"]: row for row in found["firewall_default"]["rows"]}
    assert {name: row["default_action"] for name, row in defaults.items()} == {
        "in": "deny",
        "forward": "deny",
        "out": "allow",
    }
    assert defaults["in"]["defined_by"] == "inet filter input"
    https = next(row for row in found["firewall_rule"]["rows"] if row["ports"] == ["443"])
    assert (https["owner"], https["approved_at"]) == ("web", "2026-02-01T00:00:00.000000Z")
    assert https["source_any"] is True


@pytest.mark.root(own_namespace=True)
def test_real_rows_do_not_change_with_traffic(collect):
    rules = "nft add table ip t; nft add chain ip t c '{ type filter hook output priority 0; }'; "
    rules += "nft add rule ip t c counter accept; ip link set lo up; "
    quiet = collect("firewall_rule", unshare=OWN, before=rules)
    send = "python3 -c \"import socket; socket.socket(2, 2).sendto(b'x', ('127.0.0.1', 9))\"; "
    busy = collect("firewall_rule", unshare=OWN, before=rules + send + "nft list ruleset | grep -q 'packets [1-9]'")
    assert quiet["firewall_rule"]["rows"] == busy["firewall_rule"]["rows"] != []


@pytest.mark.root(own_namespace=True)
def test_real_empty_ruleset_allows_everything(collect):
    found = collect("firewall_default", "firewall_rule", unshare=OWN)
    assert {row["default_action"] for row in found["firewall_default"]["rows"]} == {"allow"}
    assert len(found["firewall_default"]["rows"]) == 3
    assert found["firewall_rule"] | {"requests": []} == {"rows": [], "outcomes": ["complete"], "requests": []}


def test_real_refusal_is_never_an_empty_ruleset(collect):
    found = collect("firewall_default", "firewall_rule", nobody=True)
    for kind in found.values():
        assert kind["outcomes"] == ["denied"]
        assert kind["rows"] == []
        assert "nft" in kind["message"]
