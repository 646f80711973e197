"""Names and contents of certificates."""

from __future__ import annotations

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization

from compliance.collectors.tls.certificate import rows_certificate, valid_for
from compliance.collectors.tls.ciphers import is_weak, lacks_forward_secrecy
from compliance.schemas.errors import Malformed
from tests.servers.nginx import Authority


@pytest.mark.parametrize(
    ("names", "wanted", "valid"),
    [
        (("a.example",), "a.example", True),
        (("A.Example",), "a.example.", True),
        (("*.example.org",), "www.example.org", True),
        (("*.example.org",), "example.org", False),
        (("*.example.org",), "a.b.example.org", False),
        (("*.org",), "example.org", False),
        (("10.0.0.1",), "10.0.0.1", True),
        (("::1",), "0:0:0:0:0:0:0:1", True),
        (("*.0.0.1",), "10.0.0.1", False),
        ((), "a.example", False),
    ],
)
def test_name_matching(names: tuple[str, ...], wanted: str, valid: bool) -> None:
    assert valid_for(names, wanted) is valid


def test_self_signed_is_told_from_issued(authority: Authority) -> None:
    root = authority.certificate.public_bytes(serialization.Encoding.DER)
    leaf = x509.load_pem_x509_certificate(authority.issue("a.example", responder=False)[1])

    own, issued = (
        rows_certificate(root, "root"),
        rows_certificate(leaf.public_bytes(serialization.Encoding.DER), "leaf"),
    )

    assert (own.self_signed, issued.self_signed) == (True, False)
    assert issued.ocsp_urls == ()
    assert issued.names == ("a.example",)


def test_what_is_no_certificate_is_malformed() -> None:
    with pytest.raises(Malformed, match="somewhere"):
        rows_certificate(b"\x30\x03\x02\x01\x01", "somewhere")


@pytest.mark.parametrize(
    ("name", "weak", "no_secrecy"),
    [
        ("TLS_AES_128_GCM_SHA256", False, False),
        ("TLS_AES_128_CCM_8_SHA256", True, False),
        ("ECDHE-RSA-AES128-GCM-SHA256", False, False),
        ("ECDHE-RSA-CHACHA20-POLY1305", False, False),
        ("DHE-RSA-AES256-CCM", False, False),
        ("DHE-RSA-AES256-CCM8", True, False),
        ("ECDHE-RSA-AES256-SHA384", True, False),
        ("AES128-GCM-SHA256", True, True),
        ("ECDH-RSA-AES128-SHA", True, True),
        ("ADH-AES256-GCM-SHA384", True, False),
        ("RC4-SHA", True, True),
        ("ECDHE-RSA-NULL-SHA", True, False),
    ],
)
def test_weakness_rule(name: str, weak: bool, no_secrecy: bool) -> None:
    assert is_weak(name) is weak
    assert lacks_forward_secrecy(name) is no_secrecy
