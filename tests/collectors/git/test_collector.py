"""The git collector on real repositories: good, bad, empty, shallow, detached, rewritten, hostile, unreadable."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import threading
import traceback
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from compliance.collectors.git import Git, GitSettings
from compliance.collectors.testing import Conformance
from compliance.schemas.messages import Complete, Context, Discovery, Gap, Mark, Record

from .conftest import Repo, Seen, look

Make = Callable[..., Repo]
PLANTED = "AKIAQ3EGRJ5YTW7LNPZX"  # the form of an AWS key id, belonging to nobody
TREE = {"iac_file", "ci_definition", "code_owner_rule", "component_inventory", "repository"}


class TestConformance(Conformance):
    """Everything the suite asks, with secrets in the tree, in a remote's address and in the configuration."""

    collector = Git

    @pytest.fixture(autouse=True)
    def _system(self, make: Make, tmp_path: Path) -> None:
        repo = make()
        repo.commit({"app.py": f'key = "{PLANTED}"\n', "main.tf": "# nothing\n"})
        repo.git("remote", "add", "origin", "https://robin:remote-password-1@git.example.org/shop.git?token=in-query-2")
        repo.git("config", "http.extraHeader", "Authorization: Bearer header-token-3")
        self.settings = {"paths": [str(repo.path)]}
        self.unreachable = {"paths": [str(tmp_path / "gone")]}
        self.planted = (PLANTED, "remote-password-1", "in-query-2", "header-token-3")


def test_a_repository_says_what_it_is(make: Make) -> None:
    repo = make()
    repo.commit({"a": "1\n", "infra/main.tf": "x\n", ".github/CODEOWNERS": "* @team\n", ".gitlab-ci.yml": "a: {}\n"})
    head = repo.commit({"a": "2\n"}, when="2026-11-02T12:00:00+02:00")
    repo.git("remote", "add", "origin", "https://robin:pw@git.example.org/shop.git")
    repo.git("remote", "add", "backup", "git@backup.example.org:shop.git")
    repo.write({"a": "3\n", "untracked": "x"})
    (row,) = look(repo.path, kinds={"repository"}).rows("repository")
    assert row.repository == row.remote == "https://git.example.org/shop.git"
    assert row.remotes == ["git@backup.example.org:shop.git", "https://git.example.org/shop.git"]
    assert (row.default_branch, row.head, row.commits) == ("main", head, 2)
    assert row.head_at == datetime(2026, 11, 2, 10, tzinfo=UTC)
    assert (row.is_shallow, row.uncommitted_changes) == (False, 1)
    assert (row.is_iac, row.has_code_owners, row.has_ci) == (True, True, True)
    assert (row.protected, row.required_reviews, row.admins_bypass) == (None, None, None)
    assert row.signed_permille == 0


def test_two_clones_of_one_remote_are_told_apart_by_their_paths(make: Make) -> None:
    one, two = make("one"), make("two")
    for repo in (one, two):
        repo.commit({"a": "1"})
        repo.git("remote", "add", "origin", "https://git.example.org/shop.git")
    rows = look(one.path, two.path, kinds={"repository"}).rows("repository")
    assert {row.repository for row in rows} == {str(one.path), str(two.path)}


def test_a_folder_of_clones_stands_for_them(make: Make, tmp_path: Path) -> None:
    make("b").commit({"a": "1"})
    make("a.git", "--bare")
    (tmp_path / "no-repository").mkdir()
    rows = look(tmp_path, kinds={"repository"}).rows("repository")
    assert [(Path(row.repository).name, row.detail["is_bare"]) for row in rows] == [("a.git", True), ("b", False)]
    assert rows[0].uncommitted_changes is None


def test_commits_are_told_once_with_review_and_files(make: Make) -> None:
    repo = make()
    first = repo.commit({"a": "1", "b": "1"}, "start")
    second = repo.commit({"main.tf": "x"}, "infra\n\nReviewed-by: Kim Kay <kim@example.org>")
    repo.git("checkout", "-q", "-b", "side", first)
    side = repo.commit({"c": "1"}, "side\n\nReviewed-by: Robin <ROBIN@example.org>")
    repo.git("checkout", "-q", "main")
    repo.git(
        "-c",
        "user.name=R",
        "-c",
        "user.email=r@example.org",
        "merge",
        "-q",
        "--no-ff",
        "--no-gpg-sign",
        "side",
        "-m",
        "merge",
    )
    merge = repo.git("rev-parse", "HEAD")
    seen = look(repo.path, kinds={"commit"})
    rows = {row.commit: row for row in seen.rows("commit")}
    assert set(rows) == {first, second, side, merge}
    assert [rows[c].reviewed_by_other for c in (first, second, side)] == [False, True, False]
    assert [rows[c].files_changed for c in (first, second, side, merge)] == [2, 1, 1, 1]
    assert [rows[c].parents for c in (first, second, merge)] == [0, 1, 2]
    assert [rows[c].touches_iac for c in (first, second)] == [False, True]
    assert rows[first].occurred_at == datetime(2026, 11, 1, 12, tzinfo=UTC)
    assert (rows[first].author_email, rows[first].author_name) == ("robin@example.org", "Robin Roe")
    assert {row.signature for row in rows.values()} == {"none"}
    ending = seen.ending("commit")
    assert isinstance(ending, Complete)
    assert ending.independent_count == 4
    assert look(repo.path, kinds={"commit"}, cursor=ending.cursor).rows("commit") == []
    newest = repo.commit({"a": "2"})
    assert [row.commit for row in look(repo.path, kinds={"commit"}, cursor=ending.cursor).rows("commit")] == [newest]


def test_a_second_address_of_the_author_is_no_second_person(make: Make) -> None:
    repo = make()
    for trailer in ("Robin  ROE <private@example.net>", "robin roe", "Robin <ROBIN@example.org>", "<>"):
        repo.commit({"a": trailer}, f"change\n\nReviewed-by: {trailer}")
    other = repo.commit({"a": "x"}, "change\n\nReviewed-by: Robin Roe <private@example.net>\nAcked-by: Kim")
    rows = look(repo.path, kinds={"commit"}).rows("commit")
    assert [row.commit for row in rows if row.reviewed_by_other] == [other]


def test_odd_names_do_not_break_the_reading_of_commits(make: Make) -> None:
    repo = make()
    repo.commit({'ü\n\t"x".txt': "1", "-flag": "2"}, "odd", author="A \x01 \x1f B <odd@example.org>")
    (row,) = look(repo.path, kinds={"commit"}).rows("commit")
    assert (row.files_changed, row.author_email) == (2, "odd@example.org")


def test_a_rewritten_history_gives_only_what_is_new_and_says_so(make: Make) -> None:
    repo = make()
    repo.commit({"a": "1"})
    repo.commit({"a": "2"})
    ending = look(repo.path, kinds={"commit"}).ending("commit")
    assert isinstance(ending, Complete)
    repo.git("reset", "-q", "--hard", "HEAD~1")
    other = repo.commit({"a": "3"}, "instead")
    seen = look(repo.path, kinds={"commit"}, cursor=ending.cursor)
    assert [row.commit for row in seen.rows("commit")] == [other]
    assert any("history was rewritten" in request.text for request in seen.ending("commit").requests)


def test_when_the_former_tip_is_gone_everything_is_read_again(make: Make) -> None:
    repo = make()
    repo.commit({"a": "1"})
    repo.commit({"a": "2"})
    gone = json.dumps({str(repo.path): {"tip": "1" * 40}})
    seen = look(repo.path, kinds={"commit"}, cursor=gone)
    assert len(seen.rows("commit")) == 2
    assert any("history was rewritten" in request.text for request in seen.ending("commit").requests)


def test_an_interrupted_walk_goes_on_where_it_was(make: Make) -> None:
    repo = make()
    commits = [repo.commit({"a": str(n)}) for n in range(4)]
    middle = json.dumps({str(repo.path): {"towards": commits[2], "done": 2}})
    seen = look(repo.path, kinds={"commit"}, cursor=middle)
    assert [row.commit for row in seen.rows("commit")] == commits[2:]
    marks = [json.loads(m.cursor)[str(repo.path)] for m in seen.messages if isinstance(m, Mark)]
    assert marks == [{"tip": commits[2]}, {"tip": commits[3]}]
    ending = seen.ending("commit")
    assert isinstance(ending, Complete)
    assert ending.independent_count == 2


def test_a_long_history_is_marked_on_the_way_and_each_mark_can_be_resumed(make: Make) -> None:
    repo = make()
    stream = "".join(
        f"commit refs/heads/main\ncommitter R <r@example.org> {1_700_000_000 + n} +0000\ndata 1\nx\n"
        for n in range(1005)
    )
    subprocess.run(["git", "-C", str(repo.path), "fast-import", "--quiet"], input=stream.encode(), check=True)
    seen = look(repo.path, kinds={"commit"})
    marks = [m.cursor for m in seen.messages if isinstance(m, Mark)]
    assert len(marks) == 2
    assert len(seen.rows("commit")) == 1005
    rest = look(repo.path, kinds={"commit"}, cursor=marks[0])
    assert [row.commit for row in rest.rows("commit")] == [row.commit for row in seen.rows("commit")][1000:]
    ending = rest.ending("commit")
    assert isinstance(ending, Complete)
    assert ending.independent_count == 5


def test_a_position_of_another_form_is_a_gap(make: Make) -> None:
    repo = make()
    repo.commit({"a": "1"})
    assert look(repo.path, kinds={"commit"}, cursor="abc").causes() == {"malformed"}


def test_an_empty_repository_is_complete_and_has_no_commits(make: Make) -> None:
    seen = look(make().path)
    assert not seen.causes()
    (row,) = seen.rows("repository")
    assert (row.head, row.head_at, row.commits, row.signed_permille, row.default_branch) == (
        None,
        None,
        0,
        None,
        "main",
    )
    (scan,) = seen.rows("secret_scan")
    assert (scan.commit, scan.files_scanned, scan.findings) == (None, 0, 0)
    assert seen.rows("commit") == []


def test_a_shallow_clone_does_not_pretend_to_know_its_history(make: Make, tmp_path: Path) -> None:
    repo = make()
    repo.commit({"main.tf": "x"})
    repo.commit({"a.tf": "x"})
    subprocess.run(
        ["git", "clone", "-q", "--depth=1", f"file://{repo.path}", str(tmp_path / "shallow")],
        check=True,
        capture_output=True,
    )
    seen = look(tmp_path / "shallow", kinds={"repository", "iac_file"})
    (row,) = seen.rows("repository")
    assert (row.is_shallow, row.commits, row.signed_permille) == (True, None, None)
    assert {r.path: r.last_changed_at for r in seen.rows("iac_file")} == {"main.tf": None, "a.tf": None}


def test_a_detached_head_still_has_its_default_branch(make: Make) -> None:
    repo = make()
    first = repo.commit({"old.tf": "x"})
    tip = repo.commit({"new.tf": "x"})
    repo.git("checkout", "-q", first)
    seen = look(repo.path, kinds={"repository", "iac_file", "commit"})
    (row,) = seen.rows("repository")
    assert (row.default_branch, row.head) == ("main", tip)
    assert [r.path for r in seen.rows("iac_file")] == ["old.tf"]  # the tree is the one checked out
    assert len(seen.rows("commit")) == 2


def test_the_remote_says_which_branch_is_the_default(make: Make) -> None:
    repo = make()
    first = repo.commit({"a": "1"})
    repo.git("update-ref", "refs/remotes/origin/trunk", first)
    repo.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/trunk")
    repo.commit({"a": "2"})
    (row,) = look(repo.path, kinds={"repository"}).rows("repository")
    assert (row.default_branch, row.head, row.commits) == ("trunk", first, 1)


def test_signatures_made_with_ssh_keys_are_judged_by_our_list_alone(make: Make, tmp_path: Path) -> None:
    if shutil.which("ssh-keygen") is None:
        pytest.fail("ssh-keygen is not installed (openssh-client)")
    repo = make()
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    for key in (ours, theirs):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    repo.git("config", "gpg.format", "ssh")
    repo.git("config", "user.signingKey", str(ours))
    good = repo.commit({"a": "1"}, sign="yes")
    repo.git("config", "user.signingKey", str(theirs))
    stranger = repo.commit({"a": "2"}, sign="yes")
    plain = repo.commit({"a": "3"})
    old = repo.git("rev-parse", "HEAD~2")
    assert old == good
    signers = tmp_path / "signers"
    signers.write_text(f"robin@example.org {ours.with_suffix('.pub').read_text()}")
    vouching = tmp_path / "vouching"
    vouching.write_text(f"x@example.org {theirs.with_suffix('.pub').read_text()}")
    repo.git("config", "gpg.ssh.allowedSignersFile", str(vouching))  # the repository vouches for itself: ignored

    seen = look(repo.path, kinds={"commit", "repository"}, allowed_signers=signers)
    states = {row.commit: row.signature for row in seen.rows("commit")}
    assert states == {good: "good", stranger: "untrusted", plain: "none"}
    assert seen.rows("repository")[0].signed_permille == 333

    unknown = look(repo.path, kinds={"commit", "repository"})
    assert {row.signature for row in unknown.rows("commit")} == {"untrusted", "none"}
    assert unknown.rows("repository")[0].signed_permille is None

    later = look(repo.path, kinds={"commit"}, allowed_signers=signers, now="2028-11-20")
    assert {row.commit: row.signature for row in later.rows("commit")} == {good: None, stranger: None, plain: "none"}


def test_a_tampered_signature_is_bad(make: Make, tmp_path: Path) -> None:
    repo, key = make(), tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    repo.git("config", "gpg.format", "ssh")
    repo.git("config", "user.signingKey", str(key))
    repo.commit({"a": "1"}, "honest", sign="yes")
    raw = repo.git("cat-file", "commit", "HEAD").replace("honest", "forged") + "\n"
    forged = tmp_path / "forged"
    forged.write_text(raw)
    repo.git("update-ref", "refs/heads/main", repo.git("hash-object", "-w", "-t", "commit", str(forged)))
    signers = tmp_path / "signers"
    signers.write_text(f"robin@example.org {key.with_suffix('.pub').read_text()}")
    (row,) = look(repo.path, kinds={"commit"}, allowed_signers=signers).rows("commit")
    assert row.signature == "bad"


def test_secrets_are_found_by_place_and_never_told(make: Make) -> None:
    repo = make()
    repo.commit({"clean.py": "x = 1\n"})
    repo.commit(
        {
            "app.py": f'import os\nkey = "{PLANTED}"\n',
            "known.py": f'key = "{PLANTED}"  # pragma: allowlist secret\n',
            "latin.txt": f"caf\xe9\naws {PLANTED}\n".encode("latin-1"),
            "picture.bin": b"\0\1" + PLANTED.encode(),
            "big.txt": "x\n" * 600_000,
            "package-lock.json": "{}",
        },
        when="2026-11-05T12:00:00+00:00",
    )
    seen = look(repo.path, kinds={"secret_scan", "secret_finding"})
    rows = {(row.path, row.line): row for row in seen.rows("secret_finding") if row.secret_type == "AWS Access Key"}
    assert set(rows) == {("app.py", 2), ("known.py", 1), ("latin.txt", 2)}
    assert [rows[k].is_allowlisted for k in sorted(rows)] == [False, True, False]
    assert rows["app.py", 2].committed_at == datetime(2026, 11, 5, 12, tzinfo=UTC)
    (scan,) = seen.rows("secret_scan")
    assert (scan.files_scanned, scan.files_skipped) == (4, 3)
    assert scan.findings == len(seen.rows("secret_finding"))
    assert scan.commit == repo.git("rev-parse", "HEAD")
    assert PLANTED not in repr(seen.messages)
    for form in (hashlib.sha1(PLANTED.encode()), hashlib.sha256(PLANTED.encode())):
        assert form.hexdigest() not in repr(seen.messages)


def test_a_tree_without_secrets_has_none(make: Make) -> None:
    repo = make()
    repo.commit({"app.py": "print('hello')\n"})
    seen = look(repo.path, kinds={"secret_scan", "secret_finding"})
    assert seen.rows("secret_finding") == []
    assert seen.rows("secret_scan")[0].files_scanned == 1


def test_the_tree_tells_infrastructure_pipelines_owners_and_components(make: Make) -> None:
    repo = make()
    first = repo.commit(
        {
            "infra/main.tf": 'resource "x" "y" {}\n',
            "k8s/web.yaml": "apiVersion: apps/v1\nkind: Deployment\n",
            "docs/notes.yaml": "title: nothing\n",
            "Dockerfile": "FROM scratch\n",
            ".github/workflows/ci.yml": "on: push\njobs:\n  t:\n    steps: [{uses: acme/scan@v1}, {run: pytest}]\n",
            "CODEOWNERS": "*.py @py-team\n/vendored/\n",
            "requirements.txt": "a==1.0\nb>=2\n",
        },
        when="2026-10-01T00:00:00+00:00",
    )
    repo.commit({"infra/main.tf": "changed\n"}, when="2026-11-03T00:00:00+00:00")
    seen = look(repo.path, kinds=TREE)
    iac = {row.path: row for row in seen.rows("iac_file")}
    assert {path: row.tool for path, row in iac.items()} == {
        "infra/main.tf": "terraform",
        "k8s/web.yaml": "kubernetes",
        "Dockerfile": "docker",
    }
    assert iac["infra/main.tf"].sha256 == hashlib.sha256(b"changed\n").hexdigest()
    assert iac["infra/main.tf"].last_changed_at == datetime(2026, 11, 3, tzinfo=UTC)
    assert iac["Dockerfile"].last_changed_at == datetime(2026, 10, 1, tzinfo=UTC)
    (ci,) = seen.rows("ci_definition")
    assert (ci.system, ci.runs_tests, ci.unpinned_actions, ci.error) == ("github_actions", True, 1, None)
    assert [(r.position, r.pattern, r.owners) for r in seen.rows("code_owner_rule")] == [
        (1, "*.py", ["@py-team"]),
        (2, "/vendored/", []),
    ]
    (lock,) = seen.rows("component_inventory")
    assert (lock.ecosystem, lock.components, lock.unpinned, lock.hashed) == ("pypi", 2, 1, False)
    assert lock.generated_at == datetime(2026, 10, 1, tzinfo=UTC)
    assert first


def test_a_path_that_is_missing_or_no_repository_is_a_gap_for_every_kind(make: Make, tmp_path: Path) -> None:
    good = make()
    good.commit({"a": "1"})
    (tmp_path / "plain" / "below").mkdir(parents=True)
    for path, cause in ((tmp_path / "gone", "absent"), (tmp_path / "plain", "malformed")):
        seen = look(good.path, path)
        assert seen.causes() == {cause}
        assert len([m for m in seen.messages if isinstance(m, Gap)]) == len(Git.kinds)
        assert not [m for m in seen.messages if isinstance(m, Record)]


def test_a_damaged_repository_is_a_gap(make: Make) -> None:
    repo = make()
    repo.commit({"a": "1"})
    blob = repo.git("rev-parse", "HEAD:a")
    (repo.path / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    seen = look(repo.path, kinds={"secret_scan"})
    ending = seen.ending("secret_scan")
    assert isinstance(ending, Gap)
    assert "missing" in ending.message


def test_without_git_everything_is_absent(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repo = make()
    monkeypatch.setenv("PATH", str(tmp_path))
    seen = look(repo.path)
    assert seen.causes() == {"absent"}
    ending = seen.ending("repository")
    assert isinstance(ending, Gap)
    assert "not installed" in ending.message


def test_a_git_that_hangs_is_a_timeout(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    repo = make()
    slow = tmp_path / "bin" / "git"
    slow.parent.mkdir()
    slow.write_text(f"#!{sys.executable}\nimport time\ntime.sleep(600)\n")
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", str(slow.parent))
    context: Context[Any] = Context(
        "code", GitSettings(paths=[repo.path]), lambda: datetime.now(UTC), frozenset({"repository"}), timeout_s=0.5
    )
    assert Seen(list(Git().collect(context))).causes() == {"timeout"}


def test_stop_ends_the_reading(make: Make) -> None:
    repo = make()
    repo.commit({"a": "1"})
    stop = threading.Event()
    stop.set()
    context: Context[Any] = Context(
        "code", GitSettings(paths=[repo.path]), lambda: datetime.now(UTC), frozenset({"iac_file"}), stop=stop
    )
    assert Seen(list(Git().collect(context))).causes() == {"timeout"}


def as_nobody(work: Callable[[], str]) -> str:
    """Runs `work` as an account that owns nothing, where we may change accounts; its answer as text."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.close(read)
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(65534)
                os.setuid(65534)
            os.write(write, work().encode())
            status = 0
        except BaseException:  # noqa: BLE001 -- the child must not go on as a second test run
            os.write(write, traceback.format_exc().encode())
        finally:
            os._exit(status)
    os.close(write)
    with os.fdopen(read, "rb") as pipe:
        answer = pipe.read().decode()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0, answer
    return answer


@pytest.fixture
def open_folder(tmp_path: Path) -> Path:
    """`tmp_path`, with the way to it open to every account."""
    for folder in (tmp_path, *tmp_path.parents):
        if folder != Path("/") and folder.owner() == tmp_path.owner() and folder != Path("/tmp"):
            folder.chmod(folder.stat().st_mode | 0o055)
    return tmp_path


def test_reading_rights_are_enough_also_for_another_owner(make: Make, open_folder: Path) -> None:
    repo = make()
    repo.commit({"main.tf": "x", "app.py": f'key = "{PLANTED}"\n'})

    def work() -> str:
        seen = look(repo.path, kinds={"repository", "commit", "iac_file"})
        return json.dumps([sorted(seen.causes()), len(seen.rows("commit")), len(seen.rows("iac_file"))])

    assert json.loads(as_nobody(work)) == [[], 1, 1]


@pytest.mark.parametrize("revoked", [".", ".git", ".git/objects", ".git/HEAD", ".git/config", "blob"])
def test_a_revoked_right_is_denied(revoked: str, make: Make, open_folder: Path) -> None:
    repo = make()
    repo.commit({"main.tf": "x"})
    if revoked == "blob":
        revoked = f".git/objects/{repo.git('rev-parse', 'HEAD:main.tf')[:2]}"
    (repo.path / revoked).chmod(0)

    def work() -> str:
        seen = look(repo.path)
        records = [m for m in seen.messages if isinstance(m, Record)]
        return json.dumps([sorted(seen.causes()), len(records)])

    try:
        causes, records = json.loads(as_nobody(work))
    finally:
        (repo.path / revoked).chmod(0o755)
    assert causes == ["denied"]
    assert records <= 1  # the commit does not need the file's content; everything else does


def digest(folder: Path) -> dict[str, tuple[int, int, str]]:
    """Every file below a folder: mode, time of change, content."""
    found = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        content = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        found[str(path)] = (status.st_mode, status.st_mtime_ns, content)
    return found


def test_nothing_is_written_and_nothing_the_repository_names_is_run(make: Make, tmp_path: Path) -> None:
    repo = make()
    repo.commit({".gitattributes": "*.txt diff=evil\n", "a.txt": f'key = "{PLANTED}"\n', "main.tf": "x\n"})
    repo.commit({"a.txt": f'key = "{PLANTED}"\n# more\n'})
    proof = tmp_path / "executed"
    evil = tmp_path / "evil.sh"
    evil.write_text(f"#!/bin/sh\ntouch {proof}\ncat\n")
    evil.chmod(0o755)
    for key in (
        "core.fsmonitor",
        "core.pager",
        "core.sshCommand",
        "credential.helper",
        "diff.external",
        "diff.evil.textconv",
        "diff.evil.command",
        "gpg.program",
        "gpg.ssh.program",
        "pager.log",
        "log.showSignature",
        "core.alternateRefsCommand",
    ):
        repo.git("config", key, "true" if key == "log.showSignature" else str(evil))
    for hook in ("post-index-change", "reference-transaction", "post-checkout"):
        target = repo.path / ".git" / "hooks" / hook
        target.parent.mkdir(exist_ok=True)
        shutil.copy(evil, target)
    os.utime(repo.path / "a.txt", (1, 1))  # a status would want to refresh the index
    before = digest(repo.path)
    seen = look(repo.path)
    assert not seen.causes()
    assert digest(repo.path) == before
    assert not proof.exists()


def test_content_filters_are_not_run(make: Make, tmp_path: Path) -> None:
    repo = make()
    proof = tmp_path / "executed"
    repo.commit({".gitattributes": "* filter=evil\n", "a.txt": "x\n"})
    repo.git("config", "filter.evil.clean", f"touch {proof}; cat")
    os.utime(repo.path / "a.txt", (1, 1))
    (row,) = look(repo.path, kinds={"repository"}).rows("repository")
    assert row.uncommitted_changes is None
    assert not proof.exists()


def test_discovery_finds_the_repository_around_and_those_below(make: Make, tmp_path: Path) -> None:
    around = make("around")
    (around.path / "deep" / "er").mkdir(parents=True)
    Repo(around.path / "deep" / "er" / "inner").path.mkdir()
    Repo(around.path / "deep" / "er" / "inner").git("init", "-q")
    make("root/srv/Shop.git", "--bare")
    make("root/home/somebody/private")
    found = list(Git().discover(Discovery(root=tmp_path / "root", folder=around.path / "deep" / "er", timeout_s=30)))
    assert [(f.name, [Path(p).name for p in f.settings["paths"]]) for f in found] == [
        ("around", ["around"]),
        ("inner", ["inner"]),
        ("shop", ["Shop.git"]),
    ]
