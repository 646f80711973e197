"""The protective programs we know, by role. An asset has none of a role only when all of these were looked for."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Product:
    """How a product shows: files it installs, its process names (15 characters, as the kernel keeps them), where its
    signatures or baseline and its last run's log lie. `scheduled` products have no process of their own."""

    name: str
    package: str
    files: tuple[str, ...]
    processes: frozenset[str] = frozenset()
    definitions: tuple[str, ...] = ()
    log: str | None = None
    scheduled: bool = False
    real_time: frozenset[str] = frozenset()
    ships: bool = False


def _p(
    name: str,
    files: str,
    processes: str = "",
    package: str | None = None,
    definitions: tuple[str, ...] = (),
    log: str | None = None,
    scheduled: bool = False,
    real_time: frozenset[str] = frozenset(),
    ships: bool = False,
) -> Product:
    """A product from space-separated words; the package has the product's name unless told otherwise."""
    named, paths = frozenset(processes.split()), tuple(files.split())
    return Product(name, package or name, paths, named, definitions, log, scheduled, real_time, ships)


_CLAMAV_DB = ("/var/lib/clamav/daily.cld", "/var/lib/clamav/daily.cvd")
_OSSEC = "/var/ossec/bin/wazuh-agentd /var/ossec/bin/ossec-agentd /var/ossec/bin/wazuh-control"
_OSSEC_PROCESSES = "wazuh-agentd ossec-agentd wazuh-syscheckd ossec-syscheckd"

PRODUCTS: dict[str, tuple[Product, ...]] = {
    "malware": (
        _p(
            "clamav",
            "/usr/sbin/clamd /usr/bin/clamscan /usr/bin/freshclam /usr/sbin/clamonacc",
            "clamd clamonacc",
            definitions=_CLAMAV_DB,
            real_time=frozenset({"clamonacc"}),
        ),
        _p(
            "maldet",
            "/usr/local/maldetect/maldet",
            "maldet",
            scheduled=True,
            definitions=("/usr/local/maldetect/sigs",),
        ),
        _p("rkhunter", "/usr/bin/rkhunter", log="/var/log/rkhunter.log", scheduled=True),
        _p("chkrootkit", "/usr/sbin/chkrootkit", log="/var/log/chkrootkit/log.today", scheduled=True),
        _p("falcon-sensor", "/opt/CrowdStrike/falconctl", "falcon-sensor", ships=True),
        _p("sentinelone", "/opt/sentinelone/bin/sentinelctl", "s1-agent s1-orchestrator", "sentinelagent", ships=True),
        _p("mdatp", "/opt/microsoft/mdatp/sbin/wdavdaemon", "wdavdaemon", ships=True),
        _p("sophos", "/opt/sophos-spl/bin/sophos_managementagent", "sophos_managemen soapd", ships=True),
        _p("eset", "/opt/eset/efs/sbin/startd /opt/eset/esets/sbin/esets_daemon", "esets_daemon", "efs"),
        _p("trend-ds-agent", "/opt/ds_agent/ds_agent", "ds_agent", "ds-agent", ships=True),
        _p("cortex-xdr", "/opt/traps/bin/pmd", "pmd", "cortex-agent", ships=True),
    ),
    "file_integrity": (
        _p(
            "aide",
            "/usr/bin/aide /usr/sbin/aide",
            definitions=("/var/lib/aide/aide.db", "/var/lib/aide/aide.db.gz"),
            log="/var/log/aide/aide.log",
            scheduled=True,
        ),
        _p("tripwire", "/usr/sbin/tripwire", definitions=("/var/lib/tripwire",), scheduled=True),
        _p("wazuh", _OSSEC, _OSSEC_PROCESSES, "wazuh-agent", ships=True),
        _p("samhain", "/usr/sbin/samhain", "samhain"),
        _p("osquery", "/opt/osquery/bin/osqueryd /usr/bin/osqueryd", "osqueryd"),
    ),
    "intrusion_detection": (
        _p("fail2ban", "/usr/bin/fail2ban-server", "fail2ban-server"),
        _p(
            "suricata",
            "/usr/bin/suricata /usr/sbin/suricata",
            "Suricata-Main",
            definitions=("/var/lib/suricata/rules",),
        ),
        _p("snort", "/usr/sbin/snort /usr/bin/snort", "snort", definitions=("/etc/snort/rules",)),
        _p("falco", "/usr/bin/falco", "falco", definitions=("/etc/falco/falco_rules.yaml",)),
        _p("zeek", "/opt/zeek/bin/zeek /usr/bin/zeek", "zeek"),
        _p("crowdsec", "/usr/bin/crowdsec", "crowdsec"),
        _p("wazuh", _OSSEC, _OSSEC_PROCESSES, "wazuh-agent", ships=True),
        _p("psad", "/usr/sbin/psad", "psad"),
        _p("sshguard", "/usr/sbin/sshguard", "sshguard sshg-blocker"),
        _p("falcon-sensor", "/opt/CrowdStrike/falconctl", "falcon-sensor", ships=True),
    ),
    "audit_trail": (_p("auditd", "/sbin/auditd /usr/sbin/auditd", "auditd", log="/var/log/audit/audit.log"),),
    "log_shipping": (
        _p("rsyslog", "/usr/sbin/rsyslogd", "rsyslogd"),
        _p("syslog-ng", "/usr/sbin/syslog-ng", "syslog-ng", "syslog-ng-core"),
        _p("filebeat", "/usr/share/filebeat/bin/filebeat", "filebeat", ships=True),
        _p("elastic-agent", "/opt/Elastic/Agent/elastic-agent", "elastic-agent", ships=True),
        _p("fluent-bit", "/opt/fluent-bit/bin/fluent-bit /usr/bin/fluent-bit", "fluent-bit", ships=True),
        _p("fluentd", "/opt/td-agent/bin/fluentd /opt/fluent/bin/fluentd", "fluentd td-agent", "td-agent", ships=True),
        _p("vector", "/usr/bin/vector", "vector", ships=True),
        _p(
            "systemd-journal-upload",
            "/lib/systemd/systemd-journal-upload /usr/lib/systemd/systemd-journal-upload",
            package="systemd-journal-remote",  # no process name: the kernel shortens it to journald's
            ships=True,
        ),
        _p("promtail", "/usr/bin/promtail", "promtail", ships=True),
        _p("alloy", "/usr/bin/alloy", "alloy", ships=True),
        _p("logstash", "/usr/share/logstash/bin/logstash", "logstash", ships=True),
        _p("splunk-forwarder", "/opt/splunkforwarder/bin/splunkd", "splunkd", "splunkforwarder", ships=True),
        _p("datadog-agent", "/opt/datadog-agent/bin/agent/agent", ships=True),
        _p("otelcol", "/usr/bin/otelcol /usr/bin/otelcol-contrib", "otelcol otelcol-contrib", ships=True),
        _p(
            "cloudwatch-agent",
            "/opt/aws/amazon-cloudwatch-agent/bin/amazon-cloudwatch-agent",
            "amazon-cloudwat",
            ships=True,
        ),
        _p(
            "google-ops-agent",
            "/opt/google-cloud-ops-agent/libexec/google_cloud_ops_agent_engine",
            "fluent-bit",
            ships=True,
        ),
    ),
}
