"""The daemon's end, towards openers that lie, and standing in for os.open."""

import errno
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pyrdpmux.mux.opener.client import Opener
from pyrdpmux.mux.opener.opening import READ
from tests.mux.opener.running import DAEMON, GUEST, STRANGER, RunningOpener, running_opener
from tests.mux.support.as_user import as_user, needs_root

ME = os.geteuid()
SHARED_MEMORY = Path("/dev/shm")


@contextmanager
def answering(path: Path, answer: Callable[[socket.socket], object]) -> Iterator[Opener]:
    """An opener that does this to its only request."""

    def serve() -> None:
        connection, _ = listening.accept()
        with connection:
            connection.recv(5000)
            answer(connection)

    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listening:
        listening.bind(str(path))
        listening.listen()
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield Opener(path, seconds=0.3)
        finally:
            thread.join()


def passing(path: Path, *flags: int, text: bytes = b"ok") -> Callable[[socket.socket], None]:
    """An answer with this file, opened once for each of ``flags``."""

    def answer(connection: socket.socket) -> None:
        descriptors = [os.open(path, flag) for flag in flags]
        try:
            socket.send_fds(connection, [text], descriptors)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)

    return answer


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(b"content")
    return path


def test_what_it_asks_and_gets(tmp_path: Path, ours: Path) -> None:
    def answer(connection: socket.socket) -> None:
        passing(ours, READ)(connection)

    with answering(tmp_path / "s", answer) as opener:
        descriptor = opener.open_framebuffer(7, ME)
    assert os.read(descriptor, 10) == b"content"
    assert not os.get_inheritable(descriptor)
    os.close(descriptor)


@pytest.mark.parametrize(
    ("lie", "number", "text"),
    [
        (lambda ours: passing(ours), errno.EPROTO, "the opener sent 0 descriptors, not 1"),
        (lambda ours: passing(ours, READ, READ), errno.EPROTO, "the opener sent 2 descriptors, not 1"),
        (lambda ours: passing(ours, *[READ] * 9), errno.EPROTO, "the opener sent 4 descriptors, not 1"),
        (lambda ours: passing(ours, os.O_RDWR), errno.EACCES, "the opener sent a descriptor that can write"),
        (
            lambda ours: passing(ours.parent, READ),
            errno.EACCES,
            "the opener sent something that is not a regular file",
        ),
        (lambda ours: passing(ours, READ, text=b"error 13 no"), errno.EACCES, "no"),
        (
            lambda ours: passing(ours, READ, text=b"no idea"),
            errno.EPROTO,
            "the opener's answer: an answer of 7 bytes that is none",
        ),
        (lambda ours: lambda connection: None, errno.ECONNRESET, "the opener has not answered"),
    ],
)
def test_an_opener_that_lies(
    tmp_path: Path,
    ours: Path,
    lie: Callable[[Path], Callable[[socket.socket], object]],
    number: int,
    text: str,
) -> None:
    """Nothing of it is used, and nothing of it stays open."""
    before = descriptors()
    with answering(tmp_path / "s", lie(ours)) as opener, pytest.raises(OSError) as caught:
        opener.open_framebuffer(7, ME)
    assert (caught.value.errno, caught.value.strerror) == (number, text)
    assert descriptors() == before


def test_a_file_of_somebody_else(tmp_path: Path, ours: Path) -> None:
    with answering(tmp_path / "s", passing(ours, READ)) as opener, pytest.raises(OSError) as caught:
        opener.open_framebuffer(7, ME + 1)
    assert caught.value.strerror == f"the opener sent a file of uid {ME}"


def test_an_opener_that_says_nothing(tmp_path: Path) -> None:
    waiting = threading.Event()
    with answering(tmp_path / "s", lambda connection: waiting.wait(10)) as opener:
        begun = time.monotonic()
        with pytest.raises(TimeoutError):
            opener.open_framebuffer(7, ME)
        assert time.monotonic() - begun < 5
        waiting.set()


def test_a_queue_is_waited_in(tmp_path: Path, ours: Path) -> None:
    """Where the kernel would send us away at once: there is room again a moment later."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listening:
        listening.bind(str(tmp_path / "s"))
        listening.listen(0)
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as first:
            first.connect(str(tmp_path / "s"))

            def serve() -> None:
                time.sleep(0.05)
                listening.accept()[0].close()
                connection, _ = listening.accept()
                with connection:
                    connection.recv(100)
                    passing(ours, READ)(connection)

            thread = threading.Thread(target=serve)
            thread.start()
            os.close(Opener(tmp_path / "s").open_framebuffer(7, ME))
            thread.join()


def test_no_opener(tmp_path: Path) -> None:
    opener = Opener(tmp_path / "none")
    assert not opener.is_there
    with pytest.raises(FileNotFoundError):
        opener.open_framebuffer(7, ME)


# -- in the place of os.open -------------------------------------------------------------------------


@pytest.fixture(scope="module")
def real() -> Iterator[RunningOpener]:
    with running_opener() as found:
        yield found


@pytest.fixture
def framebuffer() -> Iterator[Path]:
    path = SHARED_MEMORY / f"{secrets.randbelow(2**31)}.rdpmux"
    path.write_bytes(b"pixels")
    path.chmod(0o600)
    os.chown(path, GUEST, GUEST)
    yield path
    path.unlink(missing_ok=True)


@needs_root
def test_a_framebuffer_is_opened_by_whoever_may(
    real: RunningOpener, framebuffer: Path, tmp_path: Path
) -> None:
    nowhere = Opener(tmp_path / "none")
    os.close(nowhere.framebuffers_of(GUEST)(framebuffer, READ))  # root needs no help
    with as_user(DAEMON):
        for opener, uid in ((nowhere, GUEST), (real.client, None), (real.client, STRANGER)):
            with pytest.raises(PermissionError):
                opener.framebuffers_of(uid)(framebuffer, READ)
        os.close(real.client.framebuffers_of(GUEST)(framebuffer, READ))
        with pytest.raises(FileNotFoundError):
            real.client.framebuffers_of(GUEST)(SHARED_MEMORY / "none.rdpmux", READ)


@needs_root
def test_other_files_are_not_asked_for(real: RunningOpener) -> None:
    with as_user(DAEMON), pytest.raises(PermissionError) as caught:
        real.client.framebuffers_of(0)(Path("/etc/shadow"), READ)
    assert caught.value.filename == "/etc/shadow", "it is os.open's own"


@needs_root
def test_accounts_are_opened_by_whoever_may(real: RunningOpener, tmp_path: Path) -> None:
    path = real.directory / "sam"
    path.write_text(f"alice:::{'0' * 32}:::\n")
    path.chmod(0o600)
    os.chown(path, GUEST, GUEST)
    nowhere = Opener(tmp_path / "none")
    with as_user(DAEMON):
        for opener, uid in ((nowhere, GUEST), (real.client, None), (real.client, STRANGER)):
            with pytest.raises(PermissionError):
                opener.accounts_of(uid)(path, READ)
        os.close(real.client.accounts_of(GUEST)(path, READ))


@needs_root
def test_what_is_left_is_removed_by_whoever_may(
    real: RunningOpener, framebuffer: Path, tmp_path: Path
) -> None:
    nowhere = Opener(tmp_path / "none")
    with as_user(DAEMON):
        for opener, uid in ((nowhere, GUEST), (real.client, None), (real.client, STRANGER)):
            with pytest.raises(PermissionError):
                opener.unlink_framebuffer(framebuffer, uid)
        assert framebuffer.exists()
        real.client.unlink_framebuffer(framebuffer, GUEST)
    assert not framebuffer.exists()
