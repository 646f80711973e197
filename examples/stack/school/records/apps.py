"""Education records."""

from django.apps import AppConfig


class Records(AppConfig):
    """Every change of a record leaves a trace."""

    name = "records"

    def ready(self) -> None:
        """Register what is audited."""
        from auditlog.registry import auditlog
        from django.contrib.auth.models import Group, User

        for model in self.get_models():
            auditlog.register(model)
        auditlog.register(User, m2m_fields={"groups", "user_permissions"}, exclude_fields=["password", "last_login"])
        auditlog.register(Group, m2m_fields={"permissions"})
