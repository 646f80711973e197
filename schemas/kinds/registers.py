"""What owners of registers say of them."""

from __future__ import annotations
