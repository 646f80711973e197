"""Parts of the project's own that stand in the place of known ones."""

from django.contrib.auth.hashers import Argon2PasswordHasher
from djangosaml2.conf import config_settings_loader
from rest_framework_simplejwt.serializers import TokenObtainPairSerializer


class OwnSerializer(TokenObtainPairSerializer):
    """May give any lifetime."""


class TunedHasher(Argon2PasswordHasher):
    """Django's, with more memory."""

    memory_cost = 204800


class OwnHasher(Argon2PasswordHasher):
    """Stores what it likes."""

    def encode(self, password, salt):
        return f"argon2${password}"


class OwnMiddleware:
    """May refuse anybody."""

    def __init__(self, get_response):
        self.get_response = get_response

    def __call__(self, request):
        return self.get_response(request)


def loader(request=None):
    """May give every request another configuration."""
    return config_settings_loader(request)
