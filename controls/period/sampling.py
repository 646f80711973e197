"""Samples drawn from a frozen population by a seed, in a way that anybody can repeat.

Every member gets the SHA-256 of `seed NUL source NUL resource` (UTF-8; no source: empty). The sample is the members
with the smallest of these, in that order. With a shell alone:

    while IFS=$'\\t' read -r source resource; do
      printf '%s\\0%s\\0%s' "$seed" "$source" "$resource" | openssl dgst -sha256 -r | cut -d' ' -f1 | tr '\\n' '\\t'
      printf '%s\\t%s\\n' "$source" "$resource"
    done < population.tsv | sort | head -n "$size"
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from compliance.controls.period.islands import Resource


def draw(members: Iterable[Resource], seed: str, size: int) -> list[Resource]:
    """`size` of the members (all of them, when there are fewer), in the order drawn. A seed gives one order, so that a
    larger sample holds the smaller one."""
    ordered = sorted(set(members), key=lambda member: (_rank(seed, member), member))
    return ordered[:size]


def sequence_digest(members: Iterable[Resource]) -> str:
    """SHA-256 (hex) over `source NUL resource LF` of the members in the order given."""
    hashed = hashlib.sha256()
    for source, resource in members:
        hashed.update(source.encode() + b"\0" + resource.encode() + b"\n")
    return hashed.hexdigest()


def _rank(seed: str, member: Resource) -> bytes:
    return hashlib.sha256("\0".join((seed, *member)).encode()).digest()
