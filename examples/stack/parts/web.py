"""nginx with ModSecurity in front, and two gunicorn masters of three workers each behind it."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from examples.stack import parts
from examples.stack.parts import Place
from examples.stack.parts.authority import Authority

MODULE = Path("/usr/lib/nginx/modules/ngx_http_modsecurity_module.so")
RULES = (Path("/etc/modsecurity/crs/crs-setup.conf"), Path("/usr/share/modsecurity-crs/rules"))
HOSTS = ("school.localhost", "staff.school.localhost", "localhost", "127.0.0.1")
HSTS = 'add_header Strict-Transport-Security "max-age=31536000; includeSubDomains; preload" always;'
PROJECT = Path(__file__).parents[1] / "school"
ROOT = PROJECT.parents[2]


class Gunicorn:
    """A running master. Change `configuration` and call `stop` and `start`."""

    def __init__(self, place: Place, name: str, port: int, environment: dict[str, str]) -> None:
        self.port, self._environment = port, environment
        self.folder = place.part(name)
        self.configuration = self.folder / "gunicorn.conf.py"
        self.log = self.folder / "error.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it listens. Run by root, its workers give up root's rights."""
        if not self.configuration.exists():
            self._create()
        parts.settled(self.configuration)
        arguments = [sys.executable, "-m", "gunicorn", "-c", str(self.configuration), "school.wsgi"]
        self.process = parts.start(arguments, self.folder / "out", self._environment)
        parts.wait(lambda: parts.listens(self.port), "gunicorn", self.log, self.process)

    def stop(self) -> None:
        """Stop it."""
        parts.stop(self.process)
        self.process = None

    def change(self, old: str, new: str) -> None:
        """Replace a line of its configuration and start it again."""
        parts.substitute(self.configuration, old, new)
        self.stop()
        self.start()

    def _create(self) -> None:
        account = 'user = "nobody"\ngroup = "nogroup"\n' if os.geteuid() == 0 else ""
        self.configuration.write_text(f"""\
bind = "127.0.0.1:{self.port}"
workers = 3
worker_class = "sync"
timeout = 30
graceful_timeout = 30
keepalive = 5
max_requests = 1000
max_requests_jitter = 100
preload_app = True
forwarded_allow_ips = "127.0.0.1"
chdir = "{PROJECT}"
pidfile = "{self.folder}/gunicorn.pid"
accesslog = "{self.folder}/access.log"
errorlog = "{self.log}"
control_socket = "{self.folder}/gunicorn.ctl"
worker_tmp_dir = "/dev/shm"
{account}""")


class Nginx:
    """A running server. Change a file below `folder` and call `reload`."""

    def __init__(self, place: Place, authority: Authority) -> None:
        self.place, self.authority = place, authority
        self.folder = place.part("nginx")
        self.configuration = self.folder / "nginx.conf"
        self.site = self.folder / "sites/school.conf"
        self.waf = self.folder / "modsecurity.conf"
        self.log = self.folder / "error.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it listens."""
        if not self.configuration.exists():
            self._create()
        parts.settled(self.configuration, self.site, self.waf)
        nginx = parts.program("nginx", "nginx libnginx-mod-http-modsecurity modsecurity-crs")
        arguments = [nginx, "-c", str(self.configuration), "-p", str(self.folder), "-e", str(self.log)]
        self.process = parts.start(arguments, self.folder / "out", **parts.unprivileged())
        parts.wait(lambda: parts.listens(self.place.ports.https), "nginx", self.log, self.process)

    def stop(self) -> None:
        """Stop it."""
        parts.stop(self.process)
        self.process = None

    def change(self, path: Path, old: str, new: str) -> None:
        """Replace words in one of its files and let it read them again. Raises ValueError where they are not there."""
        parts.substitute(path, old, new)
        self.reload()

    def reload(self) -> None:
        """Let the master read its configuration again, and wait until new workers serve."""
        assert self.process is not None
        before = self._workers()
        parts.settled(self.configuration, self.site, self.waf)
        self.process.send_signal(signal.SIGHUP)
        parts.wait(lambda: bool(self._workers() - before), "nginx", self.log, self.process)
        time.sleep(0.1)

    def _workers(self) -> set[str]:
        assert self.process is not None
        return set(Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split())

    def _create(self) -> None:
        folder, ports = self.folder, self.place.ports
        for name in ("sites", "temp", "cache", "static"):
            (folder / name).mkdir()
        (folder / "static/school.css").write_text("body { margin: 2rem }\n")
        self.authority.issue(folder, "site", *HOSTS)
        setup, rules = RULES
        shutil.copytree(
            rules, folder / "rules", copy_function=shutil.copyfile
        )  # taken over today, as an update of the rule set would be
        self.waf.write_text(
            "SecRuleEngine On\nSecRequestBodyAccess On\nSecAuditEngine RelevantOnly\n"
            f"SecAuditLog {folder}/audit.log\nInclude {setup}\nInclude {folder}/rules/*.conf\n"
        )
        self.configuration.write_text(f"""\
daemon off;
worker_processes 2;
pid {folder}/nginx.pid;
error_log {self.log};
load_module {MODULE};
events {{ worker_connections 512; }}
http {{
    include /etc/nginx/mime.types;
    log_format audit escape=json '{{"time":"$time_iso8601","remote_addr":"$remote_addr","user":"$remote_user",'
        '"request":"$request","status":$status,"bytes":$body_bytes_sent,"host":"$host","request_id":"$request_id",'
        '"agent":"$http_user_agent","seconds":$request_time,"upstream":"$upstream_addr"}}';
    access_log {folder}/access.log audit;
    client_body_temp_path {folder}/temp;
    proxy_temp_path {folder}/temp;
    fastcgi_temp_path {folder}/temp;
    uwsgi_temp_path {folder}/temp;
    scgi_temp_path {folder}/temp;
    proxy_cache_path {folder}/cache keys_zone=public:1m max_size=16m;
    server_tokens off;
    client_max_body_size 2m;
    limit_req_zone $binary_remote_addr zone=clients:1m rate=1000r/s;
    ssl_certificate {folder}/site.crt;
    ssl_certificate_key {folder}/site.key;
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_ciphers ECDHE+AESGCM:ECDHE+CHACHA20;
    modsecurity on;
    modsecurity_rules_file {self.waf};
    include {folder}/sites/*.conf;
}}
""")
        self.site.write_text(_SITE.format(folder=folder, hsts=HSTS, **{n: getattr(ports, n) for n in ports.__slots__}))
        parts.give(*folder.rglob("*"))


_HEADERS = """\
    {hsts}
    add_header X-Content-Type-Options nosniff always;
    add_header Content-Security-Policy "default-src 'self'; frame-ancestors 'none'" always;
    limit_req zone=clients burst=1000 nodelay;
    proxy_hide_header Strict-Transport-Security;  # else they come twice, from here and from the application
    proxy_hide_header X-Content-Type-Options;
    proxy_set_header Host $host;
    proxy_set_header X-Forwarded-For $remote_addr;
    proxy_set_header X-Forwarded-Proto https;
    proxy_set_header X-Request-ID $request_id;
"""
_SITE = (
    """\
upstream app {{
    least_conn;
    server 127.0.0.1:{gunicorn} max_fails=3 fail_timeout=10s;
    server 127.0.0.1:{gunicorn_second} max_fails=3 fail_timeout=10s;
}}
server {{
    listen 127.0.0.1:{http};
    server_name school.localhost staff.school.localhost;
    return 301 https://$host:{https}$request_uri;
}}
server {{  # pupils and parents
    listen 127.0.0.1:{https} ssl http2;
    server_name school.localhost;
"""
    + _HEADERS
    + """\
    location / {{
        proxy_pass http://app;
    }}
    location /catalogue/ {{
        proxy_cache public;
        proxy_cache_valid 200 5m;
        proxy_cache_bypass $cookie_sessionid $http_authorization;
        proxy_no_cache $cookie_sessionid $http_authorization;
        proxy_pass http://app;
    }}
    location /static/ {{
        root {folder};
        {hsts}
        add_header X-Content-Type-Options nosniff always;
        add_header Cache-Control "public, max-age=31536000, immutable" always;
    }}
    location /admin/ {{
        deny all;
    }}
}}
server {{  # those who work here
    listen 127.0.0.1:{https} ssl http2;
    server_name staff.school.localhost;
"""
    + _HEADERS
    + """\
    location / {{
        proxy_pass http://app;
    }}
    location /admin/ {{
        allow 127.0.0.1;
        deny all;
        proxy_pass http://app;
    }}
}}
server {{  # for whoever watches the server itself
    listen 127.0.0.1:{https} ssl http2;
    server_name localhost;
    {hsts}
    location = /status {{
        allow 127.0.0.1;
        deny all;
        stub_status;
    }}
    location / {{
        return 404;
    }}
}}
"""
)
