"""One verification in a process of its own, which imports nothing else: what it took, as JSON. For ledger.py."""

from __future__ import annotations

import json
import re
import resource
import sys
import time
from pathlib import Path

from compliance.verify import verify


def main() -> None:
    """Verify the ledger in a folder by so many processes."""
    folder, processes = Path(sys.argv[1]), int(sys.argv[2])
    wall, cpu = time.perf_counter(), time.process_time()
    result = verify(folder / "ledger.duckdb", lock_store=folder / "lock", processes=processes)
    assert result.ok, result.problems
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    # the peak of this program alone: that of getrusage counts from before it was started
    peak = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
    assert peak
    memory = int(peak[1]) + (processes - 1) * ended.ru_maxrss
    print(json.dumps({"wall": wall, "cpu": cpu + ended.ru_utime + ended.ru_stime, "mib": memory // 1024}))


if __name__ == "__main__":
    main()
