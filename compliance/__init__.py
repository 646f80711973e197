"""The engine: evidence that controls work, kept so that an outside auditor can check it."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("compliance-engine")
except PackageNotFoundError:  # a checkout that was never installed
    __version__ = "0.1.0"
