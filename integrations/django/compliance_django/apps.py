"""The Django application."""

from django.apps import AppConfig


class ComplianceDjango(AppConfig):
    """Brings the command `compliance_report`; no models, no signals, no addresses."""

    name = "compliance_django"
    verbose_name = "Compliance report"
