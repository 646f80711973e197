"""Registers of the privacy desk, and the inventory of data with how long it is kept."""

from __future__ import annotations
