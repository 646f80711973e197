"""Application servers: a master process, the workers it keeps, and how they were told to run."""

from __future__ import annotations

from typing import Any, ClassVar

from compliance.schemas.evidence import Event, Instant, State, always, column


class WorkerPool(State):
    """An application server that keeps a number of worker processes, as configured and as it runs."""

    kind: ClassVar[str] = "worker_pool"
    key: ClassVar[tuple[str, ...]] = ("component", "instance")

    component: str = always("gunicorn, …")
    instance: str = always("Address or socket on which requests come in.")
    running: bool | None = column("A master process holds the address.")
    masters: int | None = column("Master processes; two while one replaces the other.")
    master_started_at: Instant | None = column("Start of the newest master.")
    master_as_root: bool | None = column("A master runs with the rights of root.")
    workers_configured: int | None = column(
        "Workers the master was told to keep, as it holds now; NULL while that cannot be known."
    )
    workers_running: int | None = column("Workers alive at the last reading.")
    workers_as_root: bool | None = column("A worker has user id 0, or a capability beyond binding low ports.")
    oldest_worker_at: Instant | None = column("Start of the worker that runs longest.")
    youngest_worker_at: Instant | None = column("Start of the newest worker.")
    account: str | None = column("System accounts of the workers, sorted and joined by a space.")
    worker_class: str | None = column("How a worker handles requests (sync, gthread, gevent, …).")
    threads: int | None = column("Threads per worker.")
    timeout_s: int | None = column("Seconds after which a silent worker is replaced; 0 for never.")
    graceful_timeout_s: int | None = column("Seconds a worker may take to finish when told to stop.")
    max_requests: int | None = column("Requests after which a worker is replaced; 0 for never.")
    bind_configured: list[str] | None = column("Addresses it was told to listen on.")
    listens_on: list[str] | None = column("Addresses its sockets have in the kernel.")
    access_log: bool | None = column("Requests are logged by the server itself.")
    statsd: bool | None = column("Counters are sent to a statsd server.")
    reloads_on_change: bool | None = column("Workers restart when source files change: meant for development.")
    control_socket: str | None = column("Socket by which the running server can be commanded; '' when there is none.")
    control_socket_open: bool | None = column("Accounts other than the server's own may use that socket.")
    config_path: str | None = column("Configuration file it was started with; '' when there is none.")
    config_changed: bool | None = column("That file, or a link on the way to it, changed after the master started.")
    detail: dict[str, Any] | None = column("Where each setting comes from, and what only this product says.")


class WorkerProcess(State):
    """One process of an application server."""

    kind: ClassVar[str] = "worker_process"
    key: ClassVar[tuple[str, ...]] = ("component", "instance", "pid")

    component: str = always("gunicorn, …")
    instance: str = always("Address or socket on which requests come in.")
    pid: int = always("Process number.")
    role: str = always("master or worker.")
    started_at: Instant | None = column("Running since.")
    account: str | None = column("System account, by its effective user id.")
    as_root: bool | None = column("User id 0, or a capability beyond binding low ports.")


class WorkerSample(Event):
    """One reading of how many workers are alive. Several, a short time apart, show what a single look would miss."""

    kind: ClassVar[str] = "worker_sample"
    key: ClassVar[tuple[str, ...]] = ("component", "instance", "occurred_at")

    component: str = always("gunicorn, …")
    instance: str = always("Address or socket on which requests come in.")
    masters: int = always("Master processes; 0 when the server was stopped.")
    workers: int = always("Workers alive.")
    workers_as_root: int = always("Those with the rights of root.")
    replaced: int | None = column("Workers that were not there in the reading before; NULL in the first of a series.")
    interval_ms: int | None = column("Time since the reading before; NULL in the first of a series.")
