"""One socket, two users, and the kernel as the judge."""

import asyncio
import errno
import os
import socket
import stat
import struct
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pyrdpmux.errors import BackendError
from pyrdpmux.mux.librdpmux.socket_access import ATTRIBUTE, access_list, give_to
from pyrdpmux.mux.librdpmux.transport import PairSocket
from tests.mux.support.public_directory import public_directory

DAEMON, GUEST, STRANGER = 64001, 64002, 64003

CALLER = """
import os, socket, sys
os.setgroups([])
os.setgid(int(sys.argv[2]))
os.setuid(int(sys.argv[2]))
try:
    socket.socket(socket.AF_UNIX).connect(sys.argv[1])
except OSError as error:
    print(error.strerror)
else:
    print("connected")
"""


class Anybody:
    """A SocketUser that does not care."""

    def received(self, messages: list[bytes]) -> None: ...

    def connected(self) -> None: ...

    def disconnected(self) -> None: ...


as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be somebody else")


def connecting(path: Path, uid: int) -> str:
    """What a process of this user gets."""
    return subprocess.run(
        [sys.executable, "-c", CALLER, path, str(uid)], capture_output=True, text=True, check=True
    ).stdout.strip()


@pytest.fixture
def directory() -> Iterator[Path]:
    with public_directory() as found:
        yield found


@pytest.fixture
def listening(directory: Path) -> Iterator[Path]:
    path = directory / "socket"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(os.fspath(path))
        listener.listen()
        yield path


def test_the_list_is_the_kernels() -> None:
    version, *fields = struct.unpack("<I" + "HHI" * 5, access_list(1000))
    nobody = 0xFFFFFFFF
    assert version == 2
    assert list(zip(*[iter(fields)] * 3, strict=True)) == [
        (1, 6, nobody),
        (2, 6, 1000),
        (4, 0, nobody),
        (16, 6, nobody),
        (32, 0, nobody),
    ]


@as_root
def test_one_user_may_connect_and_no_other(listening: Path) -> None:
    give_to(listening, GUEST)
    assert connecting(listening, GUEST) == "connected"
    assert connecting(listening, STRANGER) == "Permission denied"
    assert listening.stat().st_uid == os.geteuid(), "it stays ours"
    give_to(listening, STRANGER)
    assert connecting(listening, GUEST) == "Permission denied", "it was somebody else's turn"
    assert connecting(listening, STRANGER) == "connected"
    give_to(listening, None)
    assert connecting(listening, STRANGER) == "Permission denied"


@as_root
def test_a_daemon_without_capabilities_can_do_it(directory: Path) -> None:
    """What the unit makes of it: a user of its own, who could not give anything away."""
    directory.chmod(0o777)
    path = directory / "socket"
    child = os.fork()
    if not child:
        try:
            os.setgroups([])
            os.setgid(DAEMON)
            os.setuid(DAEMON)
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(os.fspath(path))
            listener.listen()
            listener.settimeout(10)
            give_to(path, GUEST)
            assert Path("/proc/self/status").read_text().split("CapEff:\t")[1][:16] == "0" * 16
            listener.accept()
        except BaseException:
            os._exit(1)
        os._exit(0)
    while not (path.exists() and ATTRIBUTE in os.listxattr(path)):
        assert os.waitpid(child, os.WNOHANG)[0] == 0, "it has failed"
    assert connecting(path, STRANGER) == "Permission denied"
    assert connecting(path, GUEST) == "connected"
    assert os.waitpid(child, 0)[1] == 0


def listening_pair(path: Path) -> Callable[[], None]:
    pair = PairSocket(Anybody())
    pair.listen(path, GUEST)
    return pair.close


def listening_router(path: Path) -> Callable[[], None]:
    pytest.importorskip("zmq")
    from pyrdpmux.mux.librdpmux.router import Router

    router = Router()
    router.bind_path(path, GUEST)
    return router.close


@as_root
@pytest.mark.parametrize("listen", [listening_pair, listening_router])
def test_the_sockets_of_guests(directory: Path, listen: Callable[[Path], Callable[[], None]]) -> None:
    async def scenario() -> None:
        close = listen(directory / "guest")
        try:
            for uid, expected in ((GUEST, "connected"), (STRANGER, "Permission denied")):
                assert await asyncio.to_thread(connecting, directory / "guest", uid) == expected
        finally:
            close()

    asyncio.run(scenario())


@pytest.fixture
def without_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system that keeps none."""

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.ENOTSUP, os.strerror(errno.ENOTSUP))

    monkeypatch.setattr(os, "setxattr", refuse)


@as_root
@pytest.mark.usefixtures("without_lists")
def test_without_access_lists_it_is_given_away(listening: Path) -> None:
    give_to(listening, GUEST)
    status = listening.stat()
    assert (status.st_uid, stat.S_IMODE(status.st_mode)) == (GUEST, 0o600)
    assert connecting(listening, GUEST) == "connected"
    assert connecting(listening, STRANGER) == "Permission denied"


@pytest.mark.usefixtures("without_lists")
def test_who_may_not_give_it_away_says_what_is_missing(
    listening: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbid(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "chown", forbid)
    with pytest.raises(BackendError) as caught:
        give_to(listening, GUEST)
    assert str(caught.value) == (
        f"{listening}: cannot be shared with uid {GUEST}: its file system keeps no access lists, "
        "and giving it away is not permitted"
    )


def test_a_socket_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BackendError) as caught:
        give_to(tmp_path / "none", None)
    assert str(caught.value) == f"{tmp_path / 'none'}: No such file or directory"
