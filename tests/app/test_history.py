"""What several threads ask of the ledger over a period."""

from __future__ import annotations

from threading import Event, Lock, Thread

from compliance.app.history import one_at_a_time


def test_what_reads_by_one_connection_is_not_asked_by_two_threads_at_once() -> None:
    lock, second = Lock(), Event()

    def statements(n: int) -> int:
        second.set()
        return n

    other = one_at_a_time(statements, lock)

    def flags(n: int) -> bool:
        Thread(target=other, args=(n,)).start()
        return second.wait(0.2)

    assert one_at_a_time(flags, lock)(1) is False
    assert second.wait(30), "and then it is its turn"
