"""How long `compliance --help` takes, beside the interpreter alone. Limit: 200 ms."""

from __future__ import annotations

import subprocess
import sys
import time

LIMIT_MS = 200
HEAVY = ("duckdb", "pyarrow", "pydantic", "sqlmodel", "weasyprint", "pandas", "yaml", "httpx")


def best_ms(arguments: list[str], rounds: int = 10) -> float:
    """Best wall time of `rounds` runs in milliseconds."""
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        subprocess.run([sys.executable, *arguments], stdout=subprocess.DEVNULL, check=True)
        times.append((time.perf_counter() - started) * 1000)
    return min(times)


def imported() -> list[str]:
    """Heavy modules that the help path imports; there should be none."""
    probe = (
        "import sys, contextlib, io\n"
        "sys.argv = ['compliance', '--help']\n"
        "from compliance.cli import main\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):\n"
        "    main()\n"
        f"print(*[m for m in {HEAVY!r} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True)
    return done.stdout.split()


if __name__ == "__main__":
    bare = best_ms(["-c", "pass"])
    shown = best_ms(["-m", "compliance", "--help"])
    print(f"python alone            {bare:6.0f} ms")
    print(f"compliance --help       {shown:6.0f} ms  {shown / bare:.1f} × python alone")
    print(f"limit                   {LIMIT_MS:6.0f} ms  {shown / LIMIT_MS:.2f} of it used")
    print("heavy modules imported:", ", ".join(imported()) or "none")
