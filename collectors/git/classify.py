"""What a file is, by its path and, where a path does not tell, its content; and the rules of CODEOWNERS."""

from __future__ import annotations

import re
from collections.abc import Iterable

from compliance.schemas.kinds.code import CodeOwnerRule

# GitHub reads the first of these, GitLab the last three in this order.
CODE_OWNERS = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS")
LOOK_INSIDE_BYTES = 1 << 20

_IAC_PATHS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (tool, re.compile(pattern))
    for tool, pattern in (
        ("terraform", r"\.(tf|tfvars)(\.json)?\Z|(^|/)\.terraform\.lock\.hcl\Z"),
        ("packer", r"\.pkr\.(hcl|json)\Z"),
        ("nix", r"\.nix\Z"),
        ("pulumi", r"(^|/)Pulumi(\.[\w-]+)?\.ya?ml\Z"),
        ("helm", r"(^|/)(Chart\.ya?ml|values[\w.-]*\.ya?ml|charts/.+|templates/[^/]+\.tpl)\Z"),
        ("compose", r"(^|/)(docker-)?compose[\w.-]*\.ya?ml\Z"),
        ("docker", r"(^|/)((Docker|Container)file([._-][\w.-]+)?|[^/]+\.[Dd]ockerfile)\Z"),
        (
            "ansible",
            r"(^|/)(ansible\.cfg|roles/[^/]+/(tasks|handlers|defaults|vars|meta)/[^/]+\.ya?ml|playbooks?[\w.-]*\.ya?ml)\Z",
        ),
        ("ansible", r"(^|/)(playbooks/.+\.ya?ml|(group|host)_vars/.+)\Z"),
    )
)
_TEXT = re.compile(r"\.(ya?ml|json|template)\Z")
_CLOUDFORMATION = re.compile(rb"AWSTemplateFormatVersion|[\"']?Type[\"']?\s*:\s*[\"']?AWS::[A-Z]")
_KUBERNETES = (re.compile(rb"^apiVersion:\s*\S", re.MULTILINE), re.compile(rb"^kind:\s*\S", re.MULTILINE))
_KUBERNETES_JSON = (re.compile(rb'"apiVersion"\s*:\s*"'), re.compile(rb'"kind"\s*:\s*"'))
_PLAYBOOK = re.compile(rb"^- (?:name: .*\n(?:  .*\n)*?  )?hosts:", re.MULTILINE)


def iac_tool(path: str) -> str | None:
    """The infrastructure tool a path belongs to, where the path alone tells."""
    return next((tool for tool, pattern in _IAC_PATHS if pattern.search(path)), None)


def may_be_iac(path: str) -> bool:
    """The path does not tell; the content might."""
    return _TEXT.search(path) is not None


def iac_tool_inside(content: bytes) -> str | None:
    """The infrastructure tool that a YAML or JSON text is for."""
    if _CLOUDFORMATION.search(content):
        return "cloudformation"
    if all(p.search(content) for p in _KUBERNETES) or all(p.search(content) for p in _KUBERNETES_JSON):
        return "kubernetes"
    return "ansible" if _PLAYBOOK.search(content) else None


def code_owner_rules(repository: str, text: str) -> list[CodeOwnerRule]:
    """The rules of a CODEOWNERS file in order. A GitLab section's owners hold for its rules that name none."""
    rules: list[CodeOwnerRule] = []
    inherited: list[str] = []
    for line in text.splitlines():
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        section = re.match(r"\^?\[[^\]]+\](?:\[\d+\])?\s*(.*)\Z", line)
        if section:
            inherited = _owners(section[1].split())
            continue
        pattern, *rest = re.split(r"(?<!\\)\s+", line)
        owners = _owners(rest) or inherited
        rules.append(CodeOwnerRule(repository=repository, position=len(rules) + 1, pattern=pattern, owners=owners))
    return rules


def _owners(words: Iterable[str]) -> list[str]:
    owners: list[str] = []
    for word in words:
        if word.startswith("#"):
            break
        owners.append(word)
    return owners
