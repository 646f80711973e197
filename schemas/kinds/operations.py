"""Registers of incidents, changes, maintenance, scans and tests."""

from __future__ import annotations
