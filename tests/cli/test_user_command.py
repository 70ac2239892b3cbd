"""Who may log on, from the command line."""

import io
import subprocess
from pathlib import Path

import pytest

from pyrdpmux.cli.app import main
from pyrdpmux.files.sam_file import load_accounts, set_password
from tests.cli.serve_program import pyrdpmux, serving


@pytest.fixture
def sam(tmp_path: Path) -> Path:
    path = tmp_path / "accounts.sam"
    set_password(path, "alice", "", "secret")
    set_password(path, "bob", "CORP", "hidden")
    return path


def fails(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    code = main(list(arguments))
    return code, capsys.readouterr().err.strip()


def test_a_vm_without_accounts_of_its_own_is_not_the_common_file(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    config = tmp_path / "c.toml"
    config.write_text(f'state-dir = "{tmp_path}"\n[vms.build7]\naccounts = "b.sam"\n[vms.mail]\nport = 1\n')
    monkeypatch.setattr("sys.stdin", io.StringIO("secret\n"))
    for vm in ("biuld7", "mail"):
        code, error = fails(capsys, "passwd", "alice", "--stdin", "--vm", vm, "--config", str(config))
        assert code == 2
        assert f"gives '{vm}' no accounts of its own; without --vm: the common ones, {tmp_path}" in error
    assert sorted(path.name for path in tmp_path.iterdir()) == ["c.toml"]
    code, error = fails(capsys, "passwd", "alice", "--vm", "build7", "--file", "x", "--config", str(config))
    assert (code, error) == (2, "pyrdpmux: --vm and --file: one of them is enough")


def test_without_a_terminal_it_says_what_to_do(tmp_path: Path) -> None:
    ran = pyrdpmux(
        "passwd", "alice", "--state-dir", tmp_path, stdin=subprocess.DEVNULL, start_new_session=True
    )
    assert ran.returncode == 1
    message = "no terminal to ask for the password at, use --stdin; nothing was changed"
    assert ran.stderr == f"pyrdpmux: {message}\n"


@pytest.mark.parametrize("errors", ["strict", "surrogateescape"])
def test_a_password_that_is_no_text(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, errors: str
) -> None:
    """Python reads standard input in either way, which depends on the locale."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"\xff\n"), "utf-8", errors))
    code, error = fails(capsys, "passwd", "alice", "--stdin", "--state-dir", str(tmp_path))
    assert (code, error) == (1, "pyrdpmux: standard input: not UTF-8, nothing was changed")
    assert not (tmp_path / "accounts.sam").exists()


def test_users_are_listed_as_they_are_called(capsys: pytest.CaptureFixture[str], sam: Path) -> None:
    assert main(["user", "list", "--file", str(sam)]) == 0
    assert capsys.readouterr().out == "alice\nCORP\\bob\n"


def test_a_user_is_removed(capsys: pytest.CaptureFixture[str], sam: Path) -> None:
    code, error = fails(capsys, "user", "remove", "bob", "--file", str(sam))
    assert (code, error) == (1, f"pyrdpmux: {sam}: there is no bob, but CORP\\bob")
    assert main(["user", "remove", "corp\\BOB", "--file", str(sam)]) == 0
    assert [account.user for account in load_accounts(sam).accounts] == ["alice"]
    code, error = fails(capsys, "user", "remove", "bob", "--file", str(sam))
    assert (code, error) == (1, f"pyrdpmux: {sam}: there is no bob")
    assert fails(capsys, "user", "remove", "bob", "--file", f"{sam}.no")[0] == 2
    assert fails(capsys, "user", "remove", "--file", str(sam))[1].endswith("[DOMAIN\\]USER is missing")
    assert fails(capsys, "user", "list", "alice", "--file", str(sam))[0] == 2


@pytest.mark.parametrize(("typed", "code"), [("secret\n", 0), ("wrong\n", 1)])
def test_a_password_is_checked(monkeypatch: pytest.MonkeyPatch, sam: Path, typed: str, code: int) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(typed))
    assert main(["user", "check", "alice", "--stdin", "--file", str(sam)]) == code


def test_a_file_is_checked(capsys: pytest.CaptureFixture[str], sam: Path) -> None:
    assert main(["user", "check", "--file", str(sam)]) == 0
    assert capsys.readouterr().out == f"{sam}: 2 users\n"
    sam.write_text(sam.read_text() + "carol\n")
    for action in (["check"], ["list"], ["remove", "alice"], ["check", "alice"]):
        code, error = fails(capsys, "user", *action, "--file", str(sam))
        assert (code, error) == (2, f"pyrdpmux: {sam}:3: expected user:domain:lmhash:nthash:::")


def test_the_hint_of_the_daemon_can_be_followed(tmp_path: Path) -> None:
    config = tmp_path / "my config.toml"
    config.write_text('accounts = "users.sam"\nbus = "none"\n')
    with serving(tmp_path / "state", "--config", config) as daemon:
        [hint] = [line for line in daemon.lines if "no accounts yet" in line]
        assert f"pyrdpmux passwd --config '{config}' --state-dir {tmp_path}/state NAME" in hint
    ran = pyrdpmux("passwd", "--stdin", "--config", config, "NAME", input="x\n")
    assert ran.stdout == f"{tmp_path}/users.sam: added NAME\n"


def test_a_vms_file_that_is_not_there_is_said_to_be_so(tmp_path: Path) -> None:
    config = tmp_path / "c.toml"
    config.write_text('bus = "none"\n[vms."web-*"]\naccounts = "web.sam"\n')
    set_password(tmp_path / "accounts.sam", "alice", "", "secret")
    with serving(tmp_path, "--config", config) as daemon:
        [warning] = [line for line in daemon.lines if "WARNING" in line]
    assert f"{tmp_path}/web.sam: no accounts yet" in warning
    assert f"`pyrdpmux passwd --file {tmp_path}/web.sam NAME`" in warning
