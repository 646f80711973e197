"""`compliance verify --prove`, `--consistency` and `--check-proof`: made on one machine, checked with a key alone."""

from __future__ import annotations

from tests.cli.helpers import Place


def test_a_proof_travels_with_its_line(copy: Place) -> None:
    vkey = copy.run("keys", "export").out.strip()
    copy.run("collect")
    size = copy.run("ledger", "status", "--json").json["entries"]
    proof, line, other = (str(copy.folder / name) for name in ("e.tlog-proof", "e.json", "other.json"))

    made = copy.run("verify", "--prove", "3", "-o", proof, "--line", line)
    assert (made.code, made.out) == (0, "")
    copy.run("verify", "--prove", "4", "--line", other, "--size", str(size))
    held = copy.run("verify", "--check-proof", proof, "--line", line, "--vkey", vkey)
    assert held.code == 0
    assert f"among the {size} entries" in held.out

    wrong = copy.run("verify", "--check-proof", proof, "--line", other, "--vkey", vkey)
    assert wrong.code == 4
    assert "the line is that of entry 4" in wrong.err
    assert copy.run("verify", "--check-proof", proof, "--vkey", vkey).code == 2
    assert copy.run("verify", "--check-proof", proof, "--line", line).code == 2


def test_a_consistency_proof(copy: Place) -> None:
    vkey = copy.run("keys", "export").out.strip()
    before = copy.run("ledger", "status", "--json").json["entries"]
    copy.run("collect")
    after = copy.run("ledger", "status", "--json").json["entries"]
    assert after > before

    made = copy.run("verify", "--consistency", str(before), str(after))
    path = copy.folder / "c.tlog-consistency"
    path.write_text(made.out)

    held = copy.run("verify", "--check-proof", str(path), "--vkey", vkey)
    assert held.code == 0
    assert f"the {after} entries" in held.out
    path.write_text(made.out.replace(f"from {before}", f"from {before - 1}"))
    assert copy.run("verify", "--check-proof", str(path), "--vkey", vkey).code == 4


def test_what_cannot_be_proven(copy: Place) -> None:
    size = copy.run("ledger", "status", "--json").json["entries"]
    assert copy.run("verify", "--prove", str(size)).code == 2
    assert copy.run("verify", "--consistency", "2", str(size)).code == 2
    assert copy.run("verify", "--prove", "1", "--consistency", "1", "2").code == 2
    assert copy.run("verify", "--size", "3").code == 2
    assert copy.run("verify", "--prove", "3", "-o", str(copy.folder / "none" / "x")).code == 2
    copy.sql("UPDATE entry SET line = replace(line, 'engine', 'motors') WHERE seq = 3")
    done = copy.run("verify", "--prove", "3")
    assert (done.code, done.out) == (4, "")
    assert "do not give the root" in done.err
