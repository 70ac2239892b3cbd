"""The nanomsg socket when its peer stands still, comes again, is not the only one, or says much at once.

Real peers of it are in test_library_wire.py and test_versions.py.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest

from pyrdpmux.mux.librdpmux.transport import (
    BACKLOG,
    MAX_BATCH,
    RECEIVE_BUFFER,
    SEND_BUFFER,
    STEP,
    PairSocket,
)
from tests.mux.rdp_client import eventually


class Notes:
    """A SocketUser."""

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


Scenario = Callable[[PairSocket, PairSocket, Notes], Awaitable[None]]


def play(path: Path, scenario: Scenario) -> None:
    """Two ends that are connected, and what the other one notes."""

    async def entered() -> None:
        notes = Notes()
        with closing(PairSocket(Notes())) as ours, closing(PairSocket(notes)) as theirs:
            theirs.dial(ours.listen(path / "socket", None))
            async with asyncio.timeout(20):
                await eventually(lambda: ours.is_connected and theirs.is_connected)
                await scenario(ours, theirs, notes)

    asyncio.run(entered())


def number_of(message: bytes) -> int:
    return int.from_bytes(message[:2], "big")


#: so large that the kernel's buffers hold few of them
FILLER = bytes(1000)


def test_what_was_kept_for_a_peer_that_stood_still_arrives_without_another_message(tmp_path: Path) -> None:
    async def scenario(ours: PairSocket, theirs: PairSocket, notes: Notes) -> None:
        loop = asyncio.get_running_loop()
        descriptor = theirs._socket.recv_fd
        loop.remove_reader(descriptor)
        count = SEND_BUFFER + RECEIVE_BUFFER + 900
        for number in range(count):
            ours.send(number.to_bytes(2, "big") + FILLER)
            if number == BACKLOG // 2:
                await eventually(lambda: ours._send_descriptor is not None)
        assert 0 < len(ours._backlog) < BACKLOG
        loop.add_reader(descriptor, theirs._readable)
        await eventually(lambda: len(notes.messages) == count)
        assert [number_of(message) for message in notes.messages] == list(range(count))
        assert ours._send_descriptor is None

    play(tmp_path, scenario)


def handed_over_by(socket: PairSocket, monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What nng is given from now on."""
    given: list[bytes] = []
    try_send = socket._try_send

    def noted(message: bytes) -> bool:
        given.append(message)
        return try_send(message)

    monkeypatch.setattr(socket, "_try_send", noted)
    return given


def test_what_is_said_in_one_moment_is_sent_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(ours: PairSocket, _: PairSocket, notes: Notes) -> None:
        said = [b"one", b"two", b"three"]
        handed_over = handed_over_by(ours, monkeypatch)
        for message in said:
            ours.send(message)
        assert handed_over == []
        await asyncio.sleep(0)
        assert handed_over == said
        await eventually(lambda: notes.messages == said)

    play(tmp_path, scenario)


def test_what_is_said_before_closing_is_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(ours: PairSocket, _: PairSocket, notes: Notes) -> None:
        handed_over = handed_over_by(ours, monkeypatch)
        ours.send(b"goodbye")
        ours.close()
        ours.send(b"too late")
        await eventually(lambda: notes.told == ["connected", "disconnected"])
        assert handed_over == [b"goodbye"]

    play(tmp_path, scenario)


def test_a_flood_is_read_in_steps_and_all_of_it(tmp_path: Path) -> None:
    async def scenario(ours: PairSocket, theirs: PairSocket, notes: Notes) -> None:
        count = 5 * MAX_BATCH + 3
        for number in range(count):
            ours.send(number.to_bytes(2, "big"))
        await eventually(lambda: len(notes.messages) == count)
        assert [number_of(message) for message in notes.messages] == list(range(count))
        assert max(notes.batches) <= STEP

    play(tmp_path, scenario)


def test_nothing_is_read_before_the_last_step_of_the_last_time(tmp_path: Path) -> None:
    async def scenario() -> None:
        reading: list[Iterator[None]] = []
        notes, sender = Notes(), Notes()
        with closing(PairSocket(notes, reading.append)) as ours, closing(PairSocket(sender)) as theirs:
            theirs.dial(ours.listen(tmp_path / "socket", None))
            await eventually(lambda: theirs.is_connected)
            theirs.send(b"first")
            await eventually(lambda: bool(reading))
            theirs.send(b"second")
            assert await asyncio.to_thread(ours._poll.poll, 5000), "there is something to read"
            for _ in range(5):
                await asyncio.sleep(0)
            assert (len(reading), notes.messages) == (1, [])
            list(reading.pop())
            await eventually(lambda: bool(reading) or len(notes.messages) == 2)
            for steps in reading:
                list(steps)
            assert notes.messages == [b"first", b"second"]

    asyncio.run(scenario())


def test_who_dials_comes_again(tmp_path: Path) -> None:
    async def scenario() -> None:
        notes, path = Notes(), tmp_path / "socket"
        with closing(PairSocket(notes)) as ours:
            ours.dial(f"ipc://{path}")
            for _ in range(2):
                with closing(PairSocket(Notes())) as theirs:
                    theirs.listen(path, None)
                    await eventually(partial(getattr, theirs, "is_connected"))
                    theirs.send(b"hello")
                    await eventually(lambda: notes.messages == [b"hello"])
                    notes.messages.clear()
                await eventually(lambda: not ours.is_connected)
            assert notes.told == ["connected", "disconnected"] * 2

    asyncio.run(scenario())
