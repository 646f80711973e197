"""A school's settings as they should be. What differs between places comes from the environment."""

from datetime import timedelta
from pathlib import Path

from school.environment import get, secret

BASE_DIR = Path(__file__).resolve().parent.parent
DEBUG = False
SECRET_KEY = secret("django")
ALLOWED_HOSTS = ["school.localhost", "staff.school.localhost"]
ROOT_URLCONF = "school.urls"
WSGI_APPLICATION = "school.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
USE_TZ = True
TIME_ZONE = "America/Mexico_City"
STATIC_URL = "/static/"

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "axes",
    "auditlog",
    "rest_framework",
    "rest_framework_simplejwt.token_blacklist",
    "compliance_django",
    "django_password_validators.password_history",
    "djangosaml2",
    "records",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "djangosaml2.middleware.SamlSessionMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "auditlog.middleware.AuditlogMiddleware",
    "axes.middleware.AxesMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# the application signs in through the pooler; migrations by their owner, at the server itself
_owner = get("SCHOOL_DATABASE_ROLE", "app") == "owner"
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "school",
        "USER": "school_owner" if _owner else "school_app",
        "PASSWORD": secret("owner" if _owner else "app"),
        "HOST": "127.0.0.1",
        "PORT": get("SCHOOL_POSTGRES_PORT" if _owner else "SCHOOL_PGBOUNCER_PORT"),
        "OPTIONS": {"sslmode": "verify-full", "sslrootcert": get("SCHOOL_CA_FILE")},
        "DISABLE_SERVER_SIDE_CURSORS": True,
    }
}
_redis = f"rediss://school:{secret('redis-school')}@127.0.0.1:{get('SCHOOL_REDIS_PORT')}"
_cache = {
    "BACKEND": "django.core.cache.backends.redis.RedisCache",
    "OPTIONS": {"ssl_ca_certs": get("SCHOOL_CA_FILE")},
}
CACHES = {
    "sessions": {**_cache, "LOCATION": f"{_redis}/0"},
    "default": {**_cache, "LOCATION": f"{_redis}/1"},
}

AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
    "djangosaml2.backends.Saml2Backend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {
        "NAME": "django_password_validators.password_character_requirements.password_validation."
        "PasswordCharacterValidator",
        "OPTIONS": {
            "min_length_digit": 1,
            "min_length_alpha": 1,
            "min_length_special": 0,
            "min_length_lower": 0,
            "min_length_upper": 0,
        },
    },
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
    {
        "NAME": "django_password_validators.password_history.password_validation.UniquePasswordsValidator",
        "OPTIONS": {"last_passwords": 4},
    },
]
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=30)
AXES_ENABLE_ACCESS_FAILURE_LOG = True
AXES_LOCKOUT_PARAMETERS = ["username"]

SESSION_ENGINE = "django.contrib.sessions.backends.cache"
SESSION_CACHE_ALIAS = "sessions"
SESSION_COOKIE_AGE = 15 * 60
SESSION_SAVE_EVERY_REQUEST = True
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_SECURE = True
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SECURE = True
CSRF_COOKIE_HTTPONLY = True
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = True
SECURE_HSTS_SECONDS = 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
X_FRAME_OPTIONS = "DENY"

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework_simplejwt.authentication.JWTAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
}
SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=5),
    "REFRESH_TOKEN_LIFETIME": timedelta(hours=8),
    "ROTATE_REFRESH_TOKENS": True,
    "BLACKLIST_AFTER_ROTATION": True,
    "ALGORITHM": "ES256",
    "SIGNING_KEY": Path(get("SCHOOL_JWT_KEY")).read_text(),
    "VERIFYING_KEY": Path(get("SCHOOL_JWT_KEY")).with_suffix(".pub").read_text(),
}

# the school's own sign-on; nobody becomes a user by signing in
_saml = Path(get("SCHOOL_SAML"))
SAML_CREATE_UNKNOWN_USER = False
SAML_DJANGO_USER_MAIN_ATTRIBUTE = "email"
SAML_CONFIG = {
    "entityid": "https://school.localhost/saml2/metadata/",
    "xmlsec_binary": str(BASE_DIR / "xmlsec1-strict"),
    "accepted_time_diff": 60,
    "metadata": {"local": [str(_saml / "idp.xml")]},
    "key_file": str(_saml / "sp.key"),
    "cert_file": str(_saml / "sp.crt"),
    "service": {
        "sp": {
            "endpoints": {
                "assertion_consumer_service": [
                    ("https://school.localhost/saml2/acs/", "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST")
                ]
            },
            "want_assertions_signed": True,
            "want_response_signed": True,
            "authn_requests_signed": True,
            "allow_unsolicited": False,
            "signing_algorithm": "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
            "digest_algorithm": "http://www.w3.org/2001/04/xmlenc#sha256",
        }
    },
}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "loggers": {
        "django.security": {"handlers": ["console"], "level": "INFO"},
        "axes": {"handlers": ["console"], "level": "INFO"},
    },
}
