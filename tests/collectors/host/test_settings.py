"""What the kernel's values mean together."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from compliance.collectors.host.machine import Machine
from compliance.collectors.host.settings import rows_redirects

CONF = "/proc/sys/net/{}/conf"


@pytest.mark.parametrize(
    ("version", "everywhere", "here", "forwards", "accepted"),
    [
        ("ipv4", "0", "0", "0", "0"),
        ("ipv4", "0", "1", "0", "1"),  # `all` off does not overrule an interface of a host
        ("ipv4", "1", "0", "0", "1"),
        ("ipv4", "0", "1", "1", "0"),  # a router accepts only where both say so
        ("ipv4", "1", "1", "1", "1"),
        ("ipv6", "0", "1", "0", "1"),
        ("ipv6", "1", "0", "0", "0"),  # `all` has no say
        ("ipv6", "1", "1", "1", "0"),  # a router accepts none
    ],
)
def test_redirects_are_accepted_as_the_kernel_decides_it(
    tree: Callable[..., Machine], version: str, everywhere: str, here: str, forwards: str, accepted: str
) -> None:
    files = {
        f"{CONF.format(version)}/{name}/{word}": value + "\n"
        for name, redirects in (("all", everywhere), ("default", "1"), ("lo", "1"), ("eth0", here))
        for word, value in (("accept_redirects", redirects), ("forwarding", forwards))
    }
    values = {row.name: row.value for row in rows_redirects(tree(files))}
    other = "ipv6" if version == "ipv4" else "ipv4"  # a version that the kernel does not have
    assert values == {f"net.{version}.conf.*.accept_redirects": accepted, f"net.{other}.conf.*.accept_redirects": "0"}


def test_without_the_kernels_word_nothing_is_claimed(tree: Callable[..., Machine]) -> None:
    assert rows_redirects(tree({})) == []
