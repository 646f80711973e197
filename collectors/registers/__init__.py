"""Registers that people keep: files and tables with a published schema, read strictly."""

from compliance.collectors.registers.collector import Registers

__all__ = ["Registers"]
