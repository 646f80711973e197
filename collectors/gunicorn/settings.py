"""Which gunicorn, and how often it is looked at."""

from __future__ import annotations

import ipaddress
from typing import Annotated

from pydantic import AfterValidator, Field

from compliance.schemas.messages import LocalPath, Settings


def address(text: str) -> str:
    """`text` as the kernel's tables are compared with: `unix:/path`, `10.0.0.1:8000`, `[::1]:8000`.

    Raises ValueError for host names (which address they have is decided elsewhere) and for anything else.
    """
    if text.startswith("unix:"):
        path = "/" + text.removeprefix("unix:").lstrip("/")
        if len(path) > 1:
            return f"unix:{path}"
        raise ValueError("unix: needs an absolute path")
    host, _, port = text.rpartition(":")
    host = {"": "0.0.0.0", "localhost": "127.0.0.1"}.get(host, host).strip("[]")  # noqa: S104 -- read, not bound
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise ValueError(f"{text} has no port; write ADDRESS:PORT or unix:/PATH")
    number = ipaddress.ip_address(host)
    return f"[{number}]:{int(port)}" if number.version == 6 else f"{number}:{int(port)}"


class GunicornSettings(Settings):
    """One gunicorn, told from others by the address it listens on."""

    bind: Annotated[str, AfterValidator(address)] = Field(description="ADDRESS:PORT or unix:/PATH it listens on.")
    config: LocalPath | None = Field(
        default=None, description="Configuration file; default: the one its command line names."
    )
    ask_master: bool = Field(
        default=True, description="Ask the master for its settings over its control socket, where this account may."
    )
    samples: int = Field(default=5, ge=2, le=60, description="Readings of the process table in one collection.")
    interval_s: float = Field(default=1.0, ge=0.05, le=10, description="Seconds between two readings.")
