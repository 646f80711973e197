"""All sources of `examples/stack` in one collection: in parallel, one after the other, and each source alone.

    python benchmarks/collect.py

Starts the stack in a temporary folder on free ports; the first collection only warms up. Prints the wall time, and the
processor time of the collecting process; that of the servers is not in it. Each source alone pays for a start of the
program and for opening the ledger, which the other two pay for once. On a machine that others use the wall says little.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from examples.stack.parts import Ports
from examples.stack.stack import Stack

FOLDERS = ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_DATA_HOME", "XDG_CACHE_HOME")


def collect(home: Path, *arguments: str) -> tuple[float, float]:
    """Wall and processor seconds of one `compliance collect`; keys and lock store lie below `home`, not the user's."""
    before, start = os.times(), time.perf_counter()
    command = [sys.executable, "-m", "compliance", "collect", "--quiet", *arguments]
    env = {**os.environ, **{name: str(home / "user") for name in FOLDERS}}
    done = subprocess.run(
        command, check=False, cwd=home, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    wall, after = time.perf_counter() - start, os.times()
    if done.returncode not in (0, 3):  # 3: something could not be read, and the benchmark would measure less
        sys.exit(f"{' '.join(command)}: exit {done.returncode}\n{done.stderr}")
    if done.returncode == 3:
        print(f"not everything was read:\n{done.stderr}", file=sys.stderr)
    spent = after.children_user + after.children_system - before.children_user - before.children_system
    return wall, spent


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory(prefix="bench-collect-", dir="/var/tmp") as folder:
        home = Path(folder)
        home.chmod(0o755)  # the servers run as accounts of their own
        with Stack(home, Ports.free()):
            text = (home / "compliance.toml").read_text()
            (home / "serial.toml").write_text(f"{text}\n[collect]\nparallel = 1\n")
            collect(home)
            alone = {source: collect(home, source) for source in sorted(tomllib.loads(text)["sources"])}
            serial, parallel = collect(home, "--config", "serial.toml"), collect(home)
    walls, cpus = (sum(column) for column in zip(*alone.values(), strict=True))
    told = {**alone, "sum of each alone": (walls, cpus), "one after the other": serial, "in parallel": parallel}
    for name, (wall, cpu) in told.items():
        print(f"{name:<22} {wall:6.2f} s wall  {cpu:6.2f} s CPU")
    of_serial, of_sum = parallel[0] / serial[0], parallel[0] / walls
    print(f"in parallel : one after the other {of_serial:.2f}, : sum of each alone {of_sum:.2f}")
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


if __name__ == "__main__":
    main()
