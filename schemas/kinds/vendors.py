"""Registers of vendors and contracts, of disclosures of education records, notices and consent."""

from __future__ import annotations
