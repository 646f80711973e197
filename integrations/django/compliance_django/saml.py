"""SAML service providers: djangosaml2 with pysaml2, and python3-saml.

What counts is how the library will treat an answer, so the configuration is loaded by the library itself. Whether
signatures made with SHA-1 are refused is no setting of pysaml2's: signed samples are given to the very program that
checks answers, and what it says of them is reported.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from django.apps import apps
from django.conf import settings
from django.utils.module_loading import import_string

from compliance_django import certificates, endpoints

_SAMPLES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "samples")


def providers() -> list[dict[str, Any]]:
    """One row per service provider and identity provider; none when no known library is configured."""
    rows: list[dict[str, Any]] = []
    if apps.is_installed("djangosaml2") or hasattr(settings, "SAML_CONFIG"):
        rows.extend(_djangosaml2())
    found = _python3_saml()
    if found is not None:
        rows.append(found)
    return rows


def _djangosaml2() -> Iterable[dict[str, Any]]:
    from djangosaml2.conf import get_config

    config = get_config()
    own_loader = getattr(settings, "SAML_CONFIG_LOADER", None) not in (None, "djangosaml2.conf.config_settings_loader")
    unsolicited = bool(_of_sp(config, "allow_unsolicited", False))
    common = {
        "sp_id": str(config.entityid),
        "product": "pysaml2",
        "strict": _strict(config, own_loader),
        "assertions_signed": bool(_of_sp(config, "want_assertions_signed", False)),
        "responses_signed": bool(_of_sp(config, "want_response_signed", True)),
        "either_signed": bool(_of_sp(config, "want_assertions_or_response_signed", False)),
        "weak_signatures_refused": _weak_refused(config),
        "signature_algorithm": _short(config.getattr("signing_algorithm") or _default("sign")),
        "digest_algorithm": _short(config.getattr("digest_algorithm") or _default("digest")),
        "requests_signed": bool(_of_sp(config, "authn_requests_signed", False)),
        "assertions_encrypted": None,
        "unsolicited_allowed": unsolicited,
        "replay_protection": False if unsolicited else _asks_open_requests(),
        "clock_skew_s": int(config.accepted_time_diff or 0),
        "sp_cert_not_after": _file_end(config.cert_file),
    }
    store = config.metadata
    known = sorted(store.identity_providers()) if store is not None else []
    if not known:
        yield {**common, "idp_id": "", "idp_certificates": [], "metadata_valid_until": None, "metadata_signed": None}
    for idp in known:
        trusted = [certificates.certificate(cert) for _, cert in store.certs(idp, "idpsso", "signing")]
        until = store[idp].get("valid_until")
        yield {
            **common,
            "idp_id": str(idp),
            "idp_certificates": trusted,
            "metadata_valid_until": certificates.when(until) if until else None,
            "metadata_signed": _all_signed(store, idp),
        }


def _strict(config: Any, own_loader: bool) -> bool | None:
    """False when a key that comes with the answer is trusted. A loader of the project's own may give each request
    another configuration."""
    if not config.getattr("only_use_keys_in_metadata", ""):
        return False
    return None if own_loader else True


def _all_signed(store: Any, idp: str) -> bool:
    """Every file or address that names the provider is taken only with a signature that is checked."""
    return all(getattr(m, "cert", None) for m in store.metadata.values() if idp in dict(m.items()))


def _of_sp(config: Any, name: str, default: bool) -> Any:
    value = config.getattr(name, "sp")
    return default if value is None else value is True or value == "true"


def _default(what: str) -> str:
    from saml2 import xmldsig

    signature = xmldsig.DefaultSignature()
    return str(signature.get_sign_alg() if what == "sign" else signature.get_digest_alg())


def _asks_open_requests() -> bool | None:
    """True when djangosaml2's own view takes the answers: it holds the open requests in the visitor's session and
    strikes out each when it is answered."""
    from djangosaml2.views import AssertionConsumerServiceView as Own

    views = [getattr(view, "view_class", None) for view in endpoints.views()]
    found: list[Any] = [cls for cls in views if isinstance(cls, type) and issubclass(cls, Own)]
    return True if found and all(cls.post is Own.post and cls.dispatch is Own.dispatch for cls in found) else None


def _weak_refused(config: Any) -> bool | None:
    from saml2.sigver import CryptoBackendXmlSec1, SigverError, get_xmlsec_binary

    if config.crypto_backend != "xmlsec1":
        return None
    try:
        backend = CryptoBackendXmlSec1(config.xmlsec_binary or get_xmlsec_binary())
        strong, *weak = (_verifies(backend, name) for name in ("sha256.xml", "sha1.xml", "sha1_digest.xml"))
    except (SigverError, OSError, ValueError, IndexError):
        return None
    return None if not strong else not any(weak)


def _verifies(backend: Any, sample: str) -> bool:
    from saml2.sigver import SigverError

    with open(os.path.join(_SAMPLES, sample), "rb") as file:
        signed = file.read()
    cert = os.path.join(_SAMPLES, "certificate.pem")
    try:
        return bool(backend.validate_signature(signed, cert, "pem", "urn:compliance:sample:Sample", "_sample"))
    except SigverError:
        return False


def _python3_saml() -> dict[str, Any] | None:
    """The settings of python3-saml, which has no place of its own: the dotted path COMPLIANCE_REPORT["PYTHON3_SAML"],
    or the folder SAML_FOLDER that its example for Django uses. None when neither is set."""
    path = (getattr(settings, "COMPLIANCE_REPORT", None) or {}).get("PYTHON3_SAML")
    folder = getattr(settings, "SAML_FOLDER", None)
    if not path and not folder:
        return None
    from onelogin.saml2.constants import OneLogin_Saml2_Constants
    from onelogin.saml2.settings import OneLogin_Saml2_Settings

    if path:
        given = import_string(path)
        loaded = OneLogin_Saml2_Settings(given() if callable(given) else given)
    else:
        loaded = OneLogin_Saml2_Settings(custom_base_path=str(folder))
    security, idp, sp = loaded.get_security_data(), loaded.get_idp_data(), loaded.get_sp_data()
    several = (idp.get("x509certMulti") or {}).get("signing") or []
    certs = [c for c in (idp.get("x509cert"), *several) if c]
    return {
        "sp_id": str(sp["entityId"]),
        "idp_id": str(idp.get("entityId") or ""),
        "product": "python3-saml",
        "strict": bool(loaded.is_strict()),
        "assertions_signed": bool(security["wantAssertionsSigned"]),
        "responses_signed": bool(security["wantMessagesSigned"]),
        "either_signed": False,
        "weak_signatures_refused": bool(security["rejectDeprecatedAlgorithm"]),
        "signature_algorithm": _short(security["signatureAlgorithm"]),
        "digest_algorithm": _short(security["digestAlgorithm"]),
        "requests_signed": bool(security["authnRequestsSigned"]),
        "assertions_encrypted": bool(security["wantAssertionsEncrypted"]),
        "unsolicited_allowed": None,  # the project passes the number of its open request, or does not
        "replay_protection": None,  # the library remembers nothing
        "clock_skew_s": int(OneLogin_Saml2_Constants.ALLOWED_CLOCK_DRIFT),
        "idp_certificates": [certificates.certificate(c) for c in dict.fromkeys(certs)],
        "sp_cert_not_after": certificates.certificate(sp["x509cert"])["not_after"] if sp.get("x509cert") else None,
        "metadata_valid_until": None,
        "metadata_signed": None,
    }


def _file_end(path: Any) -> str | None:
    if not path:
        return None
    with open(path, encoding="ascii") as file:
        return str(certificates.certificate(file.read())["not_after"])


def _short(uri: Any) -> str:
    """`rsa-sha256` of `http://www.w3.org/2001/04/xmldsig-more#rsa-sha256`."""
    return str(uri).rpartition("#")[2].lower()
