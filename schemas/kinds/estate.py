"""Storage, backups, monitoring and capacity, whatever product provides them."""

from __future__ import annotations
