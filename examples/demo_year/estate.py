"""The machines, their guard and the storage of the school, as they answer each day without a fault."""

from __future__ import annotations

from datetime import datetime

from examples.demo_year.calendar import DAY
from examples.demo_year.writing import Rows


def firewall_default(now: datetime) -> Rows:
    """What is not allowed is denied, both ways."""
    ways = ("in", "out")
    return [{"zone": "web1", "direction": way, "default_action": "deny", "defined_by": way} for way in ways]


def firewall_rule(now: datetime) -> Rows:
    """The one opening; it is looked at each month."""
    month = now.replace(day=1, hour=0)
    return [
        {
            "zone": "web1",
            "rule": "r1",
            "action": "allow",
            "owner": "platform team",
            "justification": "public site",
            "approved_at": month - 10 * DAY,
            "reviewed_at": month - 10 * DAY,
            "text": "tcp dport 443 accept",
        }
    ]


def listening_socket(now: datetime) -> Rows:
    """The database on the inside, and the way in for administrators."""
    common = {"asset": "web1", "protocol": "tcp", "exposure": "private", "is_encrypted": True}
    return [
        {
            **common,
            "address": "10.0.0.5",
            "port": 5432,
            "component": "postgresql",
            "is_data_store": True,
            "is_admin": False,
        },
        {**common, "address": "10.8.0.1", "port": 22, "component": "sshd", "is_admin": True},
    ]


def bucket(now: datetime) -> Rows:
    """The store of files."""
    held = ("public_access_blocked", "tls_only", "encrypted", "versioning", "access_logging")
    return [{"bucket": "school-files", "data_class": "internal", **dict.fromkeys(held, True)}]


def waf_policy(now: datetime) -> Rows:
    """The firewall of the web site; its rules are renewed each Monday."""
    return [
        {
            "host": "colegio-norte.example",
            "engine": "ModSecurity",
            "mode": "block",
            "managed_rules": True,
            "anomaly_threshold": 5,
            "ruleset_updated_at": now.replace(hour=0) - now.weekday() * DAY,
            "exclusions": 0,
            "unapproved_exclusions": 0,
            "partly_off": [],
            "inspects_bodies": True,
            "in_force": True,
        }
    ]


ROWS = {
    ("host", "firewall_default"): firewall_default,
    ("host", "firewall_rule"): firewall_rule,
    ("host", "listening_socket"): listening_socket,
    ("storage", "bucket"): bucket,
    ("waf", "waf_policy"): waf_policy,
}
