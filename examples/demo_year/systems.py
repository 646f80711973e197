"""What the systems of the school answer day by day."""

from __future__ import annotations

from datetime import UTC, datetime

from examples.demo_year.calendar import DAY, HOUR, at
from examples.demo_year.writing import Rows


def database_instance(now: datetime) -> Rows:
    """The database server. Its disk belongs to a provider: whether it is encrypted cannot be seen from inside."""
    return [
        {
            "instance": "db1:5432",
            "system_identifier": "7301",
            "environment": "production",
            "encrypted_at_rest": None,
            "audit_logging": True,
            "audit_switchers": 0,
            "log_connections": True,
        }
    ]


# A restore is tried about the fifth of each month. That of March was forgotten.
TRIED = ("01-05", "02-05", "04-07", "05-05", "06-05", "07-04", "08-04", "09-04", "10-03", "11-03", "12-03")
TRIALS = (at("2024-12-05 12:00"), *(at(f"2025-{day} 12:00") for day in TRIED))


def restore_test(now: datetime) -> Rows:
    """The register of restore trials."""
    return [
        {
            "restore_test": f"RT-{end:%Y-%m-%d}",
            "data_store": "school",
            "system_identifier": "7301",
            "environment": "production",
            "restored_to": "restore-1",
            "started_at": end - 2 * HOUR,
            "finished_at": end,
            "outcome": "success",
            "data_checked": True,
            "check_result": True,
            "checks": "rows of 12 tables, amcheck",
            "rto_target_minutes": 240,
            "rto_actual_minutes": 120,
            "rpo_target_minutes": 15,
            "rpo_actual_minutes": 5,
            "performed_by": "P-002",
        }
        for end in TRIALS
        if end <= now
    ]


def log_store(now: datetime) -> Rows:
    """Where the machines keep their logs. The old one was connected in February and replaced in April."""
    rows = [_log("web1", 400)]
    if at("2025-02-03") <= now < at("2025-04-21"):
        rows.append(_log("legacy", 90))
    return rows


def _log(machine: str, days: int) -> dict[str, object]:
    return {
        "asset": machine,
        "log": "/var/log/auth.log",
        "log_class": "security",
        "retention_days": days,
        "persistent": True,
        "world_readable": False,
    }


def tls_endpoint(now: datetime) -> Rows:
    """The public web site by a handshake. Its certificate is renewed each quarter, a month before it ends."""
    quarter = datetime(now.year, (now.month - 1) // 3 * 3 + 1, 1, tzinfo=UTC)
    return [
        {
            "host": "colegio-norte.example",
            "port": 443,
            "server_name": "colegio-norte.example",
            "exposure": "public",
            "min_protocol": "TLSv1.2",
            "ciphers": ["TLS_AES_256_GCM_SHA384"],
            "weak_ciphers": [],
            "key_type": "ec",
            "key_bits": 256,
            "cert_not_after": quarter + 130 * DAY,
            "chain_ok": True,
            "name_matches": True,
            "ocsp_status": "none",
        }
    ]


def http_endpoint(now: datetime) -> Rows:
    """The public web site by a request."""
    return [
        {
            "url": "https://colegio-norte.example/",
            "host": "colegio-norte.example",
            "exposure": "public",
            "http_redirects_https": True,
            "hsts_max_age_s": 31536000,
            "hsts_subdomains": True,
        }
    ]


def vpn_config(now: datetime) -> Rows:
    """The gateway of the administrators."""
    return [
        {
            "gateway": "vpn1",
            "enabled": True,
            "mfa_required": True,
            "mfa_bypass_allowed": False,
            "shared_logins_allowed": False,
        }
    ]


# A session by a common account. The log of that day was handed over three weeks later.
LATE_SESSION, HANDED_OVER = at("2025-03-12 21:40"), at("2025-04-03 03:00")


def vpn_session(now: datetime) -> Rows:
    """The sessions that the gateway logged since the reading of the day before."""
    session = {"gateway": "vpn1", "account": "luis", "account_type": "human", "mfa_used": True}
    rows = [{**session, "session": f"{now:%Y%m%d}", "occurred_at": now - 12 * HOUR}]
    if now == HANDED_OVER:
        late = {"session": "20250312-late", "account": "admin", "account_type": "shared"}
        rows.append({**session, **late, "occurred_at": LATE_SESSION})
    return rows


ROWS = {
    ("db", "database_instance"): database_instance,
    ("registers", "restore_test"): restore_test,
    ("host", "log_store"): log_store,
    ("edge", "tls_endpoint"): tls_endpoint,
    ("edge", "http_endpoint"): http_endpoint,
    ("vpn", "vpn_config"): vpn_config,
    ("vpn", "vpn_session"): vpn_session,
}
