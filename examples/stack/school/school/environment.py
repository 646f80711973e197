"""What the settings take from the environment, and secrets from files."""

import os
from pathlib import Path


def get(name: str, default: str = "") -> str:
    """The variable of that name. Raises RuntimeError where it is needed and not set."""
    value = os.environ.get(name, default)
    if not value:
        raise RuntimeError(f"{name} is not set: the school is started by `python -m examples.stack`")
    return value


def secret(name: str) -> str:
    """The content of a file of that name in the folder of secrets."""
    return (Path(get("SCHOOL_SECRETS")) / name).read_text()
