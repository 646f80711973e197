"""What could not be read is never a pass: takes each fact, row and collection from every passing case in turn.

A value that may be missing without changing a passing verdict is named below, with the reason. The keys of a kind are
left alone: a row without them cannot exist. So are rows that only `not_applicable` findings rest on.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from compliance.controls.cases import SOURCE, evaluate_case
from compliance.controls.catalogue import OWN, LoadedControl, control_files, load_control
from compliance.schemas.catalogue import Case, CaseCollection
from compliance.schemas.evidence import VIEW_COLUMNS, kind_named
from compliance.schemas.kinds.engine import Outcome
from compliance.schemas.results import ControlResult

CONTROLS = [pytest.param(path, id=f"{path.parent.name}.{path.stem}") for path in control_files(OWN)]
HOLDS = (Outcome.PASS, Outcome.NOT_APPLICABLE)

# Names and texts that stand in reasons at most: no control may decide by them.
DESCRIBES = {
    "asset": {"asset_type", "hostname", "os_name", "os_version"},
    "attestation": {"statement"},
    "audit_log": {"mechanism"},
    "ci_definition": {"system"},
    "collection": {"collector", "occurred_at", "stored"},
    "commit": {"parents"},
    "component_inventory": {"ecosystem"},
    "control_failure": {"control_system"},
    "http_endpoint": {"host"},
    "listening_socket": {"component"},
    "permission_change": {"account", "change_type", "role", "scope"},
    "secret_scan": {"scanner"},
    "security_agent": {"product"},
    "source": {"collector"},
    "waf_policy": {"engine"},
}

_IN_USE = "an account that cannot be used would not concern the control; NULL counts as in use"
_TYPE = "only says which accounts do not concern the control; NULL counts as concerned"
_RIGHTS = "other columns and complete grants tell the rights; the verdict is the same for both values here"
_COUNTED = "the server's own audit_logging counts every scope; a scope can only prove the contrary"
_DOOR = "a server that is not there takes nobody; a collector never completes without its row"
_OUTSIDE = "what is not known to be inside counts as outside, and passes as such"
_NEWEST = "it is not the newest of the channel, which decides"
_CLASS = "only the class of public data leaves a bucket out; NULL counts as concerned"
_RIGHT = "only a reset of credentials is left out; NULL counts as concerned"
_CLOSED = "answered and carried out in time, whether the request is closed or not"
_SHORTER = "without an extension the term is the shorter one, and that was kept too"
_TOLD = "only says whether people must be told; they were"
# Control → kind.column (or kind, for a whole row) → why a pass does not rest on it.
DECIDES_NOTHING = {
    "access.application_role_bounded": {
        "audit_log.of_record": "a log counts unless another one is declared to stand for it",
    },
    "access.database_direct": {
        "user_account.is_active": _IN_USE,
        "user_account.is_superuser": "NULL counts as a possible superuser, and those are within the limit here",
        "database_instance": "without a server no database is judged; a collector never completes without its row",
        "auth_rule": "a server's rules are counted another way too: a collection that lacks one is a gap",
        "connection_pooler": "a pooler that is not there lets nobody in; a collector never completes without its row",
    },
    "access.dormant_disabled": {
        "user_account.account_type": _TYPE,
        "user_account.is_active": _IN_USE,
        "user_account.interactive_login": _TYPE,
        "user_account.never_logged_in": "a sign-in is told, so this adds nothing",
        "user_account.created_at": "a sign-in is told, so this adds nothing",
    },
    "access.education_need_to_know": {"record_access_event.occurred_at": "an event always has its time"},
    "access.grant_approved": {
        "role_grant.is_privileged": "an approved grant is approved whatever it carries",
        "role_grant.is_direct": "an approved grant is approved wherever it comes from",
        "user_account.is_active": _IN_USE,
    },
    "access.joiner_mover": {
        "person.job_changed_at": "empty where the present job is the first; a change not written down is a limit",
    },
    "access.mfa_admins": {
        "user_account.is_active": _IN_USE,
        "user_account.interactive_login": _TYPE,
        "user_account.is_privileged": _RIGHTS,
        "user_account.is_superuser": _RIGHTS,
        "role_grant.is_privileged": _RIGHTS,
        "role_grant": _RIGHTS,
        "auth_policy.mfa_required": "the account itself has a second factor, which is what the statement asks",
        "auth_policy.mfa_bypass_allowed": "the account itself has a second factor, which is what the statement asks",
        "auth_policy": "the account itself has a second factor, which is what the statement asks",
    },
    "access.mfa_strength": {"auth_policy.mfa_required": "whether it is demanded is judged by access.mfa_admins"},
    "access.no_secrets_in_code": {"secret_finding.committed_at": "a false alarm has no age that matters"},
    "access.password_rules": {"auth_policy.password_login": "NULL counts as taking passwords"},
    "access.privileged_allowlist": {
        "user_account.is_active": _IN_USE,
        "user_account.is_privileged": _RIGHTS,
        "user_account.is_superuser": _RIGHTS,
        "role_grant.is_direct": "a right counts the same on either way",
        "role_grant.expires_at": "without an end a grant is in force",
        "role_grant": "what no complete list of grants tells, nobody holds",
    },
    "access.review_privileged": {
        "user_account.is_active": _IN_USE,
        "user_account.is_privileged": "what is decided in the campaign is decided whatever it is",
        "role_grant.is_privileged": "what is decided in the campaign is decided whatever it is",
    },
    "access.review_remediation": {
        "access_review_item.decision": "an item that is not decided is judged by access.review_semiannual",
    },
    "access.review_semiannual": {
        "user_account.is_active": _IN_USE,
        "user_account.account_type": "an account is a program's only where this column says so",
    },
    "access.service_accounts": {"user_account.is_active": _IN_USE},
    "access.sso_workforce": {
        "user_account.account_type": _TYPE,
        "user_account.is_active": _IN_USE,
        "user_account.sso_enforced": "an emergency account passes by its exception",
        "user_account.has_password": "an emergency account passes by its exception",
    },
    "access.unique_ids": {
        "user_account.account_type": "a named person passes; an account is shared only where this column says so",
        "user_account.is_active": _IN_USE,
        "user_account.interactive_login": _TYPE,
    },
    "access.vendor_time_boxed": {"user_account.is_active": _IN_USE},
    "backup.pitr": {
        "archive_status.last_archived_at": "the restorable window decides",
        "archive_status.last_failed_at": "the restorable window decides",
        "archive_chain.backups": "none only proves the contrary; the window that backups lead to decides",
        "archive_chain.missing_segments": "told in reasons; the chain's last segment against the newest decides",
        "archive_chain.first_missing": "told in reasons; the chain's last segment against the newest decides",
        "archive_chain.last_segment_at": "counts where the repository lacks what the server archived last",
    },
    "cert.soc2_type2": {
        "audit_finding": "an exception that the register lacks cannot be overdue; limits of a register are told",
        "audit_finding.origin": "a closed exception is closed whatever it came from; an open one has a case of its own",
    },
    "change.independent_approval": {
        "repository.is_shallow": "the host's rule decides, not the clone's history",
        "commit.occurred_at": "the host's rule decides; elsewhere a commit without time counts as within the window",
        "commit.reviewed_by_other": "the host's rule decides, not the message",
        "commit": "an event is stored once; that none was removed is what the ledger proves",
    },
    "access.separation_of_duties": {
        "user_account.is_active": _IN_USE,
        "user_account.person": "of somebody whose accounts cannot be used",
        "role_definition.conflicts_with": "of a role that nobody holds who could use it",
        "role_definition": "of a role that nobody holds who could use it",
        "role_grant": "who holds fewer roles has fewer conflicts; a state is stored whole",
        "role_grant.exception_ref": "of a grant that ended",
    },
    "change.security_tests": {"repository.has_ci": "its definitions were read"},
    "db.audited": {
        "audit_scope.logs_structure": _COUNTED,
        "audit_scope.logs_roles": _COUNTED,
        "audit_scope.logs_writes": _COUNTED,
        "audit_scope": _COUNTED,
    },
    "db.default_privileges": {
        "default_grant.grantable": "what everybody has cannot be passed on; other rights without it are undecided",
    },
    "db.password_hashes": {
        "user_account.is_active": _IN_USE,
        "database_instance": "without a server no account is judged; a collector never completes without its row",
    },
    "db.replication_lag": {
        "replication_link.is_slot_active": "a slot can only prove that its replica is away; not every replica has one",
        "database_instance": "without a server no replica is judged; a collector never completes without its row",
    },
    "db.row_security": {
        "row_protection.open_policies": "no account reads every row, which is what such a policy would allow",
        "row_protection.unfiltered_accounts": "no policy lets every row through; who stands above is judged by account",
        "user_account.is_active": _IN_USE,
        "user_account.is_superuser": "an account declared to see every row passes whatever its rights",
        "user_account.detail": "an account declared to see every row passes whatever its rights",
        "role_grant": "what no complete list of grants tells, nobody holds",
        "database_instance": "only stands for a table that was not found, which never passes",
    },
    "engine.evidence_fresh": {
        "source.enabled": "NULL counts as enabled",
        "source.kinds": "of a source that is switched off",
        "source": "of a source that is switched off",
    },
    "gov.exclusions_justified": {
        "soa_entry.next_review_at": "an approval counts for 366 days at most; a review can only end that sooner",
    },
    "infra.asset_inventory": {
        "source.kinds": "only owner and class are taken from the configuration",
        "source.enabled": "only owner and class are taken from the configuration",
        "source": "owner and class stand on the asset itself",
    },
    "infra.gunicorn_workers": {
        "worker_pool.config_changed": "the number configured is known all the same: the master itself told it",
        "worker_sample": "an event is stored once; that none was removed is what the ledger proves",
    },
    "infra.nginx_balanced": {"upstream_pool.in_use": "NULL counts as in use"},
    "ir.drills": {"drill": "another exercise is good, and one suffices"},
    "logging.event_fields": {
        "audit_event.occurred_at": "an event always has its time",
        "audit_event": "an event is stored once; that none was removed is what the ledger proves",
    },
    "logging.failed_logins": {"audit_log.rows_waiting": "the probe is there; only its absence rests on this"},
    "logging.permission_changes": {
        "audit_log.purpose": "the record is there; only its absence rests on this",
        "audit_log.rows_waiting": "the record is there; only its absence rests on this",
        "audit_log": "the record is there; only its absence rests on this",
        "collection.outcome": "the record is there; only its absence rests on this",
        "collection.started_at": "the record is there; only its absence rests on this",
        "collection": "the record is there; only its absence rests on this",
    },
    "logging.retention_ceiling": {
        "retention_class.identifying_records": "the oldest is inside the ceiling, however many there are",
    },
    "logging.trail_intact": {
        "log_alteration.log_exists": "noticed before the time judged",
        "log_alteration.occurred_at": "an event always has its time",
        "log_alteration.rows_missing": "noticed before the time judged",
        "log_alteration": "noticed before the time judged",
    },
    "logging.user_actions": {"action_catalogue.action_class": "an action of no class counts as a user's"},
    "maint.monthly_updates": {"maintenance_window": "another window was completed, and one suffices"},
    "mon.alert_email": {"alert_test": _NEWEST},
    "mon.alert_pagerduty": {"alert_test": _NEWEST},
    "mon.alert_slack": {"alert_test": _NEWEST},
    "mon.log_review_daily": {"log_review": "days count from a scope's first review; without that one they are fewer"},
    "net.datastores_private": {"listening_socket.is_data_store": "bound inside, it is safe whatever it keeps"},
    "net.default_deny": {"firewall_default.defined_by": "names the chain that denies"},
    "net.rules_justified": {"firewall_rule.text": "the rule as printed; its parts are judged"},
    "net.vpn_admin_only": {
        "listening_socket.is_admin": "bound to loopback, it is safe whatever it is",
        "listening_socket.is_encrypted": "bound to loopback, nothing travels",
    },
    "net.vpn_named_mfa": {"vpn_session.occurred_at": "an event always has its time"},
    "net.waf_blocking": {"waf_policy.exclusions": "those without approval decide"},
    "perf.cache_effective": {
        "cache_metric.hits": "the ratio decides",
        "cache_metric.use": "what is not declared counts as a cache",
    },
    "privacy.arco_deadlines": {
        "data_request.right_kind": _RIGHT,
        "data_request.status": _CLOSED,
        "data_request.extension_notified_at": _SHORTER,
        "data_request.execution_extension_notified_at": _SHORTER,
        "data_request.information_asked_at": "without the question the term runs from the request, and was kept",
    },
    "privacy.blocking": {"blocked_record.suppressed_at": "within the days of grace it may be there or gone"},
    "privacy.breach_clocks": {"breach.status": "told in time, whether the case is closed or not"},
    "privacy.breach_people": {
        "breach.status": "told in time, whether the case is closed or not",
        "breach.risk": _TOLD,
        "breach.significant_mx": _TOLD,
        "breach.people_not_told_reason": _TOLD,
    },
    "privacy.consent_withdrawn": {
        "consent_event.acted_at": "a consent without a date counts as of this period; such a withdrawal is undecided",
    },
    "privacy.erasure_done": {
        "data_request.right_kind": "only says which requests must have jobs; NULL counts as one that must",
        "data_request.outcome": "only says which requests must have jobs; the job is judged whatever it says",
        "data_request.status": "only says which requests must have jobs; the job is judged whatever it says",
        "erasure_job.on_restore_list": "the backup is gone, so no restore brings anything back",
    },
    "privacy.mx_72_months": {"debt_record.deleted_at": "within the term it may be there or gone"},
    "privacy.requester_identity": {
        "data_request.outcome": "what was carried out was given, whatever the outcome says",
        "data_request.right_kind": "only a reset needs no answer; here both moments are told",
        "data_request.status": "both moments are told, so it adds nothing",
    },
    "privacy.requests_one_month": {
        "data_request.right_kind": _RIGHT,
        "data_request.status": _CLOSED,
        "data_request.extension_notified_at": _SHORTER,
    },
    "privacy.retention_applied": {
        "retention_class.max_days": "nothing personal is in it, and without a term nothing is owed",
    },
    "privacy.return_or_delete": {
        "offboarding.data_deleted_at": "the term still runs, so nothing is owed yet",
        "offboarding.verified_at": "the term still runs, so nothing is owed yet",
    },
    "privacy.transfers": {
        "transfer.mechanism_expires_at": "a mechanism without an end holds until a review says otherwise"
    },
    "redis.persistence": {
        "cache_instance.changes_since_save": "a snapshot of the last day suffices",
        "cache_instance.rdb_last_save_at": "no change waits for a snapshot, whenever that was",
        "cache_instance.holds_state": "NULL counts as holding state",
        "cache_instance.maxmemory_policy": "without a limit of memory nothing is thrown away",
        "cache_instance.maxmemory_mib": "entries that never expire stay, whatever the limit",
    },
    "storage.buckets_private": {"bucket.data_class": _CLASS},
    "storage.protected": {"bucket.data_class": _CLASS},
    "tls.everywhere": {"tls_endpoint.exposure": _OUTSIDE, "http_endpoint.exposure": _OUTSIDE},
    "tls.hsts": {"http_endpoint.exposure": _OUTSIDE},
    "tls.internal_links": {
        "internal_link.is_local": "encrypted and checked, it may leave the machine",
        "internal_link.tls_enabled": "it never leaves the machine",
        "database_instance.is_loopback_only": "it demands encryption, so it may take clients of other machines",
        "database_instance.tls_required": "it takes clients of its own machine only",
        "database_instance": _DOOR,
        "connection_pooler.is_loopback_only": "it demands encryption, so it may take clients of other machines",
        "connection_pooler.client_tls_required": "it takes clients of its own machine only",
        "connection_pooler": _DOOR,
        "cache_instance.is_loopback_only": "it demands encryption, so it may take clients of other machines",
        "cache_instance.plaintext_port": "it takes clients of its own machine only",
        "cache_instance": _DOOR,
    },
    "vuln.weekly_patching": {
        "patch_state.last_update_at": "nothing waits, so no upgrade is owed",
        "patch_state.updates_pending": "upgraded this week, so what waits is newer",
    },
}


def passing(loaded: LoadedControl) -> Iterator[tuple[Case, ControlResult]]:
    for case in loaded.cases:
        if case.expect is Outcome.PASS:
            yield case, evaluate_case(loaded, case)


def judged_rows(case: Case, result: ControlResult) -> Iterator[tuple[str, int]]:
    """Kind and number of every row of a case but those that only findings of `not_applicable` rest on."""
    idle = {entry for finding in result.findings if finding.verdict is not Outcome.PASS for entry in finding.entries}
    idle -= {entry for finding in result.findings if finding.verdict is Outcome.PASS for entry in finding.entries}
    entry = 0
    for kind, rows in case.given.items():
        for number in range(len(rows)):
            entry += 1
            if entry not in idle:
                yield kind, number


def without(case: Case, kind: str, number: int, column: str | None) -> Case:
    """The case with one value gone, or the whole row when no column is named."""
    rows = [dict(row) for row in case.given[kind]]
    if column is None:
        del rows[number]
    else:
        rows[number][column] = None
    return case.model_copy(update={"given": {**case.given, kind: rows}})


@pytest.mark.parametrize("path", CONTROLS)
def test_a_value_that_was_not_readable_does_not_pass(path: Path) -> None:
    loaded = load_control(path)
    excepted = DECIDES_NOTHING.get(loaded.id, {})
    unearned = []
    for case, result in passing(loaded):
        for kind, number in judged_rows(case, result):
            row = case.given[kind][number]
            fixed = {*kind_named(kind).key, *VIEW_COLUMNS, *DESCRIBES.get(kind, ())}
            for column in sorted(name for name, value in row.items() if value is not None and name not in fixed):
                if f"{kind}.{column}" in excepted:
                    continue
                if not re.search(rf"\b{column}\b", loaded.sql):
                    unearned.append(f"{kind}.{column} is given and never asked for: name it above, or judge it")
                    continue
                after = evaluate_case(loaded, without(case, kind, number, column))
                if after.verdict in HOLDS:
                    unearned.append(f"{case.name!r} without {kind}.{column}: {after.verdict} ({after.reason})")
    assert unearned == []


@pytest.mark.parametrize("path", CONTROLS)
def test_a_row_that_is_missing_does_not_pass(path: Path) -> None:
    loaded = load_control(path)
    unearned = []
    for case, result in passing(loaded):
        before = {(finding.source, finding.resource) for finding in result.findings}
        for kind, number in judged_rows(case, result):
            if kind in DECIDES_NOTHING.get(loaded.id, {}):
                continue
            after = evaluate_case(loaded, without(case, kind, number, None))
            judged = {(finding.source, finding.resource) for finding in after.findings}
            if after.verdict in HOLDS and judged == before:  # a resource that is gone itself was the population's
                unearned.append(f"{case.name!r} without row {number + 1} of {kind}: {after.verdict} ({after.reason})")
    assert unearned == []


@pytest.mark.parametrize("path", CONTROLS)
def test_a_collection_that_failed_or_is_old_does_not_pass(path: Path) -> None:
    loaded = load_control(path)
    hour = timedelta(hours=1)
    unearned = []
    case, _ = next(passing(loaded))
    for kind in loaded.kinds:
        for source in {row.get("source", SOURCE) for row in case.given.get(kind, [])} or {SOURCE}:
            for outcome, age in (("denied", hour), ("never", hour), ("complete", timedelta(days=500))):
                lost = CaseCollection(kind=kind, source=source, outcome=outcome, age=age)
                after = evaluate_case(loaded, case.model_copy(update={"collections": [*case.collections, lost]}))
                if after.verdict in HOLDS:
                    unearned.append(f"{case.name!r}: {kind} of {source} {outcome}, {age} ago: {after.reason}")
    assert unearned == []


def test_every_exception_is_needed() -> None:
    controls = {loaded.id: loaded for loaded in (load_control(path) for path in control_files(OWN))}
    idle = []
    for control, excepted in DECIDES_NOTHING.items():
        cases = [case for case in controls[control].cases if case.expect is Outcome.PASS]
        for name in excepted:
            kind, _, column = name.partition(".")
            if not any(not column or column in row for case in cases for row in case.given.get(kind, [])):
                idle.append(f"{control}: no passing case gives {name}")
    assert idle == []
