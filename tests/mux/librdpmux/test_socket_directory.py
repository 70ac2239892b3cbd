import os
import stat
from pathlib import Path

import pytest

from pyrdpmux.errors import BackendError
from pyrdpmux.mux.librdpmux.socket_directory import make_socket_directory


@pytest.fixture(autouse=True)
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No systemd, and a runtime directory of our own."""
    monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    monkeypatch.setattr("pyrdpmux.mux.librdpmux.socket_directory._runtime_directory", lambda: tmp_path)
    return tmp_path


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_without_a_state_directory_it_is_a_new_one_each_time(base: Path) -> None:
    first, second = make_socket_directory(None), make_socket_directory(None)
    assert first != second
    assert first.parent == second.parent == base


def test_the_next_daemon_finds_it(base: Path, tmp_path: Path) -> None:
    state = tmp_path / "state"
    directory = make_socket_directory(state)
    assert make_socket_directory(state) == directory
    assert make_socket_directory(tmp_path / "another") != directory
    assert len(os.fsencode(directory)) < 60 + len(os.fsencode(base)), "sockets have short paths"


@pytest.mark.parametrize("is_root", [True, False])
def test_others_pass_through_only_where_they_may_have_vms(
    base: Path, monkeypatch: pytest.MonkeyPatch, is_root: bool
) -> None:
    monkeypatch.setattr("pyrdpmux.mux.librdpmux.socket_directory.serves_others", lambda: is_root)
    assert mode(make_socket_directory(base / "state")) == (0o711 if is_root else 0o700)


def test_systemds_directory_is_used(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = base / "given"
    given.mkdir()
    monkeypatch.setenv("RUNTIME_DIRECTORY", f"{given}:{base}/other")
    directory = make_socket_directory(base / "state")
    assert directory == given / "guests"
    assert mode(directory) == 0o711


def test_what_somebody_else_has_put_there_is_not_used(base: Path, tmp_path: Path) -> None:
    directory = make_socket_directory(tmp_path / "state")
    directory.rmdir()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    directory.symlink_to(elsewhere)
    with pytest.raises(BackendError, match="not a directory of ours"):
        make_socket_directory(tmp_path / "state")
    directory.unlink()
    directory.write_text("")
    with pytest.raises(BackendError, match=r"exists|not a directory"):
        make_socket_directory(tmp_path / "state")
