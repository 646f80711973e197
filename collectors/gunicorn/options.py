"""The command line of gunicorn, read by the parser it uses itself: abbreviations and joined flags mean the same.

Only the options of `KEPT` leave this module: others carry secrets (`--env`), and a line as a whole is never kept.
"""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

# Setting → its flags, those that take a value (gunicorn 27's config.py; all are needed to tell abbreviations apart).
_VALUES: Mapping[str, tuple[str, ...]] = {
    "config": ("-c", "--config"),
    "bind": ("-b", "--bind"),
    "workers": ("-w", "--workers"),
    "worker_class": ("-k", "--worker-class"),
    "threads": ("--threads",),
    "max_requests": ("--max-requests",),
    "timeout": ("-t", "--timeout"),
    "graceful_timeout": ("--graceful-timeout",),
    "chdir": ("--chdir",),
    "accesslog": ("--access-logfile",),
    "access_log_format": ("--access-logformat",),
    "statsd_host": ("--statsd-host",),
    "logger_class": ("--logger-class",),
    "logconfig": ("--log-config",),
    "logconfig_json": ("--log-config-json",),
    "control_socket": ("--control-socket",),
    "errorlog": ("--error-logfile", "--log-file"),
    "env": ("-e", "--env"),
    "pidfile": ("-p", "--pid"),
    "user": ("-u", "--user"),
    "group": ("-g", "--group"),
    "umask": ("-m", "--umask"),
    "name": ("-n", "--name"),
    "pythonpath": ("--pythonpath",),
    "paste": ("--paste", "--paster"),
    "paste_global": ("--paste-global",),
    "loglevel": ("--log-level",),
}
_OTHERS = """
backlog worker-connections max-requests-jitter keep-alive limit-request-line limit-request-fields
limit-request-field_size reload-engine reload-extra-file worker-tmp-dir forwarded-allow-ips log-syslog-to
log-syslog-prefix log-syslog-facility dogstatsd-tags statsd-prefix proxy-allow-from protocol uwsgi-allow-from
keyfile certfile ssl-version cert-reqs ca-certs ciphers http-protocols http2-cleartext
http2-max-concurrent-streams http2-initial-window-size http2-max-frame-size http2-max-header-list-size
forwarder-headers header-map asgi-loop asgi-lifespan asgi-disconnect-grace-period websocket-max-message-size
http-parser root-path dirty-app dirty-workers dirty-timeout dirty-threads dirty-graceful-timeout
control-socket-mode
"""
_SWITCHES: Mapping[str, tuple[str, ...]] = {
    "reload": ("--reload",),
    "control_socket_disable": ("--no-control-socket",),
    "preload_app": ("--preload",),
    "syslog": ("--log-syslog",),
    "daemon": ("-D", "--daemon"),
    "enable_stdio_inheritance": ("-R", "--enable-stdio-inheritance"),
}
_OTHER_SWITCHES = """
spew check-config print-config no-sendfile reuse-port initgroups disable-redirect-access-to-syslog
capture-output enable-backlog-metric suppress-ragged-eofs do-handshake-on-connect
permit-obsolete-folding strip-header-spaces permit-unconventional-http-method
permit-unconventional-http-version casefold-http-method
"""
_SEVERAL = ("bind",)
_KEPT = """
config bind workers worker_class threads max_requests timeout graceful_timeout chdir accesslog access_log_format
statsd_host logger_class logconfig logconfig_json control_socket control_socket_disable reload paste syslog
"""
KEPT = frozenset(_KEPT.split())


class _Refused(Exception):
    """gunicorn would not have started with this line."""


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise _Refused  # without the message: it repeats values


def rows_arguments(words: Sequence[str]) -> dict[str, Any] | None:
    """What a command line says of the settings in `KEPT`, as text; None when it is not a gunicorn's.

    An option that this table does not know makes None, too: what follows it could be read wrongly.
    """
    try:
        found, rest = _parser().parse_known_args(list(words))
    except _Refused:
        return None
    if any(word.startswith("-") for word in rest):
        return None
    return {name: value for name, value in vars(found).items() if value is not None and name in KEPT}


def rows_line(text: str) -> dict[str, Any] | None:
    """The same for GUNICORN_CMD_ARGS, which gunicorn splits as a shell would."""
    try:
        return rows_arguments(shlex.split(text))
    except ValueError:
        return None


def _parser() -> _Parser:
    parser = _Parser(add_help=False)
    for name, flags in _VALUES.items():
        parser.add_argument(*flags, dest=name, action="append" if name in _SEVERAL else "store")
    for flag in _OTHERS.split():
        parser.add_argument(f"--{flag}", dest="other")
    parser.add_argument("--proxy-protocol", dest="other", nargs="?", const="auto")
    for name, flags in _SWITCHES.items():
        parser.add_argument(*flags, dest=name, action="store_const", const=True)
    for flag in _OTHER_SWITCHES.split():
        parser.add_argument(f"--{flag}", dest="other", action="store_const", const=True)
    parser.add_argument("args", nargs="*")
    return parser
