"""The identity provider of the school as its service provider knows it: metadata in a file, with a certificate.

It answers nobody; what an audit reads is how answers would be judged.
"""

from __future__ import annotations

import datetime as dt

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from examples.stack import parts
from examples.stack.parts import Place
from examples.stack.parts.authority import DAYS, Authority

HOST = "signin.school.example"
_METADATA = """\
<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://{host}/metadata"
    validUntil="{until}">
  <md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol" WantAuthnRequestsSigned="true">
    <md:KeyDescriptor use="signing">
      <ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#">
        <ds:X509Data><ds:X509Certificate>{certificate}</ds:X509Certificate></ds:X509Data>
      </ds:KeyInfo>
    </md:KeyDescriptor>
    <md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://{host}/sso"/>
  </md:IDPSSODescriptor>
</md:EntityDescriptor>
"""


class IdentityProvider:
    """What the provider handed over: `metadata`, and beside it the service provider's own key and certificate."""

    def __init__(self, place: Place, authority: Authority) -> None:
        self.authority = authority
        self.folder = place.part("saml")
        self.metadata = self.folder / "idp.xml"

    def prepare(self) -> None:
        """Make keys, certificates and metadata, once."""
        parts.program("xmlsec1", "xmlsec1")  # which the project checks signatures with
        if not self.metadata.exists():
            self.authority.issue(self.folder, "sp", "school.localhost", key=_key())
            self.renew()

    def renew(self, certificate_days: int = DAYS, metadata_days: int = DAYS) -> None:
        """Write metadata with a new certificate. Either may have ended: of fewer than no days."""
        self.authority.issue(self.folder, "idp", HOST, days=certificate_days, key=_key())
        made = x509.load_pem_x509_certificate((self.folder / "idp.crt").read_bytes())
        body = "".join(made.public_bytes(serialization.Encoding.PEM).decode().splitlines()[1:-1])
        until = dt.datetime.now(dt.UTC) + dt.timedelta(days=metadata_days)
        self.metadata.write_text(_METADATA.format(host=HOST, certificate=body, until=f"{until:%Y-%m-%dT%H:%M:%SZ}"))
        parts.give(self.metadata)


def _key() -> rsa.RSAPrivateKey:
    """The service provider signs with RSA, as pysaml2 does."""
    return rsa.generate_private_key(65537, 3072)
