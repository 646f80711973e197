"""CI definitions: whose they are, and what security tools and tests they call, as written."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

_SYSTEMS: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (system, re.compile(pattern))
    for system, pattern in (
        ("github_actions", r"^\.github/workflows/[^/]+\.ya?ml\Z"),
        ("gitlab", r"^\.gitlab-ci\.ya?ml\Z|^\.gitlab/ci/.+\.ya?ml\Z"),
        ("forgejo_actions", r"^\.(forgejo|gitea)/workflows/[^/]+\.ya?ml\Z"),
        ("azure", r"^\.?azure-pipelines[\w.-]*\.ya?ml\Z"),
        ("circleci", r"^\.circleci/config\.ya?ml\Z"),
        ("bitbucket", r"^bitbucket-pipelines\.ya?ml\Z"),
        ("drone", r"^\.drone\.ya?ml\Z"),
        ("woodpecker", r"^\.woodpecker(\.ya?ml|/[^/]+\.ya?ml)\Z"),
        ("travis", r"^\.travis\.ya?ml\Z"),
        ("buildkite", r"^\.buildkite/[^/]+\.ya?ml\Z"),
        ("appveyor", r"^\.?appveyor\.ya?ml\Z"),
        ("jenkins", r"(^|/)Jenkinsfile([\w.-]*)?\Z"),
        ("script", r"^\.?ci/([^/]+\.(sh|bash|py)|run)\Z"),
    )
)
# What the tools are called where they are called; one tool may be of several types by its sub-command.
_TOOLS: tuple[tuple[str, str, str], ...] = (
    ("semgrep", "sast", r"\bsemgrep\b|returntocorp/semgrep"),
    ("bandit", "sast", r"\bbandit\b"),
    ("codeql", "sast", r"github/codeql-action|\bcodeql\b"),
    ("sonarqube", "sast", r"\bsonar-scanner\b|sonarsource/|sonarqube|sonarcloud"),
    ("gosec", "sast", r"\bgosec\b"),
    ("brakeman", "sast", r"\bbrakeman\b"),
    ("eslint-security", "sast", r"eslint-plugin-security"),
    ("gitlab-sast", "sast", r"(?:Jobs|Security)/SAST\.(?:latest\.)?gitlab-ci\.yml"),
    ("pip-audit", "dependencies", r"\bpip-audit\b|gh-action-pip-audit"),
    ("safety", "dependencies", r"\bsafety (?:check|scan)\b"),
    ("npm-audit", "dependencies", r"\b(?:npm|pnpm|yarn(?: npm)?) audit\b"),
    ("osv-scanner", "dependencies", r"\bosv-scanner\b"),
    ("dependency-review", "dependencies", r"actions/dependency-review-action"),
    ("dependency-check", "dependencies", r"\bdependency-check\b"),
    ("snyk", "dependencies", r"\bsnyk (?:test|monitor)\b|snyk/actions"),
    ("govulncheck", "dependencies", r"\bgovulncheck\b"),
    ("cargo-audit", "dependencies", r"\bcargo[ -](?:audit|deny)\b"),
    ("bundler-audit", "dependencies", r"\bbundle(?:r)?[ -]audit\b"),
    ("trivy", "dependencies", r"\btrivy (?:fs|filesystem|repo)\b"),
    ("gitlab-dependency-scanning", "dependencies", r"Dependency-Scanning\.(?:latest\.)?gitlab-ci\.yml"),
    ("gitleaks", "secrets", r"\bgitleaks\b"),
    ("trufflehog", "secrets", r"\btrufflehog\b"),
    ("detect-secrets", "secrets", r"\bdetect-secrets(?:-hook)?\b"),
    ("gitlab-secret-detection", "secrets", r"Secret-Detection\.(?:latest\.)?gitlab-ci\.yml"),
    ("checkov", "iac", r"\bcheckov\b"),
    ("tfsec", "iac", r"\btfsec\b"),
    ("kics", "iac", r"\bkics\b"),
    ("terrascan", "iac", r"\bterrascan\b"),
    ("tflint", "iac", r"\btflint\b"),
    ("trivy", "iac", r"\btrivy config\b"),
    ("trivy", "container", r"\btrivy image\b|aquasecurity/trivy-action"),
    ("grype", "container", r"\bgrype\b|anchore/scan-action"),
    ("hadolint", "container", r"\bhadolint\b"),
    ("docker-scout", "container", r"\bdocker scout\b|docker/scout-action"),
    ("gitlab-container-scanning", "container", r"Container-Scanning\.(?:latest\.)?gitlab-ci\.yml"),
    ("zap", "dast", r"\bzap-(?:baseline|full-scan|api-scan)\b|zaproxy/action"),
    ("nuclei", "dast", r"\bnuclei\b"),
)
_COMPILED = tuple((tool, kind, re.compile(pattern, re.IGNORECASE)) for tool, kind, pattern in _TOOLS)
_TESTS = re.compile(
    r"\b(?:pytest|tox|nox|unittest|manage\.py test|(?:npm|pnpm|yarn)(?: run)? test|jest|vitest|mocha|go test"
    r"|cargo (?:nextest|test)|mvn\b.*\b(?:test|verify)|gradlew? .*\b(?:test|check)|rspec|rake test|phpunit"
    r"|make (?:test|check)|dotnet test|ctest|bats)\b"
)
_PINNED = re.compile(r"@[0-9a-f]{40}\Z|@sha256:[0-9a-f]{64}\Z")
_OWN = ("./", "actions/", "github/")  # the host's own actions are no third party's
_COMMENT = re.compile(r"(^|\s)(#|//).*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Pipeline:
    """What a definition does; all but `error` None when it cannot be parsed."""

    tool_types: list[str] | None = None
    tools: list[str] | None = None
    runs_tests: bool | None = None
    unpinned_actions: int | None = None
    error: str | None = None


def ci_system(path: str) -> str | None:
    """The CI system a path is a definition for."""
    return next((system for system, pattern in _SYSTEMS if pattern.search(path)), None)


def read_pipeline(system: str, content: bytes) -> Pipeline:
    """What a definition calls. Comments, and jobs or steps that are switched off by `if: false`, do not count."""
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return Pipeline(error="not UTF-8 text")
    if system in ("jenkins", "script"):
        words = [re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL) if system == "jenkins" else text]
        uses: list[str] = []
    else:
        try:
            documents = list(yaml.load_all(text, Loader=_Loader))
        except (yaml.YAMLError, ValueError, RecursionError) as error:
            problem = getattr(error, "problem", None) or type(error).__name__
            mark = getattr(error, "problem_mark", None)
            return Pipeline(error=f"not YAML: {problem}" + (f", line {mark.line + 1}" if mark else ""))
        if not any(isinstance(document, dict) for document in documents):
            return Pipeline(error="no definition in it")
        seen: set[int] = set()
        pairs = [pair for document in documents for pair in _words(document, "", seen)]
        words, uses = [word for _, word in pairs], [word for key, word in pairs if key == "uses"]
    code = "\n".join(_COMMENT.sub("", word) for word in words)
    called = [(tool, kind) for tool, kind, pattern in _COMPILED if pattern.search(code)]
    return Pipeline(
        tool_types=sorted({kind for _, kind in called}),
        tools=sorted({tool for tool, _ in called}),
        runs_tests=_TESTS.search(code) is not None,
        unpinned_actions=sum(1 for use in uses if not use.startswith(_OWN) and not _PINNED.search(use)),
    )


def _words(node: Any, key: str, seen: set[int]) -> Iterator[tuple[str, str]]:
    """Every text in a definition with the key it stands under; names and what is switched off are left out.
    `seen` holds the containers visited: one that many aliases point to is walked once."""
    if isinstance(node, str):
        if key not in ("name", "description", "title"):
            yield key, node
        return
    if not isinstance(node, dict | list) or id(node) in seen:
        return
    seen.add(id(node))
    if isinstance(node, list):
        for inner in node:
            yield from _words(inner, key, seen)
    elif str(node.get("if", "")).strip().lower() not in ("false", "${{ false }}"):
        for name, inner in node.items():
            yield from _words(inner, str(name), seen)


class _Loader(yaml.SafeLoader):
    """YAML with a CI system's own tags (`!reference`), which stand for themselves."""


def _unknown(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node)
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node)
    return str(node.value)


_Loader.add_multi_constructor("!", _unknown)
