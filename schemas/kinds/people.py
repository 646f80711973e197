"""Registers of people, their accounts' reviews, and how the organisation is governed."""

from __future__ import annotations
