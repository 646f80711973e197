"""Secrets of this project: none of them may be said by the report or the collector."""

SECRETS = {
    "secret_key": "planted-django-51f0c2-secret-key-of-the-shop-0123456789abcdef",
    "old_secret_key": "planted-old-7d20aa-secret-key",
    "database": "planted-db-9ab01c!",
    "mail": "planted-mail-44d2e7!",
    "hmac": "planted-hmac-5",
}
