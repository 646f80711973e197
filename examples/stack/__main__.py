"""Start the stack and keep it until Ctrl-C:  python -m examples.stack [FOLDER] [--fault NAME]"""

from __future__ import annotations

import argparse
import signal
from contextlib import ExitStack
from pathlib import Path

from examples.stack.faults import FAULTS
from examples.stack.stack import HERE, Stack


def main() -> None:
    """Start, say where everything is, wait."""
    usage = argparse.ArgumentParser("python -m examples.stack", description=__doc__)
    usage.add_argument("folder", nargs="?", type=Path, default=HERE, help="where compliance.toml and run/ lie")
    usage.add_argument("--fault", choices=[fault.name for fault in FAULTS], help="plant this one; see faults.md")
    given = usage.parse_args()
    with Stack(given.folder) as stack, ExitStack() as planted:
        for fault in FAULTS:
            if fault.name == given.fault:
                planted.enter_context(fault.planted(stack))
                print(f"planted: {fault.says} It must turn {', '.join(sorted(fault.turns))}")
        print(f"https://school.localhost:{stack.ports.https}/ and the rest of the stack run; Ctrl-C ends them")
        print(f"audit them from another terminal:  cd {stack.home} && compliance audit")
        try:
            signal.pause()
        except KeyboardInterrupt:
            print("\nstopped")


if __name__ == "__main__":
    main()
