"""What the kernel's values mean together."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from compliance.collectors.host.machine import Machine
from compliance.collectors.host.settings import rows_redirects

CONF = "/proc/sys/net/ipv4/conf"


@pytest.mark.parametrize(
    ("everywhere", "here", "forwards", "accepted"),
    [
        ("0", "0", "0", "0"),
        ("0", "1", "0", "1"),  # `all` off does not overrule an interface of a host
        ("1", "0", "0", "1"),
        ("0", "1", "1", "0"),  # a router accepts only where both say so
        ("1", "1", "1", "1"),
    ],
)
def test_redirects_are_accepted_as_the_kernel_decides_it(
    tree: Callable[..., Machine], everywhere: str, here: str, forwards: str, accepted: str
) -> None:
    files = {
        f"{CONF}/{name}/{word}": value + "\n"
        for name, redirects in (("all", everywhere), ("default", "1"), ("lo", "1"), ("eth0", here))
        for word, value in (("accept_redirects", redirects), ("forwarding", forwards))
    }
    (row,) = rows_redirects(tree(files))
    assert (row.name, row.value) == ("net.ipv4.conf.*.accept_redirects", accepted)


def test_without_the_kernels_word_nothing_is_claimed(tree: Callable[..., Machine]) -> None:
    assert rows_redirects(tree({})) == []
