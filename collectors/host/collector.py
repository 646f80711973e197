"""The host collector: which kinds it promises, and which reader answers for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any, ClassVar

from pydantic import Field

from compliance.collectors.host import settings as config
from compliance.collectors.host.accounts import read_user_account
from compliance.collectors.host.agents import read_security_agent
from compliance.collectors.host.clock import read_clock_status
from compliance.collectors.host.disks import read_disk_volume
from compliance.collectors.host.firewall import read_firewall_default, read_firewall_rule
from compliance.collectors.host.logs import read_log_store
from compliance.collectors.host.machine import Machine
from compliance.collectors.host.packages import read_package_update, read_patch_state
from compliance.collectors.host.rights import read_role_grant
from compliance.collectors.host.signin import read_auth_policy
from compliance.collectors.host.sockets import read_listening_socket
from compliance.collectors.host.system import asset_id, hostname, read_asset
from compliance.schemas.errors import Malformed, SourceError
from compliance.schemas.evidence import Evidence
from compliance.schemas.kinds.host import (
    Asset,
    ClockStatus,
    ConfigFile,
    DiskVolume,
    ListeningSocket,
    LogStore,
    PackageUpdate,
    PatchState,
    SecurityAgent,
    Setting,
)
from compliance.schemas.kinds.identity import AuthPolicy, RoleGrant, UserAccount
from compliance.schemas.kinds.network import FirewallDefault, FirewallRule
from compliance.schemas.messages import (
    Access,
    Cause,
    Complete,
    Context,
    Discovery,
    Found,
    Gap,
    Message,
    Record,
    Settings,
)


class HostSettings(Settings):
    """Settings of a `host` source. Who owns the machine and what it is for is declared elsewhere."""

    asset: str | None = Field(default=None, description="Name of the machine in all rows, instead of a derived one.")
    time_servers: tuple[str, ...] = Field(default=(), description="Time servers the organisation has approved.")


Reader = Callable[[Machine, HostSettings, datetime], Sequence[Evidence]]


def _of_asset(reader: Callable[[Machine, str], Sequence[Evidence]]) -> Reader:
    return lambda machine, settings, now: reader(machine, asset_id(machine, settings.asset))


READERS: dict[type[Evidence], Reader] = {
    Asset: _of_asset(read_asset),
    PatchState: _of_asset(read_patch_state),
    PackageUpdate: _of_asset(read_package_update),
    UserAccount: lambda machine, settings, now: read_user_account(machine, now),
    RoleGrant: lambda machine, settings, now: read_role_grant(machine),
    AuthPolicy: lambda machine, settings, now: read_auth_policy(machine, settings.asset or hostname(machine)),
    Setting: lambda machine, settings, now: config.read_setting(machine),
    ConfigFile: lambda machine, settings, now: config.read_config_file(machine),
    ListeningSocket: _of_asset(read_listening_socket),
    FirewallDefault: _of_asset(read_firewall_default),
    FirewallRule: _of_asset(read_firewall_rule),
    ClockStatus: lambda machine, settings, now: read_clock_status(
        machine, asset_id(machine, settings.asset), settings.time_servers
    ),
    DiskVolume: _of_asset(read_disk_volume),
    SecurityAgent: _of_asset(read_security_agent),
    LogStore: _of_asset(read_log_store),
}


class Host:
    """Reads the machine it runs on."""

    name: ClassVar[str] = "host"
    title: ClassVar[str] = "This machine (Linux)"
    kinds: ClassVar[tuple[type[Evidence], ...]] = tuple(READERS)
    Settings: ClassVar[type[Settings]] = HostSettings

    def discover(self, ctx: Discovery) -> Iterator[Found]:
        """The machine itself, when it is a Linux: there is always one."""
        if (ctx.root / "proc/sys/kernel/osrelease").exists():
            yield Found("host", {}, "the machine this runs on")

    def check(self, ctx: Context[Any]) -> Iterator[Access]:
        """One Access for each kind, by really reading it: that is quicker than reasoning about rights, and true."""
        machine = _machine(ctx)
        for kind in self.kinds:
            try:
                count = len(_read(machine.for_kind(), kind, ctx))
                yield Access(kind.kind, True, f"{count} rows")
            except SourceError as error:
                yield Access(kind.kind, False, error.message, error.remedy or "")

    def collect(self, ctx: Context[Any]) -> Iterator[Message]:
        """Each wanted kind's records and its Complete, or its Gap."""
        shared = _machine(ctx)
        for kind in self.kinds:
            if kind.kind not in ctx.wanted or ctx.stop.is_set():
                continue
            machine = shared.for_kind()
            try:
                rows = _read(machine, kind, ctx)
            except SourceError as error:
                remedy = error.remedy or "see the README of the host collector"
                yield Gap(kind.kind, Cause(error.cause), error.message, remedy, tuple(machine.requests))
                continue
            for row in rows:
                yield Record(row)
            yield Complete(kind.kind, tuple(machine.requests))


def _machine(ctx: Context[Any]) -> Machine:
    return Machine(timeout_s=ctx.timeout_s, throttle=ctx.throttle)


def _read(machine: Machine, kind: type[Evidence], ctx: Context[Any]) -> Sequence[Evidence]:
    """Rows of one kind. An answer that a parser cannot take is Malformed; its text is not repeated, for it may be
    anything, a secret included."""
    try:
        return READERS[kind](machine, ctx.settings, ctx.clock())
    except (ValueError, LookupError, TypeError) as error:
        asked = machine.requests[-1].text if machine.requests else "the machine"
        raise Malformed(
            f"{kind.kind}: an answer has an unknown shape ({type(error).__name__}, last asked: {asked[:120]})",
            remedy="report it with the name and version of what was asked",
        ) from error
