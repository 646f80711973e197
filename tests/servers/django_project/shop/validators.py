"""Validators of the project's own."""

from django.core.exceptions import ValidationError


class Twenty:
    """Demands twenty characters and says nothing of it in its settings."""

    def validate(self, password, user=None):
        if len(password) < 20:
            raise ValidationError("too short")


class Broken:
    """Cannot be asked."""

    def validate(self, password, user=None):
        raise RuntimeError("no service")
