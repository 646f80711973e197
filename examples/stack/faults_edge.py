"""Faults of nginx, its firewall and the two gunicorns."""

from __future__ import annotations

from examples.stack import planting
from examples.stack.fault import Fault, of

EDGE = (
    Fault(
        "hsts-missing-on-one-host",
        "The host of the staff no longer sends Strict-Transport-Security.",
        planting.nginx("server_name staff.school.localhost;\n    {hsts}", "server_name staff.school.localhost;"),
        of("tls.hsts"),
    ),
    Fault(
        "hsts-lost-in-a-location",
        "A location sends a header of its own, and so none of those around it.",
        planting.nginx("location /catalogue/ {{", "location /catalogue/ {{\n        add_header X-Part catalogue;"),
        of("tls.hsts"),
    ),
    Fault(
        "old-protocol-accepted",
        "nginx accepts TLS 1.1, and weak suites with it.",
        planting.nginx(
            "ssl_protocols TLSv1.2 TLSv1.3;\n    ssl_ciphers ECDHE+AESGCM:ECDHE+CHACHA20;",
            "ssl_protocols TLSv1.1 TLSv1.2 TLSv1.3;\n    ssl_ciphers ALL:@SECLEVEL=0;",
            planting.main_file,
        ),
        of("tls.strong_settings", "tls.everywhere"),
    ),
    Fault(
        "plain-http-served",
        "The plain port serves pages instead of sending to https.",
        planting.nginx("return 301 https://$host:{https}$request_uri;", "location / {{ proxy_pass http://app; }}"),
        of("tls.everywhere", "net.vpn_admin_only"),
    ),
    Fault(
        "certificate-expires",
        "The certificate of the web server ends in three days.",
        planting.certificate(3),
        of("tls.certificates_valid"),
    ),
    Fault(
        "firewall-only-watches",
        "ModSecurity detects and lets through.",
        planting.nginx("SecRuleEngine On", "SecRuleEngine DetectionOnly", planting.waf_file),
        of("net.waf_blocking"),
    ),
    Fault(
        "firewall-off-for-a-path",
        "The interface for programs is left out of the web application firewall.",
        planting.nginx(
            "location /catalogue/ {{",
            "location /api/ {{\n        modsecurity off;\n        proxy_pass http://app;\n    }}\n"
            "    location /catalogue/ {{",
        ),
        of("net.waf_blocking"),
    ),
    Fault(
        "firewall-blind-to-forms",
        "ModSecurity does not look at the bodies of requests.",
        planting.nginx("SecRequestBodyAccess On", "SecRequestBodyAccess Off", planting.waf_file),
        of("net.waf_blocking"),
    ),
    Fault(
        "personal-page-in-shared-cache",
        "Pages of students go into the cache that all share.",
        planting.nginx(
            "location /catalogue/ {{",
            "location /students/ {{\n        proxy_cache public;\n        proxy_cache_valid 200 5m;\n"
            "        proxy_ignore_headers Cache-Control Set-Cookie Expires Vary;\n"
            "        proxy_pass http://app;\n    }}\n"
            "    location /catalogue/ {{",
        ),
        of("perf.cache_private"),
    ),
    Fault(
        "static-files-for-a-minute",
        "Browsers may keep static files for a minute instead of a year.",
        planting.nginx("public, max-age=31536000, immutable", "public, max-age=60"),
        of("perf.cache_effective"),
    ),
    Fault(
        "no-balancing",
        "nginx passes everything to one gunicorn.",
        planting.nginx("server 127.0.0.1:{gunicorn_second} max_fails=3 fail_timeout=10s;", ""),
        of("infra.nginx_balanced"),
    ),
    Fault(
        "access-log-for-everybody",
        "Everybody on the machine may read nginx's access log.",
        planting.mode(lambda stack: stack.nginx.folder / "access.log", 0o644),
        of("logging.retention_12m"),
    ),
    Fault(
        "configuration-not-loaded",
        "nginx's files were changed, and the running server has not read them.",
        planting.unread,
        of(),
        of(
            "infra.nginx_balanced",
            "net.vpn_admin_only",
            "net.waf_blocking",
            "perf.cache_effective",
            "perf.cache_private",
            "tls.everywhere",
            "tls.hsts",
            "tls.internal_links",
        ),
    ),
    Fault(
        "one-upstream-dead",
        "The second gunicorn does not run.",
        planting.down("gunicorn-second"),
        of("infra.nginx_balanced", "infra.gunicorn_workers"),
        of("engine.evidence_fresh"),
        lasts=True,
    ),
    Fault(
        "two-workers",
        "gunicorn is told to keep two workers.",
        planting.gunicorn("workers = 3", "workers = 2"),
        of("infra.gunicorn_workers"),
        lasts=True,
    ),
    Fault(
        "a-worker-taken-away",
        "A worker was taken away from the running gunicorn.",
        planting.fewer_workers,
        of("infra.gunicorn_workers"),
        lasts=True,
    ),
)
