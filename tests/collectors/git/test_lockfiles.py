"""Each lock file format, as its own tool writes it, with something pinned and something not."""

from __future__ import annotations

import json

import pytest

from compliance.collectors.git.lockfiles import Inventory, is_lock, read_lock

H = "sha256:" + "a" * 64
COMMIT = "b" * 40

FILES: dict[str, tuple[str, str, str, Inventory | None]] = {
    "requirements, loose": (
        "requirements-dev.txt",
        (
            "# a comment\n-r base.txt\n--index-url https://x\na==1.0  # why\nb>=2\nc\n"
            "d[extra]==2.0; python_version>'3'\ne==1.*\n-e ./own\n"
            f"g @ git+https://h/g@{COMMIT}\n"
        ),
        "pypi",
        Inventory(7, 4, False),
    ),
    "requirements, hashed": (
        "requirements.txt",
        f"a==1.0 \\\n    --hash={H} \\\n    --hash={H}\nb==2 --hash={H}\n",
        "pypi",
        Inventory(2, 0, True),
    ),
    "uv": (
        "uv.lock",
        (
            'version = 1\n[[package]]\nname = "own"\nversion = "0"\nsource = { editable = "." }\n'
            f'[[package]]\nname = "a"\nversion = "1"\nsource = {{ registry = "r" }}\n'
            f'sdist = {{ url = "u", hash = "{H}" }}\n'
            f'wheels = [{{ url = "u", hash = "{H}" }}]\n'
        ),
        "pypi",
        Inventory(1, 0, True),
    ),
    "poetry": (
        "poetry.lock",
        (
            f'[[package]]\nname = "a"\nversion = "1"\nfiles = [{{file = "f", hash = "{H}"}}]\n'
            '[[package]]\nname = "b"\nversion = "2"\nfiles = []\n'
        ),
        "pypi",
        Inventory(2, 0, False),
    ),
    "pipfile": (
        "Pipfile.lock",
        json.dumps(
            {"default": {"a": {"version": "==1", "hashes": [H]}}, "develop": {"b": {"version": "*", "hashes": [H]}}}
        ),
        "pypi",
        Inventory(2, 1, True),
    ),
    "npm 3": (
        "web/package-lock.json",
        json.dumps(
            {
                "lockfileVersion": 3,
                "packages": {
                    "": {"name": "own"},
                    "apps/own": {"version": "1"},
                    "node_modules/own": {"link": True},
                    "node_modules/a": {"version": "1", "integrity": "sha512-x"},
                },
            }
        ),
        "npm",
        Inventory(1, 0, True),
    ),
    "npm 1": (
        "package-lock.json",
        json.dumps(
            {"dependencies": {"a": {"version": "1", "dependencies": {"b": {"version": "2", "integrity": "x"}}}}}
        ),
        "npm",
        Inventory(2, 0, False),
    ),
    "pnpm": (
        "pnpm-lock.yaml",
        "lockfileVersion: '9.0'\npackages:\n  a@1.0.0:\n    resolution: {integrity: sha512-x}\n",
        "npm",
        Inventory(1, 0, True),
    ),
    "yarn 1": (
        "yarn.lock",
        (
            '# yarn lockfile v1\n\n\n"@a/b@^1", c@2:\n'
            '  version "1.0"\n  resolved "u"\n  integrity sha512-x\n\nd@1:\n  version "1"\n'
        ),
        "npm",
        Inventory(2, 0, False),
    ),
    "yarn berry": (
        "yarn.lock",
        (
            '__metadata:\n  version: 8\n"a@npm:^1":\n  version: 1.0.0\n  checksum: 10/x\n  linkType: hard\n'
            '"own@workspace:.":\n  version: 0.0.0-use.local\n  linkType: soft\n'
        ),
        "npm",
        Inventory(1, 0, True),
    ),
    "go.sum": (
        "go.sum",
        "h/a v1.0.0 h1:x=\nh/a v1.0.0/go.mod h1:y=\nh/b v2.0.0/go.mod h1:z=\n",
        "go",
        Inventory(1, 0, True),
    ),
    "go.mod": (
        "go.mod",
        "module own\n\ngo 1.22\n\nrequire h/one v1.0.0\n\nrequire (\n\th/a v1.0.0\n\th/b v2.0.0 // indirect\n)\n",
        "go",
        Inventory(3, 0, False),
    ),
    "cargo": (
        "Cargo.lock",
        (
            '[[package]]\nname = "own"\nversion = "0.1.0"\n\n[[package]]\nname = "a"\nversion = "1"\n'
            'source = "registry+https://x"\nchecksum = "c"\n'
        ),
        "cargo",
        Inventory(1, 0, True),
    ),
    "gem": (
        "Gemfile.lock",
        (
            "GEM\n  remote: https://rubygems.org/\n  specs:\n    a (1.0)\n      b (~> 2)\n    b (2.1)\n"
            "\nCHECKSUMS\n  a (1.0) sha256=x\n  b (2.1) sha256=y\n"
        ),
        "gem",
        Inventory(2, 0, True),
    ),
    "composer": (
        "composer.lock",
        json.dumps(
            {
                "packages": [
                    {"name": "a", "version": "1.0", "dist": {"shasum": ""}},
                    {"name": "b", "version": "dev-main"},
                ]
            }
        ),
        "composer",
        Inventory(2, 1, False),
    ),
    "cyclonedx": (
        "release.cdx.json",
        json.dumps(
            {"bomFormat": "CycloneDX", "components": [{"name": "a", "version": "1", "hashes": [{}]}, {"name": "b"}]}
        ),
        "sbom",
        Inventory(2, 1, False),
    ),
    "spdx": (
        "sbom.spdx.json",
        json.dumps(
            {
                "spdxVersion": "SPDX-2.3",
                "documentDescribes": ["own"],
                "packages": [{"SPDXID": "own"}, {"SPDXID": "a", "versionInfo": "1", "checksums": [{}]}],
            }
        ),
        "sbom",
        Inventory(1, 0, True),
    ),
    "an empty list is not held to digests": ("requirements.txt", "", "pypi", Inventory(0, 0, False)),
    "broken JSON": ("package-lock.json", "{", "npm", None),
    "broken TOML": ("uv.lock", "[[", "pypi", None),
    "of another shape": ("composer.lock", "[]", "composer", None),
    "no yarn": ("yarn.lock", "hello", "npm", None),
    "broken go.sum": ("go.sum", "only-one-word\n", "go", None),
    "no Gemfile.lock": ("Gemfile.lock", "hello\n", "gem", None),
}


@pytest.mark.parametrize("name", FILES)
def test_components_are_counted(name: str) -> None:
    path, text, ecosystem, expected = FILES[name]
    assert is_lock(path)
    assert read_lock(path, text.encode()) == (ecosystem, expected)


def test_undecodable_bytes_are_not_a_count() -> None:
    assert read_lock("uv.lock", b"\xff\xfe") == ("pypi", None)


def test_other_json_named_like_a_bill_of_materials_is_none() -> None:
    assert read_lock("bom.json", b'{"name": "bill"}') is None
    assert read_lock("bom.json", b"[]") is None


@pytest.mark.parametrize(
    "path", ["package.json", "node_modules/a/package-lock.json", "vendor/x/Cargo.lock", "locks.txt"]
)
def test_other_files_are_no_lock_files(path: str) -> None:
    assert not is_lock(path)
