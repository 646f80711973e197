"""What the report says under many settings of a real project, and what really happens to a stranger who calls."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.servers.django import DjangoProject
from tests.servers.django_project.shop.planted import SECRETS

REFUSED, LET_IN = {302, 401, 403}, {200}


@pytest.fixture(scope="module")
def project() -> Iterator[DjangoProject]:
    with DjangoProject() as made:
        yield made


@pytest.fixture(scope="module")
def said(project: DjangoProject) -> Any:
    """The output of `variants.py`, run once."""
    done = subprocess.run(
        [sys.executable, str(project.folder / "variants.py")],
        cwd=project.folder,
        env={**os.environ, **project.env},
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout)


# --- the URL map -------------------------------------------------------------------------------------------------

_DECIDED = {
    True: """ApiBoth ApiDefault ApiOwnAndSignedIn ApiSet ByMethodDecorator ByMixin ByPermissionMixin accounts/password
        admin by_login by_login_then_own by_login_under_harmless by_permission by_staff wrapped_class""",
    False: """ApiEither ApiNone ApiOpen ApiReadOnly ApiSetOpen ByMixinTooLate OpenTemplate accounts/login api_function
        health open_page""",
    None: """ApiBroken ApiModelRoot ApiByAction ApiOwn ApiSignsInAnybody ByMixinBehindDispatch ByMixinThatLetsGo
        ByOwnMethodDecorator ByTestMixin HalfGuarded OwnTemplate by_any_test by_impostor
        by_no_permission by_own_then_login cached_before_login checks_inside closed_page hook saml2/acs saml2/login
        saml2/logout saml2/ls saml2/ls/post saml2/metadata unnamed_wrapper""",
}
DECIDED = {route: signin for signin, routes in _DECIDED.items() for route in routes.split()}


def test_what_each_view_demands(said: Any) -> None:
    rows = {route.strip("/"): row for route, row in said["maps"]["plain"].items()}
    top = {route: row["requires_signin"] for route, row in rows.items() if not route.startswith("admin/")}
    assert top == DECIDED


@pytest.mark.parametrize("name", ["plain", "login middleware", "own middleware"])
def test_a_stranger_meets_what_the_report_says(said: Any, name: str) -> None:
    asked = [row for row in said["maps"][name].values() if row["status"] is not None]
    for row in asked:
        if row["requires_signin"] is not None and row["route"] != "/admin/login/":
            expected = REFUSED if row["requires_signin"] else LET_IN
            assert row["status"] in expected, row
    assert len([row for row in asked if row["requires_signin"]]) >= 15


def test_djangos_login_middleware_guards_all_but_what_is_exempt(said: Any) -> None:
    rows = said["maps"]["login middleware"]
    open_now = {route for route, row in rows.items() if row["requires_signin"] is False}
    undecided = {route for route, row in rows.items() if row["requires_signin"] is None}
    assert "/accounts/login/" in open_now
    assert "/open_page/" not in open_now
    exempt = {"/ApiBroken/", "/ApiByAction/", "/ApiModelRoot/", "/ApiOwn/", "/ApiSignsInAnybody/"}
    assert undecided == exempt  # views of REST framework are


def test_middleware_of_the_projects_own_leaves_open_views_undecided(said: Any) -> None:
    rows = said["maps"]["own middleware"]
    assert [route for route, row in rows.items() if row["requires_signin"] is False] == []
    assert rows["/health/"]["undecided"] == ["shop.own.OwnMiddleware"]
    assert rows["/by_login/"]["requires_signin"] is True


def test_without_djangos_authentication_nothing_is_known_of_guards_that_ask_it(said: Any) -> None:
    rows = said["maps"]["nobody signs in"]
    assert rows["/by_login/"]["requires_signin"] is None
    assert rows["/ApiDefault/"]["requires_signin"] is True  # REST framework signs in by itself


def test_who_is_signed_in_is_the_authentications_word(said: Any) -> None:
    row = said["maps"]["plain"]["/ApiSignsInAnybody/"]
    assert (row["status"], row["requires_signin"]) == (200, None)
    assert row["undecided"] == ["shop.views.EverybodyIsSomebody"]
    assert said["maps"]["plain"]["/ApiBroken/"]["undecided"] == ["could not be taken apart: TypeError"]


def test_decorators_are_known_by_their_code(said: Any) -> None:
    rows = said["maps"]["plain"]
    assert rows["/by_impostor/"]["undecided"] == ["shop.views.impostor"]
    assert rows["/by_own_then_login/"]["undecided"] == ["shop.views.teacher_required"]
    assert rows["/by_login_then_own/"]["guards"] == [
        "django.contrib.auth.decorators.login_required",
        "shop.views.teacher_required",
    ]
    assert rows["/by_permission/"]["permissions"] == ["shop.change_order"]
    assert rows["/api_function/"]["view"] == "shop.views.api_function"


# --- lock-out, passwords, tokens, sign-on ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("good", (5, 30)),
        ("by address", (0, 0)),
        ("by both together", (0, 0)),
        ("parameters by code", (None, None)),
        ("off", (0, 0)),
        ("no lock", (0, 0)),
        ("behind", (None, None)),
        ("no backend", (0, 0)),
        ("dummy", (0, 0)),
        ("own handler", (None, None)),
        ("forever", (5, 0)),
        ("an hour", (5, 60)),
        ("half a minute", (5, None)),
        ("time by code", (5, None)),
        ("limit by code", (None, 30)),
        ("name by code", (None, None)),
        ("expiring attempts", (None, None)),
        ("no passwords", (None, None)),
    ],
)
def test_lockouts(said: Any, name: str, expected: tuple[int | None, int | None]) -> None:
    told = said["lockouts"][name]
    assert (told["attempts"], told["minutes"]) == expected, told["note"]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("none", (0, False, 0, "argon2id")),
        ("own", (20, False, None, "argon2id")),
        ("broken", (None, None, None, "argon2id")),
        ("all earlier", (1, False, 1_000_000, "argon2id")),
        ("pbkdf2", (12, True, 5, "pbkdf2_sha256")),
        ("tuned hasher", (12, True, 5, "argon2id")),
        ("own hasher", (12, True, 5, None)),
    ],
)
def test_passwords(said: Any, name: str, expected: tuple[Any, ...]) -> None:
    told = said["passwords"][name]
    assert (told["min_length"], told["needs_alnum"], told["history"], told["hash_algorithm"]) == expected


def test_passwords_beside_the_rules(said: Any) -> None:
    assert said["passwords"]["pbkdf2"]["hash_iterations"] >= 1_000_000
    assert said["passwords"]["remote users"]["password_login"] is False
    assert said["passwords"]["none"]["password_login"] is True


def test_tokens(said: Any) -> None:
    told = {name: rows[0] for name, rows in said["tokens"].items()}
    assert (told["no blacklist"]["rotate_refresh"], told["no blacklist"]["blacklist_after_rotation"]) == (True, False)
    assert told["own serializer"]["changed"] == ["TOKEN_OBTAIN_SERIALIZER=shop.own.OwnSerializer"]
    assert told["own refresh"]["changed"] == ["TOKEN_REFRESH_SERIALIZER=shop.own.OwnSerializer"]
    assert (told["curve"]["key_kind"], told["curve"]["key_bits"], told["curve"]["curve"]) == ("ec", 256, "P-256")
    secret = told["shared secret"]
    assert (secret["key_kind"], secret["key_bits"], secret["key_id"]) == ("hmac", 8 * len(SECRETS["secret_key"]), None)
    assert secret["key_shared"] is True
    assert (told["garbage key"]["key_kind"], told["garbage key"]["key_bits"]) == (None, None)
    sliding = told["sliding"]
    assert (sliding["issuer"], sliding["access_ttl_s"], sliding["rotate_refresh"]) == ("simplejwt sliding", 300, False)


def test_sign_on(said: Any) -> None:
    (trusting,) = said["saml"]["keys of the answer"]
    assert trusting["strict"] is False
    (own,) = said["saml"]["own loader"]
    assert (own["strict"], own["assertions_signed"]) == (None, True)
    assert said["saml"]["folder"] == said["saml"]["python3-saml"]
    hardened = said["saml"]["python3-saml"][1]
    assert (hardened["product"], hardened["strict"], hardened["assertions_signed"]) == ("python3-saml", True, True)
    assert (hardened["weak_signatures_refused"], hardened["replay_protection"]) == (True, None)


# --- the report itself -------------------------------------------------------------------------------------------


def test_a_section_that_would_hold_a_secret_is_left_out(said: Any) -> None:
    sections = said["leak"]["sections"]
    assert sections["settings"] == {"error": "SecretFound"}
    assert "value" in sections["sessions"]
    assert "planted-9" not in json.dumps(said["leak"])


def test_the_command_prints_no_secret_and_one_line(project: DjangoProject) -> None:
    done = project.run("shop.bad")
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 1
    assert not [text for text in SECRETS.values() if text in done.stdout + done.stderr]


def test_a_file_is_written_whole_or_not_at_all(project: DjangoProject, tmp_path: Path) -> None:
    place = tmp_path / "report.json"
    assert project.run("shop.good", "--output", str(place)).returncode == 0
    before = place.read_bytes()
    assert json.loads(before)["settings_module"] == "shop.good"
    failed = project.run("shop.good", "--output", str(tmp_path / "none" / "report.json"))
    assert failed.returncode != 0
    assert "could not be written" in failed.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"]
    assert place.read_bytes() == before
