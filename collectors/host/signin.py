"""The rules under which people sign in to this machine: PAM, login.defs, sshd, the shell's idle limit."""

from __future__ import annotations

import re

from compliance.collectors.host.accounts import Passwd, Shadow, fetch_shadow, login_defs, rows_passwd
from compliance.collectors.host.machine import Machine
from compliance.collectors.host.pam import PLAIN, SECOND_FACTOR, Module, settings, stack
from compliance.collectors.host.sshd import fetch_effective
from compliance.schemas.errors import SourceError
from compliance.schemas.kinds.identity import AuthPolicy

_HASHES = {
    "yescrypt": "yescrypt",
    "gost_yescrypt": "gost-yescrypt",
    "sha512": "sha512crypt",
    "sha256": "sha256crypt",
    "blowfish": "bcrypt",
    "bcrypt": "bcrypt",
    "md5": "md5crypt",
    "des": "descrypt",
    "bigcrypt": "bigcrypt",
}
_NEVER_DAYS = 99_999  # login.defs(5): at or above, ageing is off in effect
_TMOUT = re.compile(r"^\s*(?:(readonly|declare -r\w*|typeset -r\w*|export)\s+)?TMOUT=(\d+)", re.MULTILINE)
Sshd = dict[str, list[str]]


def lockout(auth: list[Module], conf: dict[str, str]) -> tuple[int, int]:
    """Failed attempts until refusal and minutes of it; (0, 0) when nothing counts them.

    pam_faillock counts only when it stands both before and after the password is checked, so a lone line is no rule.
    """
    lines = [m for m in auth if m.module == "pam_faillock"]
    stages = {stage for m in lines for stage in ("preauth", "authfail") if m.value(stage) is not None}
    if stages == {"preauth", "authfail"}:
        return _limits(lines[0], conf, "3", "600")
    tally = next((m for m in auth if m.module in ("pam_tally2", "pam_tally")), None)
    return _limits(tally, {}, "0", "0") if tally else (0, 0)


def _limits(module: Module, conf: dict[str, str], deny: str, unlock: str) -> tuple[int, int]:
    attempts = int(module.value("deny") or conf.get("deny") or deny)
    seconds = module.value("unlock_time") or conf.get("unlock_time") or unlock
    if attempts == 0:
        return 0, 0
    if seconds in ("never", "0"):
        return attempts, 0
    # whole minutes, rounded down; under a minute there is no lock-out worth the name, and 0 would mean "for ever"
    return (attempts, int(seconds) // 60) if int(seconds) >= 60 else (0, 0)


def quality(password: list[Module], conf: dict[str, str]) -> tuple[int, bool]:
    """Effective least length and whether letters and digits are both demanded."""
    module = next((m for m in password if m.module in ("pam_pwquality", "pam_cracklib")), None)
    if module is None or not (module.required or module.control.startswith("[")):
        unix = next((m for m in password if m.module == "pam_unix"), None)
        return int((unix.value("minlen") if unix else None) or "6"), False  # pam_unix(8): six unless told otherwise

    def number(name: str, default: int) -> int:
        return int(module.value(name) or conf.get(name) or default)

    credits = {name: number(name, 0) for name in ("dcredit", "ucredit", "lcredit", "ocredit")}
    length = max(6, number("minlen", 8) - sum(credit for credit in credits.values() if credit > 0))
    letters = credits["ucredit"] < 0 or credits["lcredit"] < 0
    return length, (credits["dcredit"] < 0 and letters) or number("minclass", 0) >= 4


def history(password: list[Module], conf: dict[str, str]) -> int:
    """How many earlier passwords are refused."""
    for module in password:
        if module.module == "pam_pwhistory":
            return int(module.value("remember") or conf.get("remember") or "10")
        if module.module == "pam_unix" and module.value("remember"):
            return int(module.value("remember") or "0")
    return 0


def hash_algorithm(password: list[Module], defs: dict[str, str]) -> str | None:
    """Algorithm for new passwords: pam_unix's argument, else login.defs; None when neither says."""
    for module in password:
        if module.module == "pam_unix":
            named = next((name for name in module.arguments if name in _HASHES), None)
            return _HASHES.get(named or defs.get("ENCRYPT_METHOD", "").lower())
    return None


def max_age(defs: dict[str, str], accounts: list[Passwd], shadow: dict[str, Shadow] | None) -> int | None:
    """Days until a password must change: the longest among login.defs and the accounts that have a password, for
    login.defs binds new accounts only. None when shadow is unreadable and login.defs sets a limit."""

    def days(value: int | None) -> int:
        return 0 if value is None or value < 0 or value >= _NEVER_DAYS else value

    rule = days(int(defs["PASS_MAX_DAYS"])) if "PASS_MAX_DAYS" in defs else 0
    if rule == 0:
        return 0
    if shadow is None:
        return None
    with_password = (shadow[a.name] for a in accounts if a.name in shadow and shadow[a.name].state == "set")
    held = [rule, *(days(s.max_days) for s in with_password)]
    return 0 if 0 in held else max(held)


def idle(machine: Machine) -> tuple[int, dict[str, object]]:
    """Minutes until an idle shell ends, 0 when nothing binds: a TMOUT that users may change is no rule."""
    seconds: list[int] = []
    fixed = False
    for path in ("/etc/profile", "/etc/bash.bashrc", "/etc/bashrc", *machine.files("/etc/profile.d", ".sh")):
        text = machine.read_optional(path) or ""
        found = _TMOUT.findall(text)
        seconds += [int(value) for _, value in found]
        fixed = fixed or any(word.split()[0] in ("readonly", "declare", "typeset") for word, _ in found if word)
        fixed = fixed or bool(re.search(r"^\s*(?:readonly|declare -r\w*|typeset -r\w*)\s+TMOUT\b", text, re.MULTILINE))
    logind = 0
    for path in ("/etc/systemd/logind.conf", *machine.files("/etc/systemd/logind.conf.d", ".conf")):
        for value in re.findall(r"^\s*StopIdleSessionSec\s*=\s*(\S+)", machine.read_optional(path) or "", re.MULTILINE):
            logind = int(value) if value.isdigit() else 0
    detail: dict[str, object] = {"tmout_s": max(seconds, default=0), "tmout_readonly": fixed, "logind_stop_s": logind}
    bounds = [max(seconds)] if fixed and seconds else []
    bounds += [logind] if logind else []
    return (-(-min(bounds) // 60) if bounds and min(bounds) > 0 else 0), detail


def second_factor(auth: list[Module], sshd: Sshd | None) -> tuple[bool | None, bool | None]:
    """Is a second factor demanded, and is there a way around it? None where the rules do not prove either."""
    modules = {m.module for m in auth}
    methods = [way.split(",") for value in (sshd or {}).get("authenticationmethods", []) for way in value.split()]
    strong = [m for m in auth if m.module in SECOND_FACTOR]
    remote = sshd is None or (
        bool(methods)
        and all(
            ("publickey" in way and len(way) > 1) or (strong and way[-1].startswith("keyboard-interactive"))
            for way in methods
        )
    )
    local = any(m.required and m.value("nullok") is None for m in strong)
    if remote and local:
        return True, False
    if modules <= PLAIN and not any(len(way) > 1 for way in methods):
        return False, True
    return None, None


def password_login(
    sshd: Sshd | None, asked: bool, accounts: list[Passwd], shadow: dict[str, Shadow] | None
) -> bool | None:
    """Could somebody sign in with a password: over ssh by its settings, or at a console because an account has one."""
    if sshd and "yes" in sshd.get("passwordauthentication", []) + sshd.get("kbdinteractiveauthentication", []):
        return True
    if shadow is not None:
        states = (shadow[a.name].state for a in accounts if a.name in shadow and a.may_log_in)
        if any(state in ("set", "empty") for state in states):
            return True
    return False if asked and shadow is not None else None


def read_auth_policy(machine: Machine, system: str) -> list[AuthPolicy]:
    """The one row of rules. Where the services differ the weakest counts. Raises when PAM itself is unreadable."""
    sshd: Sshd | None = None
    asked, why = True, None
    try:
        sshd = fetch_effective(machine)
    except SourceError as error:
        asked, why = False, error.message
    services = ["login", *(["sshd"] if machine.has("sshd") else [])]
    auths = [stack(machine, service, "auth") for service in services]
    auth = [module for modules in auths for module in modules]
    password = stack(machine, "passwd", "password")
    defs, shadow = login_defs(machine), fetch_shadow(machine)
    accounts = rows_passwd(machine.read("/etc/passwd"))
    faillock = settings(machine.read_optional("/etc/security/faillock.conf"))
    limits = [lockout(modules, faillock) for modules in auths]
    attempts, minutes = (0, 0) if (0, 0) in limits else (max(a for a, _ in limits), _shortest([m for _, m in limits]))
    length, alnum = quality(password, _pwquality(machine))
    idle_minutes, idle_detail = idle(machine)
    required, bypass = second_factor(auth, sshd) if asked else (None, None)
    return [
        AuthPolicy(
            system=system,
            password_login=password_login(sshd, asked, accounts, shadow),
            lockout_attempts=attempts,
            lockout_minutes=minutes,
            idle_minutes=idle_minutes,
            password_min_length=length,
            password_needs_alnum=alnum,
            password_history=history(password, settings(machine.read_optional("/etc/security/pwhistory.conf"))),
            password_max_age_days=max_age(defs, accounts, shadow),
            hash_algorithm=hash_algorithm(password, defs),
            mfa_required=required,
            mfa_bypass_allowed=bypass,
            detail={
                "services": services,
                "auth_modules": sorted({m.module for m in auth}),
                "password_modules": sorted({m.module for m in password}),
                "sshd_methods": (sshd or {}).get("authenticationmethods", []),
                "sshd_unread": why,
                **idle_detail,
            },
        )
    ]


def _shortest(minutes: list[int]) -> int:
    """The shortest lock-out; 0 stands for one that lasts until somebody lifts it."""
    return min((m for m in minutes if m), default=0)


def _pwquality(machine: Machine) -> dict[str, str]:
    found: dict[str, str] = {}
    for path in (*machine.files("/etc/security/pwquality.conf.d", ".conf"), "/etc/security/pwquality.conf"):
        found.update(settings(machine.read_optional(path)))
    return found
