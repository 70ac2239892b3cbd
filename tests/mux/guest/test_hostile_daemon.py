"""What the C library gets wrong (section 10.2) and our guest does not."""

import asyncio
import logging
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import numpy as np
import pytest
import zmq
import zmq.asyncio
from hypothesis import given
from hypothesis import strategies as st

from pyrdpmux.errors import BackendError
from pyrdpmux.geometry import Region
from pyrdpmux.mux.guest import Guest, GuestInput, PixelCode, Rect, pixel_format
from pyrdpmux.mux.guest.guest import ACKNOWLEDGE_TIMEOUT, MAX_UNANSWERED, MAX_UPDATES, joined
from pyrdpmux.mux.librdpmux.messages import (
    DisplaySwitch,
    DisplayUpdate,
    Message,
    Shutdown,
    TakesSizes,
    UpdateComplete,
    decode_message,
    encode_message,
)
from pyrdpmux.mux.librdpmux.protocol import PROTOCOLS
from pyrdpmux.mux.librdpmux.shared_memory import MIN_LIBRARY_SIZE
from tests.mux.support.fake_host import InputNotes, until

X8R8G8B8 = pixel_format(PixelCode.X8R8G8B8)
COMPLETE_AT_25 = b"\x93\x04\x01\x19"


class Server:
    """A ROUTER that only does what it is told, and a guest of some version at it."""

    def __init__(
        self, directory: Path, version: int = 3, input: GuestInput | InputNotes | None = None
    ) -> None:
        self.version = version
        self.endpoint = f"ipc://{directory / 's'}"
        self.context = zmq.asyncio.Context()
        self.socket = self.context.socket(zmq.ROUTER)
        self.socket.bind(self.endpoint)
        self.guest = Guest(input or InputNotes(), vm_id=7, shared_memory=directory)
        self.routing_id = b""

    async def __aenter__(self) -> "Server":
        self.guest.connect(self.endpoint, PROTOCOLS[self.version])
        await until(lambda: self.guest.is_connected)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.guest.close()
        self.socket.close(linger=0)
        self.context.term()

    async def receive(self) -> Message:
        async with asyncio.timeout(5):
            self.routing_id, uuid, data = await self.socket.recv_multipart()
        assert uuid == self.guest.uuid.encode()
        message = decode_message(data, PROTOCOLS[self.version].dialects[0].base)
        assert len(data) < 24, "no padding out of the heap"
        return message

    async def send(self, *frames: bytes) -> None:
        await self.socket.send_multipart([self.routing_id, *frames])

    async def complete(self, data: bytes = COMPLETE_AT_25) -> None:
        await self.send(self.guest.uuid.encode(), data)

    async def switch(self, width: int = 64, height: int = 48) -> None:
        """The first picture, acknowledged."""
        self.guest.switch(X8R8G8B8, width, height)
        assert await self.receive() == DisplaySwitch(X8R8G8B8.code, width, height)
        assert await self.receive() == DisplayUpdate(0, 0, width, height)
        await self.complete()


def play(server: Callable[[], Server], scenario: Callable[[Server], Awaitable[None]]) -> None:
    async def entered() -> None:
        async with asyncio.timeout(20), server() as there:
            await scenario(there)

    asyncio.run(entered())


def test_a_server_that_never_acknowledges_does_not_freeze_it(tmp_path: Path) -> None:
    async def scenario(server: Server) -> None:
        server.guest.switch(X8R8G8B8, 64, 48)
        await server.receive()
        await server.receive()
        server.guest.update(Rect(1, 2, 3, 4))
        assert await server.receive() == DisplayUpdate(1, 2, 3, 4), "after half a second"

    play(lambda: Server(tmp_path), scenario)


def test_every_rectangle_of_a_moment_is_announced(tmp_path: Path) -> None:
    async def scenario(server: Server) -> None:
        await server.switch()
        await until(lambda: server.guest.is_settled)
        server.guest.update(Rect(0, 0, 4, 4))
        server.guest.update(Rect(40, 40, 4, 4))
        seen = {await server.receive(), await server.receive()}
        assert seen == {DisplayUpdate(0, 0, 4, 4), DisplayUpdate(40, 40, 4, 4)}

    play(lambda: Server(tmp_path), scenario)


@given(
    st.lists(
        st.tuples(st.integers(0, 90), st.integers(0, 90), st.integers(1, 20), st.integers(1, 20)), max_size=30
    )
)
def test_what_is_announced_covers_what_has_changed_in_few_rectangles(
    changes: list[tuple[int, int, int, int]],
) -> None:
    region = Region([Rect(*change) for change in changes])
    rects = joined(region)
    assert len(rects) <= MAX_UPDATES
    assert all(any(rect.contains(changed) for rect in rects) for changed in region)
    assert all(region.bounding_box.contains(rect) for rect in rects)


def test_what_is_near_is_announced_together() -> None:
    near, other, far = Rect(0, 0, 10, 10), Rect(12, 0, 10, 10), Rect(500, 500, 5, 5)
    assert joined(Region([near, far, other])) == [far, Rect(0, 0, 22, 10)]


def test_damage_of_the_old_size_is_forgotten_at_a_switch(tmp_path: Path) -> None:
    async def scenario(server: Server) -> None:
        await server.switch(640, 480)
        server.guest.update(Rect(600, 400, 40, 80))
        server.guest.switch(X8R8G8B8, 64, 48)
        server.guest.update(Rect(-5, -5, 5000, 5000))
        server.guest.update(Rect(60, 40, -3, 8))
        message = await server.receive()
        while not isinstance(message, DisplaySwitch):
            message = await server.receive()
        await server.complete()
        assert await server.receive() == DisplayUpdate(0, 0, 64, 48)

    play(lambda: Server(tmp_path), scenario)


def test_nothing_is_painted_while_the_server_reads(tmp_path: Path) -> None:
    async def scenario(server: Server) -> None:
        await server.switch()
        await until(lambda: server.guest.is_settled)
        server.guest.show(Rect(0, 0, 1, 1), np.full((1, 1, 4), 1, np.uint8))
        assert await server.receive() == DisplayUpdate(0, 0, 1, 1)
        server.guest.show(Rect(0, 0, 1, 1), np.full((1, 1, 4), 2, np.uint8))
        await asyncio.sleep(0.1)
        assert _first_byte(tmp_path) == 1
        await server.complete()
        assert await server.receive() == DisplayUpdate(0, 0, 1, 1)
        assert _first_byte(tmp_path) == 2

    play(lambda: Server(tmp_path), scenario)


def _first_byte(directory: Path) -> int:
    with (directory / "7.rdpmux").open("rb") as file:
        return file.read(1)[0]


@pytest.mark.parametrize("rate", [0, 1, 255])
def test_any_frame_rate_is_survived(tmp_path: Path, rate: int) -> None:
    async def scenario(server: Server) -> None:
        server.guest.switch(X8R8G8B8, 64, 48)
        await server.receive()
        await server.receive()
        await server.complete(b"\x93\x04\x01" + (bytes([rate]) if rate < 128 else bytes([0xCC, rate])))
        await until(lambda: server.guest.is_settled)
        server.guest.update(Rect(1, 2, 3, 4))
        assert await server.receive() == DisplayUpdate(1, 2, 3, 4)

    play(lambda: Server(tmp_path), scenario)


@pytest.mark.parametrize("version", [3, 4, 5])
def test_nothing_from_a_server_ends_it(tmp_path: Path, version: int) -> None:
    """One frame alone aborts the C library's process."""
    notes = InputNotes()

    async def scenario(server: Server) -> None:
        base = PROTOCOLS[version].dialects[0].base
        uuid = server.guest.uuid.encode()
        server.guest.switch(X8R8G8B8, 64, 48)
        await server.receive()
        await server.send(uuid)
        await server.send(b"")
        await server.send(b"", uuid, b"x")
        await server.send(uuid.upper(), bytes([0x93, 3 + base, 0x10, 0]))
        for nonsense in (
            b"",
            b"\x90",
            b"\xc1",
            b"\x91\x63",
            b"\x92\x04\xc0",
            bytes(24),
            b"\xdd\xff\xff\xff\xff",
        ):
            await server.send(uuid, nonsense)
        await server.send(uuid, bytes([0x93, 3 + base, 0x1E, 0xCD, 0x40, 0]))
        await until(lambda: bool(notes.events))
        assert notes.events == [("key", 0x1E, False, False, True)]

    play(lambda: Server(tmp_path, version, notes), scenario)


def test_a_picture_larger_than_the_librarys_memory(tmp_path: Path) -> None:
    async def scenario(server: Server) -> None:
        await server.switch(5120, 2880)
        assert os.stat(tmp_path / "7.rdpmux").st_size == 5120 * 2880 * 4 > MIN_LIBRARY_SIZE
        with pytest.raises(BackendError, match="allowed"):
            server.guest.switch(X8R8G8B8, 100000, 2)

    play(lambda: Server(tmp_path), scenario)


@pytest.mark.parametrize("version", [3, 4, 5])
def test_it_says_goodbye(tmp_path: Path, version: int) -> None:
    async def scenario(server: Server) -> None:
        server.guest.switch(X8R8G8B8, 64, 48)
        await server.receive()
        await server.guest.close()
        message = await server.receive()
        while not isinstance(message, Shutdown):
            message = await server.receive()

    play(lambda: Server(tmp_path, version), scenario)


def test_the_processes_signals_are_its_own(tmp_path: Path) -> None:
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]

    async def scenario(server: Server) -> None:
        inside = [signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)]
        await server.switch()
        assert inside == before[1:]

    play(lambda: Server(tmp_path), scenario)
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before


def test_keys_are_not_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    notes = InputNotes()
    caplog.set_level(logging.DEBUG)

    async def scenario(server: Server) -> None:
        await server.switch()
        for code in range(0x10, 0x20):
            await server.complete(bytes([0x93, 3, code, 0xCD, 0x40, 0]))
        await until(lambda: len(notes.events) == 16)

    play(lambda: Server(tmp_path, input=notes), scenario)
    assert [record for record in caplog.records if record.name.startswith("pyrdpmux")] == []


def test_several_vms_in_one_process(tmp_path: Path) -> None:
    async def scenario() -> None:
        first, second = (Guest(InputNotes(), shared_memory=tmp_path) for _ in range(2))
        assert (first.vm_id, first.uuid) != (second.vm_id, second.uuid)
        await first.close()
        await second.close()
        assert os.listdir(tmp_path) == []

    asyncio.run(scenario())


def test_where_nothing_is_acknowledged_it_waits_for_a_server_that_does_so(tmp_path: Path) -> None:
    """Who paints over what is still to be copied shows two halves; a server that stops is left."""

    async def scenario(server: Server) -> None:
        guest, loop = server.guest, asyncio.get_running_loop()
        rate = encode_message(UpdateComplete(frame_rate=60), 1)
        assert await server.receive() == TakesSizes(0)
        guest.switch(X8R8G8B8, 64, 48)
        assert isinstance(await server.receive(), DisplaySwitch)
        assert isinstance(await server.receive(), DisplayUpdate)
        await server.complete(rate)
        await until(lambda: guest.is_settled)
        guest.update(Rect(0, 0, 4, 4))
        assert await server.receive() == DisplayUpdate(0, 0, 4, 4)
        guest.update(Rect(8, 8, 4, 4))
        await asyncio.sleep(0.1)
        assert not guest.is_settled, "it waits"
        await server.complete(rate)
        assert await server.receive() == DisplayUpdate(8, 8, 4, 4)
        began = loop.time()
        for x in range(MAX_UNANSWERED + 4):
            guest.update(Rect(x, 0, 1, 1))
            assert await server.receive() == DisplayUpdate(x, 0, 1, 1)
        unanswered = MAX_UNANSWERED * ACKNOWLEDGE_TIMEOUT
        assert loop.time() - began < unanswered + 0.4, "the last ones as the library does it"
        await server.complete(encode_message(UpdateComplete(frame_rate=0), 1))
        await until(lambda: guest.is_settled)

    play(lambda: Server(tmp_path, 5), scenario)
