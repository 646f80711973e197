"""Settings of python3-saml, as a function that the report calls."""

from typing import Any

from django.conf import settings


def settings_of(name: str, *, hardened: bool) -> dict[str, Any]:
    """The dictionary that the library takes."""
    data = settings.DATA
    body = "".join((data / "idp.crt").read_text().splitlines()[1:-1])
    return {
        "strict": True,
        "sp": {
            "entityId": f"https://{name}.example/metadata",
            "assertionConsumerService": {
                "url": f"https://{name}.example/acs",
                "binding": "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST",
            },
            "x509cert": (data / "sp.crt").read_text(),
            "privateKey": (data / "sp.key").read_text(),
        },
        "idp": {
            "entityId": "https://idp.example/metadata",
            "singleSignOnService": {
                "url": "https://idp.example/sso",
                "binding": "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect",
            },
            "x509cert": body,
        },
        "security": {
            "wantAssertionsSigned": hardened,
            "wantMessagesSigned": hardened,
            "rejectDeprecatedAlgorithm": hardened,
            "authnRequestsSigned": hardened,
            "signatureAlgorithm": "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
            "digestAlgorithm": "http://www.w3.org/2001/04/xmlenc#sha256",
        },
    }


def settings_bad() -> dict[str, Any]:
    """With nothing asked for."""
    return settings_of("old", hardened=False)


def settings_good() -> dict[str, Any]:
    """With all that the library can ask for."""
    return settings_of("new", hardened=True)
