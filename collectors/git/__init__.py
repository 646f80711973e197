"""Git repositories as a clone shows them: history, signatures, ownership rules, pipelines, components and secrets."""

from compliance.collectors.git.collector import Git, GitSettings

__all__ = ["Git", "GitSettings"]
