"""The same project, set as it should not be."""

import os
from datetime import timedelta

from shop.good import *
from shop.good import DATA, MIDDLEWARE, SAML_CONFIG
from shop.planted import SECRETS

DEBUG = True
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "shop.urls_bad"
SILENCED_SYSTEM_CHECKS = ["security.W004"]
SESSION_COOKIE_AGE = 1209600
SESSION_SAVE_EVERY_REQUEST = False
SESSION_COOKIE_SECURE = False
SESSION_COOKIE_HTTPONLY = False
SESSION_COOKIE_SAMESITE = None
CSRF_COOKIE_SECURE = False
SECURE_SSL_REDIRECT = False
SECURE_HSTS_SECONDS = 0
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "shop",
        "USER": "shop",
        "PASSWORD": SECRETS["database"],
        "HOST": "db.shop.invalid",
        "OPTIONS": {"sslmode": "disable"},
    }
}
AUTHENTICATION_BACKENDS = ["django.contrib.auth.backends.ModelBackend"]
MIDDLEWARE = [name for name in MIDDLEWARE if not name.startswith("axes.")]
AUTH_PASSWORD_VALIDATORS = [{"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"}]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
REST_FRAMEWORK = {}
SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(days=1),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=90),
    "ALGORITHM": "HS256",
    "SIGNING_KEY": SECRETS["hmac"],
}
SAML_CONFIG = {
    **SAML_CONFIG,
    "accepted_time_diff": 3600,
    "service": {
        "sp": {
            **SAML_CONFIG["service"]["sp"],
            "signing_algorithm": "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
            "digest_algorithm": "http://www.w3.org/2000/09/xmldsig#sha1",
            "want_assertions_signed": False,
            "want_response_signed": False,
            "authn_requests_signed": False,
            "allow_unsolicited": True,
        }
    },
    "metadata": {"local": [str(DATA / "idp_ending.xml")]},
}
COMPLIANCE_REPORT = {"PYTHON3_SAML": "shop.onelogin.settings_bad"}
INSTALLED_APPS = [
    name for name in globals()["INSTALLED_APPS"] if name not in ("axes", *os.environ.get("SHOP_WITHOUT", "").split())
]
