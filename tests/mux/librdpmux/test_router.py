"""Who may speak for a VM at a ZeroMQ socket (sections 3.2 and 10.1 S2)."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
import zmq

from pyrdpmux.errors import BackendError
from pyrdpmux.mux.librdpmux.dealer import DealerSocket
from pyrdpmux.mux.librdpmux.peers import Peer
from pyrdpmux.mux.librdpmux.router import CONNECTIONS_PER_VM, SPARE_CONNECTIONS, Route, Router
from tests.mux.support.fake_host import until
from tests.mux.support.library import ZeroMqLibrary

UUID = "6b8b4567-327b-23c6-643c-986966334873"
OTHER = "00000000-0000-0000-0000-000000000001"

STRANGER = """
import os, sys, zmq
endpoint, uuid, message, user = sys.argv[1:]
if user:
    os.setuid(int(user))
socket = zmq.Context().socket(zmq.DEALER)
socket.connect(endpoint)
socket.send_multipart([uuid.encode(), message.encode()])
print("sent", flush=True)
sys.stdin.read()
socket.close(linger=0)
"""


class Notes:
    """A SocketUser that takes notes."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.news: list[str] = []

    def received(self, messages: list[bytes]) -> None:
        self.messages += messages

    def connected(self) -> None:
        self.news.append("connected")

    def disconnected(self) -> None:
        self.news.append("disconnected")


@contextmanager
def stranger(endpoint: str, message: str, *, user: str = "") -> Iterator["subprocess.Popen[str]"]:
    """Another process that uses the VM's UUID until the block ends."""
    command = [sys.executable, "-c", STRANGER, endpoint, UUID, message, user]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "sent\n"
        yield process
        process.stdin.close()


def private(directory: Path, notes: Notes, uid: int | None = None) -> tuple[Router, Route, str]:
    router = Router()
    endpoint = router.bind_path(directory / "s", uid)
    return router, router.add(UUID, notes, uid), endpoint


def test_both_ends_of_ours(tmp_path: Path) -> None:
    async def scenario() -> None:
        ours, theirs = Notes(), Notes()
        _, route, endpoint = private(tmp_path, ours)
        assert oct(os.stat(tmp_path / "s").st_mode) == "0o140600"
        dealer = DealerSocket(theirs, UUID)
        dealer.dial(endpoint)
        await until(lambda: theirs.news == ["connected"])
        assert not route.is_connected, "not before it has been heard"
        route.send(b"nobody")
        dealer.send(b"hello")
        await until(lambda: ours.messages == [b"hello"])
        for number in range(300):  # more than a batch
            route.send(b"%d" % number)
            dealer.send(b"%d" % number)
        await until(lambda: len(theirs.messages) == 300 and len(ours.messages) == 301)
        assert theirs.messages == [b"%d" % number for number in range(300)]
        dealer.close()
        await until(lambda: ours.news == ["connected", "disconnected"])
        assert not route.is_connected
        route.close()
        assert os.listdir(tmp_path) == []
        for socket in (route, dealer):
            socket.close()
            socket.send(b"closed")

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("frames", "complaint"),
    [
        ((UUID.encode(),), "2 frames"),
        ((b"", UUID.encode(), b"x"), "4 frames"),
        ((UUID.encode(), b"x", b""), "4 frames"),
        ((b"",), "2 frames"),
        ((UUID.upper().encode(), b"x"), "unknown VM"),
        ((OTHER.encode(), b"x"), "unknown VM"),
        ((b"\xff\x00\n", b"x"), "unknown VM: b'\\xff\\x00\\n'"),
    ],
)
def test_what_is_no_message(
    tmp_path: Path, frames: tuple[bytes, ...], complaint: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        notes = Notes()
        _, route, endpoint = private(tmp_path, notes)
        library = ZeroMqLibrary(endpoint, UUID)
        await library.send_frames(*frames)
        await library.send("91 06")
        await until(lambda: bool(notes.messages))
        assert notes.messages == [b"\x91\x06".ljust(24, b"\0")]
        assert complaint in caplog.text
        library.close()
        route.close()

    asyncio.run(scenario())


def test_complaints_do_not_fill_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        notes = Notes()
        _, route, endpoint = private(tmp_path, notes)
        library = ZeroMqLibrary(endpoint, UUID)
        for _ in range(100):
            await library.send_frames(b"nonsense")
        await library.send_frames(UUID.encode(), b"")
        await until(lambda: notes.messages == [b""])
        assert len(caplog.messages) == 1, "of a kind, in a second"
        library.close()
        route.close()

    asyncio.run(scenario())


def test_a_message_that_is_too_long_ends_its_connection(tmp_path: Path) -> None:
    async def scenario() -> None:
        notes = Notes()
        _, route, endpoint = private(tmp_path, notes)
        library = ZeroMqLibrary(endpoint, UUID)
        await library.send_frames(UUID.encode(), b"before")
        await until(lambda: notes.messages == [b"before"])
        await library.send_frames(UUID.encode(), bytes(5000))
        await until(lambda: notes.news == ["connected", "disconnected"])
        assert notes.messages == [b"before"]
        library.close()
        route.close()

    asyncio.run(scenario())


def test_the_first_process_keeps_the_uuid_while_it_lives(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        notes = Notes()
        _, route, endpoint = private(tmp_path, notes)
        library = ZeroMqLibrary(endpoint, UUID)
        await library.send_frames(UUID.encode(), b"first")
        await until(lambda: notes.messages == [b"first"])
        with stranger(endpoint, "second") as process:
            await until(lambda: f"is process {process.pid}'s" in caplog.text)
            route.send(b"a key")
            assert await library.receive() == b"a key"
            assert notes.messages == [b"first"]
        library.close()
        await until(lambda: notes.news[1:] == ["disconnected"])
        with stranger(endpoint, "second"):
            await until(lambda: notes.messages == [b"first", b"second"])
        route.close()

    asyncio.run(scenario())


def test_two_connections_of_one_process_are_one_vm(tmp_path: Path) -> None:
    """The library of version 3 connects twice, which old ZeroMQs do not notice."""

    async def scenario() -> None:
        notes = Notes()
        _, route, endpoint = private(tmp_path, notes)
        first, second = ZeroMqLibrary(endpoint, UUID), ZeroMqLibrary(endpoint, UUID)
        await first.send_frames(UUID.encode(), b"1")
        await until(lambda: notes.messages == [b"1"])
        await second.send_frames(UUID.encode(), b"2")
        await until(lambda: notes.messages == [b"1", b"2"])
        route.send(b"a key")
        assert await first.receive() == b"a key"
        assert notes.news == ["connected"]
        first.close()
        second.close()
        route.close()

    asyncio.run(scenario())


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to be somebody else")
def test_another_user_is_nobody_at_the_shared_socket(caplog: pytest.LogCaptureFixture) -> None:
    endpoint = f"ipc://@/pyrdpmux-test-{os.getpid()}"

    async def scenario() -> None:
        ours, theirs = Notes(), Notes()
        router = Router()
        assert router.bind_shared(endpoint) == endpoint
        route, other = router.add(UUID, ours, 65533), router.add(OTHER, theirs, None)
        with stranger(endpoint, "posing", user="65534"):
            await until(lambda: "is uid 65534's, but the VM uid 65533's" in caplog.text)
            assert not route.is_connected
            with stranger(endpoint, "real", user="65533"):
                await until(lambda: ours.messages == [b"real"])
        library = ZeroMqLibrary(endpoint, OTHER)
        await library.send("91 06")
        await until(lambda: bool(theirs.messages))
        other.close()
        library.close()
        late = Router()
        with pytest.raises(BackendError, match="in use"):
            late.bind_shared(endpoint)
        late.close()
        router.close()

    asyncio.run(scenario())


def test_a_replaced_vm_is_not_heard_at_the_shared_socket(caplog: pytest.LogCaptureFixture) -> None:
    endpoint = f"ipc://@/pyrdpmux-test-{os.getpid()}-replaced"

    async def scenario() -> None:
        old, new = Notes(), Notes()
        router = Router()
        router.bind_shared(endpoint)
        router.add(UUID, old, None)
        first, second = ZeroMqLibrary(endpoint, UUID), ZeroMqLibrary(endpoint, UUID)
        await first.send_frames(UUID.encode(), b"1")
        await until(lambda: old.messages == [b"1"])
        route = router.add(UUID, new, None)
        await first.send_frames(UUID.encode(), b"1")
        await until(lambda: "replaced" in caplog.text)
        await second.send_frames(UUID.encode(), b"2")
        await until(lambda: new.messages == [b"2"])
        route.send(b"a key")
        assert await second.receive() == b"a key"
        first.close()
        second.close()
        router.close()

    asyncio.run(scenario())


def test_a_vm_that_has_nothing_to_say_is_found(tmp_path: Path) -> None:
    """It knew an earlier server, and connects to this one by itself."""

    async def scenario() -> None:
        library = ZeroMqLibrary(f"ipc://{tmp_path / 's'}", UUID)
        notes = Notes()
        _, route, _ = private(tmp_path, notes)
        route.call(b"\x93\x05\x01\x1e")
        await until(lambda: route.is_connected)
        assert await library.receive() == b"\x93\x05\x01\x1e"
        route.send(b"a key")
        assert await library.receive() == b"a key"
        await library.send_frames(UUID.encode(), b"awake")
        await until(lambda: notes.messages == [b"awake"])
        assert notes.news == ["connected"]
        library.close()
        await until(lambda: notes.news == ["connected", "disconnected"])
        route.close()

    asyncio.run(scenario())


def test_a_found_vm_that_goes_without_a_word(tmp_path: Path) -> None:
    async def scenario() -> None:
        notes = Notes()
        _, route, endpoint = private(tmp_path, notes)
        route.call(b"\x93\x05\x01\x1e")
        library = ZeroMqLibrary(endpoint, UUID)
        await until(lambda: route.is_connected)
        library.close()
        await until(lambda: notes.news == ["connected", "disconnected"])
        assert not route.is_connected
        again = ZeroMqLibrary(endpoint, UUID)
        await until(lambda: route.is_connected)
        again.close()
        route.close()

    asyncio.run(scenario())


def test_a_peer_that_does_not_read_costs_bounded_memory_and_no_time(tmp_path: Path) -> None:
    async def scenario() -> None:
        notes = Notes()
        _, route, endpoint = private(tmp_path, notes)
        context = zmq.Context()
        peer = context.socket(zmq.DEALER)
        peer.setsockopt(zmq.RCVHWM, 1)
        peer.connect(endpoint)
        peer.send_multipart([UUID.encode(), b"hello"])
        await until(lambda: notes.messages == [b"hello"])
        before = asyncio.get_running_loop().time()
        for _ in range(20000):
            route.send(b"\x93\x04\x1e\xcd\x40\x00")
        assert asyncio.get_running_loop().time() - before < 5
        assert route.is_connected
        peer.close(linger=0)
        context.term()
        route.close()

    asyncio.run(scenario())


def test_what_cannot_be_bound(tmp_path: Path) -> None:
    async def scenario() -> None:
        router = Router()
        with pytest.raises(BackendError, match="longer than"):
            router.bind_path(tmp_path / ("x" * 120), None)
        with pytest.raises(BackendError, match="missing"):
            router.bind_path(tmp_path / "missing" / "s", None)
        router.close()
        dealer = DealerSocket(Notes(), UUID)
        with pytest.raises(BackendError, match="nonsense"):
            dealer.dial("nonsense")
        dealer.close()

    asyncio.run(scenario())


def test_a_successor_at_the_same_path_is_not_disturbed(tmp_path: Path) -> None:
    """libzmq removes a path some time after its socket is closed; we do it, at once, and only ours."""

    async def scenario() -> None:
        notes = Notes()
        _, old, endpoint = private(tmp_path, Notes())
        _, new, _ = private(tmp_path, notes)
        old.close()
        library = ZeroMqLibrary(endpoint, UUID)
        await library.send("91 06")
        await until(lambda: bool(notes.messages))
        library.close()
        new.close()

    asyncio.run(scenario())


CONNECTOR = """
import socket, sys, time
path, count = sys.argv[1].replace("@", chr(0)), int(sys.argv[2])
found = []
for _ in range(count):
    one = socket.socket(socket.AF_UNIX)
    for _ in range(1000):
        try:
            one.connect(path)
            break
        except BlockingIOError:
            time.sleep(0.001)
    found.append(one)
print("there", flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("is_private", [True, False])
def test_a_guest_that_connects_without_end_takes_few_descriptors(tmp_path: Path, is_private: bool) -> None:
    """Each is one that somebody else cannot have; libzmq would accept as many as there are."""
    count = 150
    name = f"pyrdpmux-test-{os.getpid()}-many"

    async def scenario() -> None:
        notes = Notes()
        if is_private:
            router, route, endpoint = private(tmp_path, notes)
            path = str(tmp_path / "s")
        else:
            router = Router()
            endpoint, path = router.bind_shared(f"ipc://@/{name}"), f"\0/{name}"
            route = router.add(UUID, notes, os.getuid())
        library = ZeroMqLibrary(endpoint, UUID)
        await library.send_frames(UUID.encode(), b"1")
        await until(lambda: bool(notes.messages))
        before = len(os.listdir("/proc/self/fd"))
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            CONNECTOR,
            path.replace("\0", "@"),
            str(count),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        assert await process.stdout.readline() == b"there\n"
        few = before + SPARE_CONNECTIONS + CONNECTIONS_PER_VM + 6
        await until(lambda: len(os.listdir("/proc/self/fd")) <= few)
        await asyncio.sleep(0.1)
        assert len(os.listdir("/proc/self/fd")) <= few
        route.send(b"a key")
        assert await library.receive() == b"a key"
        assert notes.news == ["connected"]
        process.stdin.close()
        await process.wait()
        await until(lambda: len(router._connections) <= 2)
        library.close()
        router.close()

    asyncio.run(scenario())


def test_a_known_peer_is_not_looked_up_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is asked of the kernel for each message; no other process or connection is taken for it."""
    frames: list[zmq.Frame] = []
    of = Peer.of

    def noted(frame: zmq.Frame) -> Peer:
        frames.append(frame)
        return of(frame)

    monkeypatch.setattr(Peer, "of", noted)

    async def scenario() -> None:
        notes = Notes()
        _, route, endpoint = private(tmp_path, notes)
        library = ZeroMqLibrary(endpoint, UUID)
        for number in range(3):
            await library.send_frames(UUID.encode(), b"%d" % number)
        await until(lambda: notes.messages == [b"0", b"1", b"2"])
        [frame] = frames
        peer = of(frame)
        assert peer.has_sent(frame)
        assert not replace(peer, routing_id=b"\0????").has_sent(frame)
        assert not replace(peer, descriptor=peer.descriptor + 1).has_sent(frame)
        assert not replace(peer, address=f"{peer.address}1").has_sent(frame)
        library.close()
        route.close()

    asyncio.run(scenario())
