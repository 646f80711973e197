"""A Django project as it is set: sign-in, sign-on, tokens, sessions and what each endpoint demands."""

from compliance.collectors.django_settings.collector import DjangoProject

__all__ = ["DjangoProject"]
