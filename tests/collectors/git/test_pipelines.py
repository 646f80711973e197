"""What a pipeline is said to call is what it calls: not what a comment, a name or a switched-off job mentions."""

from __future__ import annotations

import pytest

from compliance.collectors.git.pipelines import Pipeline, ci_system, read_pipeline

GITHUB = """
on: push
jobs:
  # gitleaks is planned
  test:
    name: run trivy image some day
    steps:
      - uses: actions/checkout@v4
      - uses: ./own
      - uses: acme/lint@main
      - uses: acme/pinned@0123456789012345678901234567890123456789
      - uses: docker://alpine@sha256:{digest}
      - name: bandit
        run: |
          # semgrep ci
          pip-audit --strict   # checkov
          python -m pytest -q
  off:
    if: false
    steps: [{{run: grype image}}]
  off_too:
    steps:
      - if: ${{{{ false }}}}
        run: gitleaks detect
""".format(digest="a" * 64)


def test_github_actions_are_read_as_they_run() -> None:
    assert read_pipeline("github_actions", GITHUB.encode()) == Pipeline(
        tool_types=["dependencies"], tools=["pip-audit"], runs_tests=True, unpinned_actions=1, error=None
    )


def test_gitlab_tags_and_includes_are_understood() -> None:
    text = b"""
include:
  - template: Jobs/SAST.gitlab-ci.yml
scan:
  script:
    - !reference [.setup, script]
    - gitleaks detect
    - trivy config .
    - trivy image app
"""
    found = read_pipeline("gitlab", text)
    assert found.tool_types == ["container", "iac", "sast", "secrets"]
    assert found.tools == ["gitlab-sast", "gitleaks", "trivy"]
    assert (found.runs_tests, found.unpinned_actions) == (False, 0)


def test_scripts_and_jenkinsfiles_are_text() -> None:
    jenkins = b"pipeline { /* bandit */ stage('t') { sh 'go test ./...' } // gosec\n}"
    assert read_pipeline("jenkins", jenkins) == Pipeline([], [], True, 0, None)
    assert read_pipeline("script", b"#!/bin/sh\n# bandit\nsemgrep ci\n").tools == ["semgrep"]


@pytest.mark.parametrize("content", [b"a: [", b"just words", b"", b"\xff\xfe", b"a: *unknown"])
def test_what_cannot_be_parsed_says_why_and_claims_nothing(content: bytes) -> None:
    found = read_pipeline("github_actions", content)
    assert found.error
    assert (found.tools, found.tool_types, found.runs_tests, found.unpinned_actions) == (None, None, None, None)


def test_aliases_that_multiply_are_walked_once() -> None:
    lines = ["a0: &a0 [pytest, pytest]"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    assert read_pipeline("gitlab", "\n".join(lines).encode()).runs_tests is True


@pytest.mark.parametrize(
    ("path", "system"),
    [
        (".github/workflows/a.yml", "github_actions"),
        ("sub/.github/workflows/a.yml", None),
        (".gitlab-ci.yml", "gitlab"),
        ("deploy/Jenkinsfile", "jenkins"),
        (".circleci/config.yml", "circleci"),
        ("azure-pipelines.yml", "azure"),
        ("ci/build.sh", "script"),
        ("src/ci.py", None),
    ],
)
def test_paths_tell_the_system(path: str, system: str | None) -> None:
    assert ci_system(path) == system
