"""Faults of the Django project: its settings, its sign-in, its accounts and roles."""

from __future__ import annotations

from examples.stack import planting
from examples.stack.fault import Fault, of

SCHOOL = (
    Fault(
        "superuser-without-second-factor",
        "The second factor of the superuser is not confirmed any more.",
        planting.sql(
            "UPDATE otp_totp_totpdevice SET confirmed = FALSE", "UPDATE otp_totp_totpdevice SET confirmed = TRUE"
        ),
        of("access.mfa_admins"),
    ),
    Fault(
        "account-forgotten",
        "An account has not been used for a year.",
        planting.sql(
            "UPDATE auth_user SET last_login = now() - interval '1 year' WHERE username = 'carla'",
            "UPDATE auth_user SET last_login = now() WHERE username = 'carla'",
        ),
        of("access.dormant_disabled"),
    ),
    Fault(
        "tokens-for-a-day",
        "Access tokens are valid for a day.",
        planting.settings("ACCESS_TOKEN_LIFETIME", "timedelta(days=1)", "SIMPLE_JWT"),
        of("access.jwt_lifetimes"),
    ),
    Fault(
        "refresh-tokens-stay",
        "A refresh token can be used again and again.",
        planting.settings("ROTATE_REFRESH_TOKENS", "False", "SIMPLE_JWT"),
        of("access.jwt_rotation"),
    ),
    Fault(
        "short-passwords",
        "Passwords of six characters are taken.",
        planting.settings(
            "AUTH_PASSWORD_VALIDATORS",
            "[{**v, 'OPTIONS': {'min_length': 6}} if 'Minimum' in v['NAME'] else v for v in AUTH_PASSWORD_VALIDATORS]",
        ),
        of("access.password_rules"),
    ),
    Fault(
        "no-lock-out",
        "Nobody is locked out, however often the password is wrong.",
        planting.settings("AXES_ENABLED", "False"),
        of("access.signin_limits"),
    ),
    Fault(
        "endpoint-open",
        "The grades of students are given to whoever asks.",
        planting.settings("ROOT_URLCONF", "'school.open_urls'"),
        of("access.default_deny"),
    ),
    Fault(
        "unsigned-assertions-taken",
        "The service provider takes SAML assertions that nobody signed.",
        planting.service_provider("want_assertions_signed", "False"),
        of("access.saml_hardened"),
    ),
    Fault(
        "answers-nobody-asked-for",
        "The service provider takes SAML answers to no request of its own, and so the same one again.",
        planting.service_provider("allow_unsolicited", "True"),
        of("access.saml_hardened"),
    ),
    Fault(
        "weak-signatures-taken",
        "SAML answers are checked by an xmlsec1 that takes SHA-1.",
        planting.settings("xmlsec_binary", "'/usr/bin/xmlsec1'", "SAML_CONFIG"),
        of("access.saml_hardened"),
    ),
    Fault(
        "clocks-may-differ-by-ten-minutes",
        "The service provider takes SAML answers that ended ten minutes ago.",
        planting.settings("accepted_time_diff", "600", "SAML_CONFIG"),
        of("access.saml_hardened"),
    ),
    Fault(
        "identity-certificate-about-to-end",
        "The only certificate of the identity provider ends in ten days.",
        planting.identity(certificate_days=10),
        of("access.saml_hardened"),
    ),
    Fault(
        "identity-certificate-ended",
        "The certificate of the identity provider ended yesterday, and is still trusted.",
        planting.identity(certificate_days=-1),
        of("access.saml_hardened"),
    ),
    Fault(
        "identity-metadata-ended",
        "The metadata of the identity provider ended yesterday: the project knows no provider any more.",
        planting.identity(metadata_days=-1),
        of(),
        of("access.saml_hardened"),
    ),
    Fault(
        "staff-past-the-list",
        "A teacher was made staff by hand, who is on no list and has no second factor.",
        planting.sql(
            "UPDATE auth_user SET is_staff = TRUE WHERE username = 'bruno'",
            "UPDATE auth_user SET is_staff = FALSE WHERE username = 'bruno'",
        ),
        of(
            "access.mfa_admins", "access.privileged_allowlist", "access.review_privileged", "logging.permission_changes"
        ),
        of("access.grant_approved"),
        lasts=True,
    ),
    Fault(
        "role-beyond-its-approval",
        "Teachers may delete grades, which nobody approved and no record of the application shows.",
        planting.sql(
            "INSERT INTO auth_group_permissions (group_id, permission_id)"
            " SELECT g.id, p.id FROM auth_group g, auth_permission p"
            " WHERE g.name = 'teachers' AND p.codename = 'delete_grade'",
            "DELETE FROM auth_group_permissions USING auth_permission p"
            " WHERE p.id = permission_id AND p.codename = 'delete_grade'",
        ),
        of("access.role_catalogue", "logging.permission_changes"),
        of("logging.user_actions"),
        lasts=True,
    ),
    Fault(
        "roles-in-conflict",
        "A teacher is a registrar, too: what she enters nobody else checks.",
        planting.sql(
            "INSERT INTO auth_user_groups (user_id, group_id) SELECT u.id, g.id FROM auth_user u, auth_group g"
            " WHERE u.username = 'bruno' AND g.name = 'registrars'",
            "DELETE FROM auth_user_groups USING auth_user u, auth_group g WHERE u.id = user_id AND g.id = group_id"
            " AND u.username = 'bruno' AND g.name = 'registrars'",
        ),
        of("access.separation_of_duties", "logging.permission_changes"),
        lasts=True,
    ),
)
