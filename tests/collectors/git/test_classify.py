"""Which file is for which tool, and the rules of CODEOWNERS."""

from __future__ import annotations

import pytest

from compliance.collectors.git.classify import code_owner_rules, iac_tool, iac_tool_inside
from compliance.collectors.git.redact import without_passwords


@pytest.mark.parametrize(
    ("path", "tool"),
    [
        ("a/main.tf", "terraform"),
        ("x.tfvars.json", "terraform"),
        ("image.pkr.hcl", "packer"),
        ("flake.nix", "nix"),
        ("Pulumi.prod.yaml", "pulumi"),
        ("charts/a/Chart.yaml", "helm"),
        ("docker-compose.prod.yml", "compose"),
        ("compose.yaml", "compose"),
        ("Dockerfile.dev", "docker"),
        ("web.Dockerfile", "docker"),
        ("roles/db/tasks/main.yml", "ansible"),
        ("group_vars/all", "ansible"),
        ("src/main.py", None),
        ("docs/Dockerfiles.md", None),
        ("notes.yaml", None),
    ],
)
def test_paths_tell_the_tool(path: str, tool: str | None) -> None:
    assert iac_tool(path) == tool


@pytest.mark.parametrize(
    ("content", "tool"),
    [
        (b"apiVersion: v1\nkind: Service\n", "kubernetes"),
        (b'{"apiVersion": "v1", "kind": "Service"}', "kubernetes"),
        (b"AWSTemplateFormatVersion: '2010-09-09'\n", "cloudformation"),
        (b"Resources:\n  B:\n    Type: AWS::S3::Bucket\n", "cloudformation"),
        (b"---\n- name: web\n  become: true\n  hosts: all\n", "ansible"),
        (b"- hosts: all\n", "ansible"),
        (b"kind: something\n", None),
        (b"openapi: 3.0.0\n", None),
    ],
)
def test_content_tells_the_tool(content: bytes, tool: str | None) -> None:
    assert iac_tool_inside(content) == tool


def test_code_owner_rules_keep_order_sections_and_empty_owners() -> None:
    text = "# top\n* @all  # comment\n\\#odd\\ name @x\n/free/\n"
    text += "[Docs][2] @docs-team\n*.md\n*.rst @rst\n^[Optional]\n*.txt\n"
    assert [(r.position, r.pattern, r.owners) for r in code_owner_rules("r", text)] == [
        (1, "*", ["@all"]),
        (2, "\\#odd\\ name", ["@x"]),
        (3, "/free/", []),
        (4, "*.md", ["@docs-team"]),
        (5, "*.rst", ["@rst"]),
        (6, "*.txt", []),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("https://u:p@h/x.git", "https://h/x.git"),
        ("https://token@h/x", "https://h/x"),
        ("https://u:p@ss@h/x", "https://h/x"),
        ("ssh://git@h:22/x", "ssh://h:22/x"),
        ("git@h:x.git", "git@h:x.git"),
        ("https://h/x?private_token=s#f", "https://h/x"),
        ("unable to access 'https://u:p@h/x/': refused", "unable to access 'https://h/x/': refused"),
        ("/srv/git/x.git", "/srv/git/x.git"),
    ],
)
def test_addresses_lose_what_they_carry(text: str, expected: str) -> None:
    assert without_passwords(text) == expected
