"""The nanomsg socket when its peer stands still, comes late, is not the only one, or speaks something else.

That it speaks nanomsg's protocol is shown with nng at the other end: test_library_wire.py, test_versions.py.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import pytest

from pyrdpmux.mux.librdpmux.sp import GREETING, frame
from pyrdpmux.mux.librdpmux.transport import BACKLOG, MAX_BATCH, STEP, PairSocket
from tests.mux.rdp_client import eventually


class Notes:
    """A socket's user that takes what comes."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []
        self.batches: list[int] = []
        self.told: list[str] = []

    def received(self, messages: list[bytes]) -> None:
        self.messages += messages
        self.batches.append(len(messages))

    def connected(self) -> None:
        self.told.append("connected")

    def disconnected(self) -> None:
        self.told.append("disconnected")


def play(scenario: Callable[[PairSocket, Notes], Awaitable[None]]) -> None:
    async def entered() -> None:
        notes = Notes()
        ours = PairSocket(notes)
        try:
            async with asyncio.timeout(20):
                await scenario(ours, notes)
        finally:
            ours.close()

    asyncio.run(entered())


class Stranger:
    """Whatever connects to a path."""

    def __init__(self, path: Path, data: bytes = b"") -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(str(path))
        self.socket.setblocking(False)
        self.socket.sendall(data)

    @property
    def is_hung_up(self) -> bool:
        try:
            return any(not self.socket.recv(4096) for _ in range(2))
        except BlockingIOError:
            return False
        except ConnectionResetError:
            return True


#: so large that the kernel's buffers hold few of them
FILLER = bytes(1000)


def test_what_was_kept_for_a_peer_that_stood_still_arrives_without_another_message(tmp_path: Path) -> None:
    async def scenario(ours: PairSocket, _: Notes) -> None:
        loop, notes = asyncio.get_running_loop(), Notes()
        theirs = PairSocket(notes)
        theirs.dial(ours.listen(tmp_path / "socket", None))
        await eventually(lambda: ours.is_connected and theirs.is_connected)
        assert ours._connection is not None
        assert theirs._connection is not None
        loop.remove_reader(theirs._connection.socket)
        count = 1000
        for number in range(count):
            ours.send(number.to_bytes(2, "big") + FILLER)
        assert 0 < len(ours._connection.backlog) < BACKLOG
        loop.add_reader(theirs._connection.socket, theirs._readable)
        await eventually(lambda: len(notes.messages) == count)
        assert [int.from_bytes(message[:2], "big") for message in notes.messages] == list(range(count))
        assert not ours._connection.backlog
        theirs.close()

    play(scenario)


def test_who_dials_comes_again(tmp_path: Path) -> None:
    async def scenario(ours: PairSocket, notes: Notes) -> None:
        path = tmp_path / "socket"
        ours.dial(f"ipc://{path}")
        for _ in range(2):
            theirs = PairSocket(Notes())
            theirs.listen(path, None)
            await eventually(partial(getattr, theirs, "is_connected"))
            theirs.send(b"hello")
            await eventually(lambda: notes.messages == [b"hello"])
            notes.messages.clear()
            theirs.close()
            assert not path.exists()
            await eventually(lambda: not ours.is_connected)
        assert notes.told == ["connected", "disconnected"] * 2

    play(scenario)


def test_one_peer_at_a_time(tmp_path: Path) -> None:
    async def scenario(ours: PairSocket, notes: Notes) -> None:
        path = tmp_path / "socket"
        ours.listen(path, None)
        silent = Stranger(path)
        await eventually(lambda: ours._connection is not None)
        assert not ours.is_connected
        first = Stranger(path, GREETING + frame(b"first"))
        await eventually(lambda: notes.messages == [b"first"])
        assert silent.is_hung_up, "who says nothing keeps nobody out"
        second = Stranger(path, GREETING + frame(b"second"))
        await eventually(lambda: second.is_hung_up)
        assert not first.is_hung_up
        first.socket.close()
        await eventually(lambda: notes.told == ["connected", "disconnected"])
        third = Stranger(path, GREETING + frame(b"third"))
        await eventually(lambda: notes.messages == [b"first", b"third"])
        for stranger in (silent, second, third):
            stranger.socket.close()

    play(scenario)


@pytest.mark.parametrize(
    "data",
    [
        b"\0SP\0\0\x30\0\0",
        b"GET / HTTP/1.1",
        GREETING + b"\2" + bytes(8),
        GREETING + b"\1" + b"\xff" * 8,
        GREETING + b"\1" + (4097).to_bytes(8, "big"),
    ],
)
def test_who_speaks_something_else_is_hung_up_on(tmp_path: Path, data: bytes) -> None:
    async def scenario(ours: PairSocket, notes: Notes) -> None:
        ours.listen(tmp_path / "socket", None)
        stranger = Stranger(tmp_path / "socket", data)
        await eventually(lambda: stranger.is_hung_up)
        assert notes.messages == []
        assert notes.told.count("connected") == notes.told.count("disconnected")
        stranger.socket.close()

    play(scenario)


def test_a_flood_is_read_in_steps_and_all_of_it(tmp_path: Path) -> None:
    async def scenario(ours: PairSocket, notes: Notes) -> None:
        ours.listen(tmp_path / "socket", None)
        count = 5 * MAX_BATCH + 3
        stranger = Stranger(tmp_path / "socket", GREETING)
        stranger.socket.sendall(b"".join(frame(bytes([number % 251])) for number in range(count)))
        await eventually(lambda: len(notes.messages) == count)
        assert max(notes.batches) == STEP
        stranger.socket.close()
        await eventually(lambda: not ours.is_connected)

    play(scenario)


def test_messages_arrive_before_the_news_that_their_sender_has_gone(tmp_path: Path) -> None:
    async def scenario(ours: PairSocket, notes: Notes) -> None:
        ours.listen(tmp_path / "socket", None)
        Stranger(tmp_path / "socket", GREETING + frame(b"goodbye") * (STEP + 1)).socket.close()
        await eventually(lambda: notes.told == ["connected", "disconnected"])
        assert notes.messages == [b"goodbye"] * (STEP + 1)

    play(scenario)
