"""Addresses without what they may carry beside the address."""

from __future__ import annotations

import re

_USERINFO = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*://)[^/\s'\"]*@")
_QUERY = re.compile(r"(?P<address>[A-Za-z][A-Za-z0-9+.-]*://[^\s?#'\"]*)[?#][^\s'\"]*")


def without_passwords(text: str) -> str:
    """`text` with user, password, query and fragment taken out of every address: each of them has carried tokens."""
    return _QUERY.sub(r"\g<address>", _USERINFO.sub(r"\g<scheme>", text))
