"""The engine: evidence that controls work, kept so that an outside auditor can check it."""

from __future__ import annotations


def __getattr__(name: str) -> str:
    """`__version__`, looked up on demand: reading package metadata would slow down `compliance --help`."""
    if name == "__version__":
        from importlib.metadata import PackageNotFoundError, version

        try:
            return version("compliance-engine")
        except PackageNotFoundError:  # a checkout that was never installed
            return "0.1.0"
    raise AttributeError(f"module 'compliance' has no attribute {name!r}")
