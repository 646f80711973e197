"""Settings as they should be. Everything that is planted is looked for in all that the collector says."""

import os
from datetime import timedelta
from pathlib import Path

from shop.planted import SECRETS

DATA = Path(os.environ["SHOP_DATA"])

SECRET_KEY = SECRETS["secret_key"]
SECRET_KEY_FALLBACKS = [SECRETS["old_secret_key"]]
DEBUG = False
ALLOWED_HOSTS = ["shop.example"]
ROOT_URLCONF = "shop.urls"
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "rest_framework",
    "rest_framework_simplejwt",
    "rest_framework_simplejwt.token_blacklist",
    "axes",
    "djangosaml2",
    "django_password_validators",
    "django_password_validators.password_history",
    "compliance_django",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "djangosaml2.middleware.SamlSessionMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "axes.middleware.AxesMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "DIRS": [Path(__file__).parent / "templates"],
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
# Nobody answers there: the report must need no database.
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "shop",
        "USER": "shop",
        "PASSWORD": SECRETS["database"],
        "HOST": "db.shop.invalid",
        "PORT": "5432",
        "OPTIONS": {"sslmode": "verify-full", "sslrootcert": "/etc/ssl/certs/shop.pem"},
    }
}
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
    "djangosaml2.backends.Saml2Backend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"max_similarity": 0.6},
    },
    {
        "NAME": "django_password_validators.password_character_requirements.password_validation"
        ".PasswordCharacterValidator",
        "OPTIONS": {
            "min_length_digit": 1,
            "min_length_alpha": 1,
            "min_length_special": 0,
            "min_length_lower": 0,
            "min_length_upper": 0,
            "special_characters": "!#%+-_",
        },
    },
    {
        "NAME": "django_password_validators.password_history.password_validation.UniquePasswordsValidator",
        "OPTIONS": {"last_passwords": 5},
    },
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=30)
AXES_LOCKOUT_PARAMETERS = ["username", "ip_address"]

SESSION_COOKIE_AGE = 900
SESSION_SAVE_EVERY_REQUEST = True
SESSION_COOKIE_SECURE = True
CSRF_COOKIE_SECURE = True
SECURE_SSL_REDIRECT = True
SECURE_HSTS_SECONDS = 31536000
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
EMAIL_HOST_PASSWORD = SECRETS["mail"]
LOGGING = {
    "version": 1,
    "handlers": {
        "console": {"class": "logging.StreamHandler", "level": "INFO"},
        "mail": {
            "class": "logging.handlers.SMTPHandler",
            "level": "ERROR",
            "mailhost": "mail.shop.invalid",
            "fromaddr": "shop@shop.example",
            "toaddrs": ["ops@shop.example"],
            "subject": "error",
            "credentials": ("shop", SECRETS["mail"]),
        },
    },
    "loggers": {"django.security": {"handlers": ["console", "mail"], "level": "WARNING"}},
}
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework_simplejwt.authentication.JWTAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
}
SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=10),
    "REFRESH_TOKEN_LIFETIME": timedelta(hours=12),
    "ROTATE_REFRESH_TOKENS": True,
    "BLACKLIST_AFTER_ROTATION": True,
    "ALGORITHM": "RS256",
    "SIGNING_KEY": (DATA / "jwt.key").read_text(),
    "VERIFYING_KEY": (DATA / "jwt.pub").read_text(),
}
SAML_CONFIG = {
    "entityid": "https://shop.example/saml2/metadata/",
    "xmlsec_binary": os.environ.get("SHOP_XMLSEC", "/usr/bin/xmlsec1"),
    "allow_unknown_attributes": True,
    "accepted_time_diff": 60,
    "service": {
        "sp": {
            "signing_algorithm": "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
            "digest_algorithm": "http://www.w3.org/2001/04/xmlenc#sha256",
            "name": "Shop",
            "endpoints": {
                "assertion_consumer_service": [
                    ("https://shop.example/saml2/acs/", "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST")
                ]
            },
            "want_assertions_signed": True,
            "want_response_signed": True,
            "authn_requests_signed": True,
            "allow_unsolicited": False,
        }
    },
    "metadata": {"local": [str(DATA / "idp.xml")]},
    "key_file": str(DATA / "sp.key"),
    "cert_file": str(DATA / "sp.crt"),
}
