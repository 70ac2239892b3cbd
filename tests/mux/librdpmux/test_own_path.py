"""A socket's path: taken over from a daemon that was killed, and removed only while it is ours."""

import socket
import stat
from pathlib import Path

import pytest

from pyrdpmux.errors import BackendError
from pyrdpmux.mux.librdpmux.own_path import OwnPath


def test_what_a_killed_daemon_has_left_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    path.write_bytes(b"left over")
    own = OwnPath(path, None)
    with own.socket, socket.socket(socket.AF_UNIX) as other:
        other.connect(str(path))
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        own.remove()
        assert not path.exists()
        own.remove()


def test_a_successors_path_stays(tmp_path: Path) -> None:
    path = tmp_path / "socket"
    first, second = OwnPath(path, None), OwnPath(path, None)
    with first.socket, second.socket:
        first.remove()
        assert path.exists()
        second.remove()
        assert not path.exists()


def test_where_nothing_can_be_bound(tmp_path: Path) -> None:
    with pytest.raises(BackendError, match="missing"):
        OwnPath(tmp_path / "missing" / "socket", None)
