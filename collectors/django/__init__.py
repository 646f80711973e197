"""Reads the database of a Django project; README.md has the grant and what it answers for."""

from compliance.collectors.django.collector import Django

__all__ = ["Django"]
