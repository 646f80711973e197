"""Counts the components of lock files and software bills of materials, each in its own format."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import yaml


@dataclass(frozen=True, slots=True)
class Inventory:
    """Components listed, how many of them without an exact version, and whether each is held to a digest."""

    components: int
    unpinned: int
    hashed: bool


Part = tuple[bool, bool]  # has an exact version, is held to a digest


def read_lock(path: str, content: bytes) -> tuple[str, Inventory | None] | None:
    """Ecosystem and contents of a lock file; contents None when it cannot be parsed; None for any other file."""
    known = next(((eco, read) for pattern, eco, read in _FORMATS if pattern.search(path)), None)
    if known is None:
        return None
    ecosystem, read = known
    try:
        parts = read(content.decode("utf-8-sig"))
        if parts is None:
            return None  # named like one, and is something else
        listed = list(parts)
    except (ValueError, KeyError, TypeError, AttributeError, yaml.YAMLError, RecursionError):
        return ecosystem, None  # the shapes these formats may break in are many; the answer is the same: not read
    unpinned = sum(1 for pinned, _ in listed if not pinned)
    return ecosystem, Inventory(len(listed), unpinned, bool(listed) and all(hashed for _, hashed in listed))


def is_lock(path: str) -> bool:
    """The path is named like a lock file or a bill of materials; copies inside vendored folders are not ours."""
    if re.search(r"(^|/)(node_modules|vendor|site-packages)/", path):
        return False
    return any(pattern.search(path) for pattern, _, _ in _FORMATS)


def _requirements(text: str) -> Iterator[Part]:
    for line in re.sub(r"\\\r?\n", " ", text).splitlines():
        line = re.sub(r"(^|\s)#.*", "", line).strip()
        if not line or (line.startswith("-") and not line.startswith(("-e ", "--editable"))):
            continue
        pinned = re.match(r"[A-Za-z0-9._-]+\s*(\[[^\]]*\])?\s*===?\s*[^*\s,;]+(\s*;|\s+--|\s*\Z)", line) is not None
        yield pinned or re.search(r"@[0-9a-f]{40}\b", line) is not None, "--hash=" in line


def _uv(text: str) -> Iterator[Part]:
    for package in tomllib.loads(text).get("package", []):
        source = package.get("source", {})
        if not {"virtual", "editable", "directory"} & set(source):
            files = [*package.get("wheels", []), *([package["sdist"]] if "sdist" in package else [])]
            fixed = all("hash" in file for file in files) if files else "git" in source
            yield bool(package.get("version")), fixed


def _poetry(text: str) -> Iterator[Part]:
    data = tomllib.loads(text)
    old = data.get("metadata", {}).get("files", {})
    for package in data.get("package", []):
        files = package.get("files") or old.get(package["name"]) or []
        yield bool(package.get("version")), bool(files) and all("hash" in file for file in files)


def _pipfile(text: str) -> Iterator[Part]:
    data = json.loads(text)
    for package in [*data["default"].values(), *data.get("develop", {}).values()]:
        exact = str(package.get("version", "")).startswith("==") or "ref" in package
        yield exact, bool(package.get("hashes"))


def _npm(text: str) -> Iterator[Part]:
    data = json.loads(text)
    if "packages" in data:
        for name, package in data["packages"].items():
            if "node_modules/" in name and not package.get("link"):  # "" and workspaces are the project itself
                yield bool(package.get("version")), bool(package.get("integrity"))
    else:
        yield from _npm_1(data.get("dependencies", {}))


def _npm_1(dependencies: Mapping[str, Any]) -> Iterator[Part]:
    for package in dependencies.values():
        yield bool(package.get("version")), bool(package.get("integrity"))
        yield from _npm_1(package.get("dependencies", {}))


def _pnpm(text: str) -> Iterator[Part]:
    for package in (yaml.safe_load(text).get("packages") or {}).values():
        resolution = package.get("resolution", {})
        yield True, "integrity" in resolution or "commit" in resolution


def _yarn(text: str) -> Iterator[Part]:
    if "__metadata:" in text:
        for name, package in yaml.safe_load(text).items():
            if name != "__metadata" and package.get("linkType") != "soft":
                yield bool(package.get("version")), "checksum" in package
        return
    if "yarn lockfile v1" not in text:
        raise ValueError("neither form of a yarn lock file")
    for block in re.split(r"\n(?=\S)", text):
        if re.match(r"[^#\s].*:\s*$", block.split("\n", 1)[0]):
            yield "\n  version " in block, "\n  integrity " in block


def _go_sum(text: str) -> Iterator[Part]:
    modules: dict[tuple[str, str], bool] = {}
    for line in text.splitlines():
        if line.strip():
            module, version, digest = line.split()
            if not version.endswith("/go.mod"):
                modules[module, version] = digest.startswith("h1:")
    return ((True, hashed) for hashed in modules.values())


def _go_mod(text: str) -> Iterator[Part]:
    if not re.search(r"^module\s", text, re.MULTILINE):
        raise ValueError("no module line")
    text = re.sub(r"//.*", "", text)
    blocks = re.findall(r"^require\s*\((.*?)\)", text, re.MULTILINE | re.DOTALL)
    singles = re.findall(r"^require\s+([^\s(]+\s+\S+)\s*$", text, re.MULTILINE)
    for line in [*singles, *(line for block in blocks for line in block.splitlines())]:
        if line.strip():
            yield len(line.split()) == 2, False  # digests stand in go.sum


def _cargo(text: str) -> Iterator[Part]:
    for package in tomllib.loads(text).get("package", []):
        source = package.get("source", "")
        if source:  # without one it is the workspace's own
            yield bool(package.get("version")), "checksum" in package or source.startswith("git+")


def _gem(text: str) -> Iterator[Part]:
    if not re.search(r"^(GEM|GIT|PATH|DEPENDENCIES)\s*$", text, re.MULTILINE):
        raise ValueError("no section of a Gemfile.lock")
    section, named, digests = "", [], set[str]()
    for line in text.splitlines():
        if re.match(r"\S", line):
            section = line.strip()
        found = re.match(r" {2}( {2})?(\S+) \((\S+)\)(.*)\Z", line)
        if found and section in ("GEM", "GIT") and found[1]:
            named.append(f"{found[2]} {found[3]}")
        elif found and section == "CHECKSUMS" and "sha256=" in found[4]:
            digests.add(f"{found[2]} {found[3]}")
    return ((True, name in digests) for name in named)


def _composer(text: str) -> Iterator[Part]:
    data = json.loads(text)
    for package in [*data["packages"], *data.get("packages-dev", [])]:
        version = str(package.get("version", ""))
        fixed = bool(version) and (not version.startswith("dev-") or "reference" in package.get("source", {}))
        yield fixed, bool((package.get("dist") or {}).get("shasum"))


def _bill(text: str) -> Iterable[Part] | None:
    """CycloneDX or SPDX JSON; None for a JSON file that is neither."""
    data = json.loads(text)
    if not isinstance(data, dict):
        return None
    if data.get("bomFormat") == "CycloneDX":
        return [(bool(c.get("version")), bool(c.get("hashes"))) for c in data.get("components", [])]
    if str(data.get("spdxVersion", "")).startswith("SPDX-"):
        described = set(data.get("documentDescribes", []))
        listed = [p for p in data.get("packages", []) if p.get("SPDXID") not in described]
        return [(bool(p.get("versionInfo")), bool(p.get("checksums"))) for p in listed]
    return None


_FORMATS: tuple[tuple[re.Pattern[str], str, Callable[[str], Iterable[Part] | None]], ...] = tuple(
    (re.compile(pattern), ecosystem, read)
    for pattern, ecosystem, read in (
        (r"(^|/)requirements[^/]*\.(txt|lock)\Z|(^|/)requirements/[^/]+\.(txt|lock)\Z", "pypi", _requirements),
        (r"(^|/)uv\.lock\Z", "pypi", _uv),
        (r"(^|/)(poetry|pdm)\.lock\Z", "pypi", _poetry),
        (r"(^|/)Pipfile\.lock\Z", "pypi", _pipfile),
        (r"(^|/)(package-lock|npm-shrinkwrap)\.json\Z", "npm", _npm),
        (r"(^|/)pnpm-lock\.ya?ml\Z", "npm", _pnpm),
        (r"(^|/)yarn\.lock\Z", "npm", _yarn),
        (r"(^|/)go\.sum\Z", "go", _go_sum),
        (r"(^|/)go\.mod\Z", "go", _go_mod),
        (r"(^|/)Cargo\.lock\Z", "cargo", _cargo),
        (r"(^|/)Gemfile\.lock\Z", "gem", _gem),
        (r"(^|/)composer\.lock\Z", "composer", _composer),
        (r"(^|/)[^/]*\b(bom|sbom|cdx|cyclonedx|spdx)\b[^/]*\.json\Z", "sbom", _bill),
    )
)
