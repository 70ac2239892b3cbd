"""A real opener under its own unit, asked by its daemon's user, by others, and by people who mean harm."""

import array
import errno
import os
import random
import secrets
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from pyrdpmux.mux.opener import server
from pyrdpmux.mux.opener.opening import MAX_ACCOUNTS, READ
from pyrdpmux.mux.opener.protocol import MAX_REQUEST
from pyrdpmux.mux.opener.server import CONNECTION_SECONDS, MAX_CHILDREN_PER_USER, MAX_CONNECTIONS, Server
from tests.mux.opener.running import DAEMON, GUEST, OPENER, SECONDS, STRANGER, RunningOpener, running_opener
from tests.mux.support.as_user import as_user, needs_root
from tests.mux.support.confined import libseccomp

SHARED_MEMORY = Path("/dev/shm")
HASH = "0123456789abcdef0123456789ABCDEF"
SAM = f"# accounts\n\n  \n  # more\n \talice:::{HASH}::: \nbob:DOMAIN:{HASH}:{HASH}\n"
PICTURE = b"pixels of a guest"


@pytest.fixture(scope="module")
def opener() -> Iterator[RunningOpener]:
    with running_opener() as found:
        yield found
        assert found.process.poll() is None, "nothing that was tried here has ended it"


@pytest.fixture
def vm_id() -> Iterator[int]:
    """Of nobody else in /dev/shm; what is left there is removed."""
    number = secrets.randbelow(2**31 - 1)
    yield number
    path = object_of(number)
    if path.is_dir():
        path.rmdir()
    else:
        path.unlink(missing_ok=True)


def object_of(vm_id: int) -> Path:
    return SHARED_MEMORY / f"{vm_id}.rdpmux"


def put(path: Path, content: bytes | str, owner: int) -> Path:
    """A file that only its owner may read."""
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    path.chmod(0o600)
    os.chown(path, owner, owner)
    return path


def taken(descriptor: int) -> bytes:
    try:
        return os.pread(descriptor, 4096, 0)
    finally:
        os.close(descriptor)


@contextmanager
def connection(opener: RunningOpener) -> Iterator[socket.socket]:
    """Of the daemon's user, whoever we are afterwards."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as found:
        with as_user(DAEMON):
            found.connect(str(opener.socket))
        found.settimeout(SECONDS)
        yield found


def ask(opener: RunningOpener, message: bytes) -> bytes:
    """The answer; empty if the connection ends without one."""
    with connection(opener) as asking:
        asking.send(message)
        return asking.recv(4096)


# -- how it runs -------------------------------------------------------------------------------------


@needs_root
def test_it_has_two_capabilities_and_no_way_to_more(opener: RunningOpener) -> None:
    ask(opener, b"are you there")
    assert opener.status("Uid").split() == [str(OPENER)] * 4
    both = f"{1 << 2 | 1 << 3:016x}"
    assert [opener.status(f"Cap{which}") for which in ("Eff", "Prm", "Bnd")] == [both] * 3
    assert opener.status("NoNewPrivs") == "1"


@needs_root
@pytest.mark.skipif(libseccomp() is None, reason="needs libseccomp")
def test_its_filter_is_in_force(opener: RunningOpener) -> None:
    """So that the other tests here say something about SystemCallFilter, too."""
    ask(opener, b"are you there")
    assert opener.status("Seccomp") == "2"


def test_it_imports_next_to_nothing() -> None:
    """Nothing that runs with these capabilities without having to."""
    program = "import sys, pyrdpmux.mux.opener.server; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    modules = set(done.stdout.split())
    assert not modules & {"numpy", "asyncio", "ssl", "logging", "ctypes", "threading", "subprocess"}
    assert {name for name in modules if name.startswith("pyrdpmux.")} == {
        "pyrdpmux.errors",  # with the package's front door, and without imports of their own but of the
        "pyrdpmux.geometry",  # standard library
        "pyrdpmux.mux",
        "pyrdpmux.mux.opener",
        "pyrdpmux.mux.opener.limits",
        "pyrdpmux.mux.opener.opening",
        "pyrdpmux.mux.opener.protocol",
        "pyrdpmux.mux.opener.server",
    }


# -- framebuffers ------------------------------------------------------------------------------------


@needs_root
def test_a_framebuffer_of_another_user(opener: RunningOpener, vm_id: int) -> None:
    put(object_of(vm_id), PICTURE, GUEST)
    with as_user(DAEMON):
        with pytest.raises(PermissionError):
            os.open(object_of(vm_id), READ)
        descriptor = opener.client.open_framebuffer(vm_id, GUEST)
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.write(descriptor, b"painted by a viewer")
    assert not os.get_inheritable(descriptor)
    assert taken(descriptor) == PICTURE


def link(path: Path, target: Path) -> None:
    path.symlink_to(target)
    os.chown(path, GUEST, GUEST, follow_symlinks=False)


def pipe(path: Path) -> None:
    os.mkfifo(path)
    os.chown(path, GUEST, GUEST)


def directory(path: Path) -> None:
    path.mkdir()
    os.chown(path, GUEST, GUEST)


@needs_root
@pytest.mark.parametrize(
    ("place", "number", "reason"),
    [
        (
            lambda path: put(path, PICTURE, STRANGER),
            errno.EACCES,
            f"belongs to uid {STRANGER}, expected uid {GUEST}",
        ),
        (lambda path: put(path, PICTURE, 0), errno.EACCES, f"belongs to uid 0, expected uid {GUEST}"),
        (lambda path: link(path, Path("/etc/shadow")), errno.EACCES, "not a regular file"),
        (pipe, errno.EACCES, "not a regular file"),
        (directory, errno.EACCES, "not a regular file"),
        (lambda path: None, errno.ENOENT, "No such file or directory"),
    ],
)
@pytest.mark.parametrize("kind", ["framebuffer", "remove"])
def test_what_is_not_a_framebuffer_of_this_user(
    opener: RunningOpener, vm_id: int, place: Callable[[Path], object], number: int, reason: str, kind: str
) -> None:
    path = object_of(vm_id)
    place(path)
    before = [path.lstat()] if os.path.lexists(path) else []
    assert ask(opener, f"{kind} {vm_id} {GUEST}".encode()) == f"error {number} {reason}".encode()
    after = [path.lstat()] if os.path.lexists(path) else []
    assert [status.st_ino for status in after] == [status.st_ino for status in before]


@needs_root
def test_roots_guests_have_root_s_framebuffers(opener: RunningOpener, vm_id: int) -> None:
    put(object_of(vm_id), PICTURE, 0)
    with as_user(DAEMON):
        descriptor = opener.client.open_framebuffer(vm_id, 0)
    assert taken(descriptor) == PICTURE


@needs_root
def test_what_a_dead_vm_has_left_is_removed(opener: RunningOpener, vm_id: int) -> None:
    assert SHARED_MEMORY.stat().st_mode & stat.S_ISVTX, "or else everybody could"
    path = put(object_of(vm_id), PICTURE, GUEST)
    with as_user(DAEMON):
        with pytest.raises(PermissionError):
            path.unlink()
        opener.client.remove_framebuffer(vm_id, GUEST)
    assert not path.exists()


# -- SAM files ---------------------------------------------------------------------------------------


@needs_root
@pytest.mark.parametrize("content", [SAM, "\ufeff" + SAM, SAM.replace("\n", "\r\n"), ""])
def test_accounts_in_a_place_of_its_user(opener: RunningOpener, content: str) -> None:
    home = opener.directory / "home"
    home.mkdir(mode=0o700, exist_ok=True)
    os.chown(home, GUEST, GUEST)
    path = put(home / "a file's name: with all that may be in one\n.sam", content, GUEST)
    with as_user(DAEMON):
        descriptor = opener.client.open_accounts(path, GUEST)
    assert os.lseek(descriptor, 0, os.SEEK_CUR) == 0
    assert taken(descriptor) == content.encode()


def large(path: Path) -> Path:
    """Nothing else is wrong with it."""
    return put(path, SAM + "#" * MAX_ACCOUNTS, GUEST)


def linked(path: Path) -> Path:
    link(path, put(path.with_name("target"), SAM, GUEST))
    return path


def linked_on_the_way(path: Path) -> Path:
    there = path.with_name("there")
    there.mkdir(exist_ok=True)
    put(there / "sam", SAM, GUEST)
    link(path, there)
    return path / "sam"


def piped(path: Path) -> Path:
    pipe(path)
    return path


ODD_FILES: dict[str, Callable[[Path], Path]] = {
    "of another user": lambda path: put(path, SAM, STRANGER),
    "a link": linked,
    "a link on the way": linked_on_the_way,
    "a pipe": piped,
    "a device": lambda path: Path("/dev/zero"),
    "a directory": lambda path: path.parent,
    "not there": lambda path: path,
    "below a file": lambda path: put(path, SAM, GUEST) / "sam",
    "too large": large,
    "root's accounts": lambda path: put(path, SAM, 0),
    "passwords of a system": lambda path: put(path, "root:$y$j9T$abc:19000:0:99999:7:::\n", GUEST),
    "a key": lambda path: put(path, "-----BEGIN PRIVATE KEY-----\nAAAA\n", GUEST),
    "accounts and something else": lambda path: put(path, SAM + "token\n", GUEST),
    "a line for a slow expression": lambda path: put(path, b" " * 500_000 + b"x", GUEST),
}


@needs_root
@pytest.mark.parametrize("what", ODD_FILES)
def test_what_is_not_a_sam_file_of_this_user(opener: RunningOpener, tmp_path: Path, what: str) -> None:
    """All are refused in the same words: a guest learns nothing of what there is where it may not look."""
    place = opener.directory / secrets.token_hex(4)
    place.mkdir()
    path = ODD_FILES[what](place / "sam")
    begun = time.monotonic()
    answer = ask(opener, f"accounts {GUEST} {path}".encode())
    assert answer == f"error {errno.EACCES} no SAM file that may be opened for uid {GUEST}".encode()
    assert time.monotonic() - begun < server.CHILD_SECONDS, "not by running out of time"


# -- who asks, and how -------------------------------------------------------------------------------


@needs_root
def test_only_the_daemons_user_is_answered(opener: RunningOpener, vm_id: int) -> None:
    put(object_of(vm_id), PICTURE, GUEST)
    with as_user(STRANGER), pytest.raises(PermissionError):
        opener.client.open_framebuffer(vm_id, GUEST)
    with pytest.raises(OSError, match=r"not answered|reset|Broken pipe"):
        opener.client.open_framebuffer(vm_id, GUEST)  # root passes the socket's mode, but is not the daemon
    with as_user(DAEMON):
        assert taken(opener.client.open_framebuffer(vm_id, GUEST)) == PICTURE


MALFORMED = [
    b"framebuffer",
    b"framebuffer 1",
    b"framebuffer 1 1 ",
    b"framebuffer 1 1\n",
    b"framebuffer 01 1",
    b"framebuffer -1 1",
    b"framebuffer +1 1",
    b"framebuffer \xd9\xa1 1",
    b"framebuffer ../shadow 0",
    b"framebuffer 2147483648 0",
    b"framebuffer 1 4294967295",
    b"framebuffer 9999999999 9999999999",
    b"framebuffer " + b"1" * 3000 + b" 1",
    b"remove 1",
    b"remove 1 1 1",
    b"remove /etc/passwd 0",
    b"accounts 0 etc/shadow",
    b"accounts 0 /etc/../etc/shadow",
    b"accounts 0 /etc/./sam",
    b"accounts 0 //sam",
    b"accounts 0 /sam/",
    b"accounts 0 /",
    b"accounts 0 /sam\0",
    b"accounts /sam",
    b"accounts 0 /" + b"x" * 4095,
    b"ACCOUNTS 0 /sam",
    b"open 0 /etc/shadow",
    b"\0",
    b"x" * MAX_REQUEST,
    b"x" * (MAX_REQUEST + 1),
    b"accounts 0 /" + b"y" * 100_000,
]


@needs_root
@pytest.mark.parametrize("message", MALFORMED, ids=lambda message: repr(message[:24]))
def test_a_malformed_request_is_refused(opener: RunningOpener, message: bytes) -> None:
    assert ask(opener, message).startswith(f"error {errno.EINVAL} ".encode())


@needs_root
def test_no_garbage_ends_it(opener: RunningOpener, vm_id: int) -> None:
    put(object_of(vm_id), PICTURE, GUEST)
    chance = random.Random(7)
    good = [f"framebuffer {vm_id} {GUEST}".encode(), b"accounts 5 /etc/sam", b"remove 77 64013"]
    for _ in range(500):
        message = bytearray(chance.choice(good))
        for _ in range(chance.randint(1, 4)):
            message[chance.randrange(len(message))] = chance.randrange(256)
        answer = ask(opener, bytes(message[: chance.randint(1, len(message))]))
        assert answer.startswith((b"error ", b"ok")), message
    assert opener.process.poll() is None


@needs_root
def test_descriptors_that_come_along_are_not_kept(opener: RunningOpener) -> None:
    ask(opener, b"x")
    before = opener.at_rest()
    gifts = array.array("i", [0] * 20)
    for _ in range(20):
        with connection(opener) as asking:
            asking.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, gifts)])
            assert asking.recv(4096)
    opener.settle(before)


@needs_root
def test_one_request_does_not_wait_for_another(opener: RunningOpener, vm_id: int) -> None:
    put(object_of(vm_id), PICTURE, GUEST)
    with connection(opener), connection(opener) as asking:
        asking.send(f"framebuffer {vm_id} {GUEST}".encode())
        answer, [descriptor], _, _ = socket.recv_fds(asking, 100, 1)
    assert (answer, taken(descriptor)) == (b"ok", PICTURE)


@needs_root
def test_who_never_reads_costs_nothing(opener: RunningOpener, vm_id: int) -> None:
    put(object_of(vm_id), PICTURE, GUEST)
    ask(opener, b"x")
    before = opener.at_rest()
    with connection(opener) as first, ExitStack() as stack:
        others = [stack.enter_context(connection(opener)) for _ in range(2 * MAX_CONNECTIONS)]
        for one in (first, *others):
            with suppress(BrokenPipeError):  # one of the oldest of too many
                one.send(f"framebuffer {vm_id} {GUEST}".encode())
        opener.settle(before)
        with connection(opener) as asking:
            asking.send(b"x")
            assert asking.recv(4096)


@needs_root
def test_who_says_nothing_has_to_go(opener: RunningOpener) -> None:
    """The oldest first if there are too many, the others when their time is over."""
    with connection(opener) as oldest, ExitStack() as stack:
        others = [stack.enter_context(connection(opener)) for _ in range(MAX_CONNECTIONS)]
        begun = time.monotonic()
        assert oldest.recv(100) == b""
        assert time.monotonic() - begun < CONNECTION_SECONDS / 2
        assert [one.recv(100) for one in others] == [b""] * len(others)


# -- time --------------------------------------------------------------------------------------------


@contextmanager
def slow_opener(monkeypatch: pytest.MonkeyPatch, seconds: float) -> Iterator[RunningOpener]:
    """In which files of GUEST do not answer, as many as are tried at a time."""
    monkeypatch.setenv("SLOW_SECONDS", str(seconds))
    with running_opener(module="tests.mux.opener.slow_opener") as opener:
        put(opener.directory / "sam", SAM, GUEST)
        ask(opener, b"x")
        yield opener


@needs_root
def test_a_file_that_does_not_answer(vm_id: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """It costs its own user's VMs some time, and nobody else any; it is given up in the end."""
    put(object_of(vm_id), PICTURE, GUEST)
    with slow_opener(monkeypatch, 0.5) as opener, ExitStack() as stack:
        before = opener.at_rest()
        hanging = [stack.enter_context(connection(opener)) for _ in range(MAX_CHILDREN_PER_USER)]
        begun = time.monotonic()
        for one in hanging:
            one.send(f"accounts {GUEST} /hangs".encode())
        with as_user(DAEMON):
            assert taken(opener.client.open_framebuffer(vm_id, GUEST)) == PICTURE
        with connection(opener) as other:
            other.send(f"accounts {STRANGER} {opener.directory}/sam".encode())
            assert other.recv(100).startswith(f"error {errno.EACCES} ".encode())
        assert time.monotonic() - begun < 0.5
        with as_user(DAEMON):
            assert taken(opener.client.open_accounts(opener.directory / "sam", GUEST)) == SAM.encode()
        assert time.monotonic() - begun > 0.5, "it has waited for its turn"
        assert [one.recv(100) for one in hanging] == [b""] * len(hanging)
        opener.settle(before)


@needs_root
def test_who_waits_for_such_files_is_sent_away(monkeypatch: pytest.MonkeyPatch) -> None:
    with slow_opener(monkeypatch, 30) as opener, ExitStack() as stack:
        for _ in range(MAX_CHILDREN_PER_USER):
            stack.enter_context(connection(opener)).send(f"accounts {GUEST} /hangs".encode())
        answer = ask(opener, f"accounts {GUEST} {opener.directory}/sam".encode())
        assert answer == f"error {errno.EAGAIN} other files of uid {GUEST} do not answer".encode()


@needs_root
def test_many_files_of_one_user(opener: RunningOpener) -> None:
    """libvirt's QEMUs are all of one: none is sent away because others are being opened."""
    path = put(opener.directory / "sam-of-many", SAM, GUEST)
    with ExitStack() as stack:
        asking = [stack.enter_context(connection(opener)) for _ in range(MAX_CONNECTIONS - 4)]
        for one in asking:
            one.send(f"accounts {GUEST} {path}".encode())
        for one in asking:
            answer, [descriptor], _, _ = socket.recv_fds(one, 100, 1)
            assert (answer, taken(descriptor)) == (b"ok", SAM.encode())


def test_it_ends_when_nobody_asks(tmp_path: Path) -> None:
    """And begins again with the next request, which waits at systemd's socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listening:
        listening.bind(str(tmp_path / "s"))
        listening.listen()
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as asking:
            asking.connect(str(tmp_path / "s"))
            asking.send(b"x")
            begun = time.monotonic()
            Server(listening, os.geteuid(), idle_seconds=0.2).run()
            assert 0.15 < time.monotonic() - begun < SECONDS
            assert asking.recv(100).startswith(b"error 22 ")


def test_too_many_requests_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class NoMore:
        def take(self, now: float) -> bool:
            return False

    monkeypatch.setattr(server, "RateLimit", NoMore)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listening:
        listening.bind(str(tmp_path / "s"))
        listening.listen()
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as asking:
            asking.connect(str(tmp_path / "s"))
            asking.send(b"framebuffer 1 1")
            Server(listening, os.geteuid(), idle_seconds=0.1).run()
            assert asking.recv(100) == b"error 11 too many requests"


# -- the command -------------------------------------------------------------------------------------


def test_without_a_socket_it_says_what_to_start() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pyrdpmux.mux.opener", "--user", "0"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (
        2,
        "pyrdpmux-opener: no socket to listen at: start pyrdpmux-opener.socket\n",
    )


def test_a_user_that_is_not_there() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "pyrdpmux.mux.opener", "--user", "nobody-of-this-name"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.endswith("there is no user 'nobody-of-this-name'\n")


@needs_root
def test_what_it_writes_is_a_line_each_and_bounded() -> None:
    with running_opener() as opener:
        good = put(opener.directory / "sam", SAM, GUEST)
        for _ in range(60):  # which nobody has to read about
            assert ask(opener, f"accounts {GUEST} {good}".encode()) == b"ok"
        for number in range(60):
            ask(opener, f"accounts {GUEST} /x\nforged \033[31m{number}".encode())
        opener.process.send_signal(signal.SIGTERM)
        _, written = opener.process.communicate(timeout=SECONDS)
    lines = written.splitlines()
    assert 20 <= len(lines) <= 25
    assert all(line.startswith("<4>refused: ") for line in lines)
    assert "\033" not in written
