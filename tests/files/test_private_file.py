"""Files for their owner only."""

import os
import stat
from pathlib import Path

import pytest

from pyrdpmux.errors import ConfigError
from pyrdpmux.files.private_file import MAX_SIZE, check_private, read_file, read_private, write_private


def test_a_file_is_replaced_and_made_private(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(b"old and longer")
    path.chmod(0o666)
    write_private(path, b"new")
    assert read_file(path) == b"new"
    assert path.stat().st_mode & 0o777 == 0o600
    assert [p.name for p in tmp_path.iterdir()] == ["key"]


def test_failures_name_the_file(tmp_path: Path) -> None:
    (tmp_path / "dir").mkdir()
    with pytest.raises(ConfigError, match="dir: cannot write"):
        write_private(tmp_path / "dir", b"x")
    with pytest.raises(ConfigError, match="dir: cannot read"):
        read_file(tmp_path / "dir")
    assert [p.name for p in tmp_path.iterdir()] == ["dir"]


@pytest.mark.parametrize("mode", [0o600, 0o400, 0o640, 0o440, 0o700, 0o601])
def test_secrets_of_the_owner_and_a_group_that_reads(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "key"
    path.write_bytes(b"secret")
    path.chmod(mode)
    (tmp_path / "link").symlink_to(path)
    assert read_private(path) == read_private(tmp_path / "link") == b"secret"


@pytest.mark.parametrize(
    ("mode", "who", "what"),
    [
        (0o644, "everybody", "read"),
        (0o604, "everybody", "read"),
        (0o602, "everybody", "write"),
        (0o666, "everybody", "write"),
        (0o620, "its group", "write"),
        (0o660, "its group", "write"),
    ],
)
def test_secrets_that_others_can_get_at_are_refused(tmp_path: Path, mode: int, who: str, what: str) -> None:
    path = tmp_path / "key"
    path.write_bytes(b"secret")
    path.chmod(mode)
    with pytest.raises(ConfigError) as caught:
        read_private(path)
    assert str(caught.value) == f"{path}: mode {mode:04o}, {who} may {what} it: run `chmod o-rw,g-w {path}`"
    path.chmod(mode & ~0o026)  # what it says to do
    assert read_private(path) == b"secret"


def test_whose_a_file_with_secrets_may_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def status_of(uid: int) -> os.stat_result:
        return os.stat_result((stat.S_IFREG | 0o600, 0, 0, 1, uid, 0, 6, 0, 0, 0))

    monkeypatch.setattr(os, "geteuid", lambda: 990)
    check_private(tmp_path, status_of(0))
    check_private(tmp_path, status_of(990))
    with pytest.raises(ConfigError, match=f"belongs to uid 1000.*run `chown 990 {tmp_path}`"):
        check_private(tmp_path, status_of(1000))


def test_what_is_no_file_has_no_secrets(tmp_path: Path) -> None:
    """And nothing is waited for: nobody writes into the pipe."""
    os.mkfifo(tmp_path / "pipe", 0o600)
    (tmp_path / "dir").mkdir(0o700)
    for name in ("pipe", "dir"):
        with pytest.raises(ConfigError, match=f"{name}: cannot read"):
            read_private(tmp_path / name)
    with pytest.raises(ConfigError, match="none: cannot read: No such file"):
        read_private(tmp_path / "none")


def test_secrets_are_not_that_long(tmp_path: Path) -> None:
    with (tmp_path / "key").open("wb") as file:
        file.truncate(MAX_SIZE + 1)
    (tmp_path / "key").chmod(0o600)
    with pytest.raises(ConfigError, match=f"more than {MAX_SIZE} bytes"):
        read_private(tmp_path / "key")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can write for somebody else")
def test_what_root_writes_belongs_to_whose_directory_it_is(tmp_path: Path) -> None:
    """`pyrdpmux passwd` is run by root, and read by a daemon that is not."""
    home = tmp_path / "home"
    home.mkdir()
    os.chown(home, 12345, 12346)
    write_private(home / "accounts.sam", b"one")
    found = (home / "accounts.sam").stat()
    assert (found.st_uid, found.st_gid, found.st_mode & 0o777) == (12345, 12346, 0o600)
    os.chown(home / "accounts.sam", 777, 778)
    write_private(home / "accounts.sam", b"two")
    found = (home / "accounts.sam").stat()
    assert (found.st_uid, found.st_gid, found.st_mode & 0o777) == (777, 778, 0o600)
