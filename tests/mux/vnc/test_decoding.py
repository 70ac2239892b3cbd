"""The thread of a connection: what it reads, in which slices it works, and how it ends.

The server is the other end of a pair of sockets, on which a test writes what it likes.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
import pytest

from pyrdpmux.errors import BackendError, DecodeError, PeerClosed
from pyrdpmux.mux.backend import VmStatus
from pyrdpmux.mux.vnc import outlet
from pyrdpmux.mux.vnc.decoding import LAST_SLICES, READ_SIZE, DecodingThread, Reason
from pyrdpmux.mux.vnc.desk import Desk
from pyrdpmux.mux.vnc.input import VncInput
from pyrdpmux.mux.vnc.outlet import Outlet
from pyrdpmux.mux.vnc.session import VncSession
from pyrdpmux.mux.vnc.turns import SLICE_SECONDS, Slots, ThreadTurns
from pyrdpmux.rfb.client import RfbClient
from pyrdpmux.rfb.config import RfbConfig
from pyrdpmux.rfb.encodings import Encoding
from pyrdpmux.rfb.inbox import CAPACITY
from tests.mux.serving import run
from tests.mux.support.fake_host import FakeVm, until
from tests.mux.support.step_clock import StepClock
from tests.rfb.encoders import rectangle, u32, update
from tests.rfb.scripted import NO_SECURITY, VERSION_8, server_init

STEP = SLICE_SECONDS / 20


class CountingSlots(Slots):
    """Notes how many slices there were."""

    def __init__(self) -> None:
        super().__init__(1)
        self.slices = 0

    def enter(self) -> None:
        super().enter()
        self.slices += 1


class Scene:
    def __init__(self, clock: StepClock | None = None, size: tuple[int, int] = (64, 48)) -> None:
        loop = asyncio.get_running_loop()
        ours, self.server = socket.socketpair()
        for end in (ours, self.server):
            end.setblocking(False)
        self.vm = FakeVm("vm", VncInput())
        self.client = RfbClient(RfbConfig())
        self.outlet = Outlet(ours, self.client)
        self.desk = Desk(self.vm, VncInput(), loop, lambda: None)
        self.clock = clock or StepClock(0.0)
        self.session = VncSession(self.desk, self.client, 0.0, is_watched=True)
        self.slots = CountingSlots()
        self.ended: asyncio.Future[Reason | None] = loop.create_future()
        self.turns = ThreadTurns(self.slots, self.clock, lambda: 0.0)
        self._size = size
        self.thread = DecodingThread(
            ours, self.client, self.session, self.outlet, self.desk, self._tell_end, self.turns
        )
        self._loop = loop

    def _tell_end(self, reason: Reason | None) -> None:
        self._loop.call_soon_threadsafe(self.ended.set_result, reason)

    async def connect(self) -> None:
        """The handshake."""
        await self.send(VERSION_8 + NO_SECURITY + server_init(*self._size))
        await until(lambda: (VmStatus.WAITING, "") in self.vm.statuses)
        await self.asked()

    async def send(self, data: bytes) -> None:
        await self._loop.sock_sendall(self.server, data)

    async def asked(self) -> bytes:
        """What we say next."""
        return await self._loop.sock_recv(self.server, 1 << 20)

    def fill(self, data: bytes) -> int:
        """As much as the socket takes; returns how much."""
        sent = 0
        try:
            while True:
                sent += self.server.send(data)
        except BlockingIOError:
            return sent

    async def close(self) -> None:
        self.thread.stop()
        self.server.close()
        await self.ended


def scenario(body: Callable[[Scene], Awaitable[None]], *arguments: Any) -> None:
    async def with_scene() -> None:
        scene = Scene(*arguments)
        try:
            await body(scene)
        finally:
            await scene.close()

    run(with_scene)


def raw(width: int, height: int, value: int) -> bytes:
    return rectangle(Encoding.RAW, bytes([value]) * (width * height * 4), width=width, height=height)


def copy_down(width: int, height: int, by: int) -> bytes:
    return rectangle(Encoding.COPY_RECT, bytes(4), 0, by, width, height)


def test_a_picture() -> None:
    async def body(scene: Scene) -> None:
        await scene.connect()
        await scene.send(update(raw(64, 48, 7)))
        await until(lambda: (VmStatus.RUNNING, "") in scene.vm.statuses)
        assert (scene.vm.screen.pixels[..., :3] == 7).all()
        assert not scene.ended.done()

    scenario(body)


def test_no_more_is_read_before_what_was_read_is_decoded() -> None:
    async def body(scene: Scene) -> None:
        await scene.connect()
        kernel = scene.server.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF)
        scene.slots.enter()
        sent, before = 0, -1
        while sent > before:  # until it takes nothing more, a while later neither
            before = sent
            for _ in range(20):
                sent += scene.fill(8_000 * b"\2")
                await asyncio.sleep(0.001)
        assert sent <= READ_SIZE + kernel
        scene.slots.leave()
        await until(lambda: scene.fill(b"\2") > 0)

    scenario(body)


def test_who_is_asked_for_input_is_not_asked_in_vain() -> None:
    """While there is no place to decode: what the loop sends goes its own way."""

    async def body(scene: Scene) -> None:
        await scene.connect()
        scene.slots.enter()
        scene.client.send_pointer(0, 1, 2)
        scene.outlet.flush()
        assert await scene.asked() == bytes.fromhex("05 00 0001 0002")
        scene.slots.leave()

    scenario(body)


def test_what_the_socket_did_not_take_goes_when_it_does() -> None:
    async def body(scene: Scene) -> None:
        await scene.connect()
        count = 0
        while not scene.outlet.unsent:
            scene.client.send_pointer(0, 1, 2)
            scene.outlet.flush()
            count += 1
        scene.thread.ring()
        received = b""
        while len(received) < 6 * count:
            received += await scene.asked()
        assert received == count * bytes.fromhex("05 00 0001 0002")

    scenario(body)


def test_huge_copies_are_made_in_slices() -> None:
    """8000x3999 three times over: each slice a few bands long."""

    async def body(scene: Scene) -> None:
        await scene.connect()
        before = scene.slots.slices
        await scene.send(update(*[copy_down(8000, 3990, 9)] * 3))
        await until(lambda: scene.vm.screen.surface.version > 0, 20)
        bands = 3 * 3990 / 16
        assert scene.slots.slices - before >= bands / (SLICE_SECONDS / STEP)

    scenario(body, StepClock(STEP), (8000, 3999))


def test_a_server_that_has_hung_up_is_seen_behind_what_it_left() -> None:
    """Dozens of copies lie undecoded: only a few of them are made."""

    async def body(scene: Scene) -> None:
        await scene.connect()
        scene.slots.enter()
        await scene.send(update(copy_down(1000, 999, 1)) * 3000)
        scene.server.close()
        before = scene.slots.slices
        scene.slots.leave()
        reason = await asyncio.shield(scene.ended)
        assert isinstance(reason, PeerClosed)
        assert scene.slots.slices - before <= LAST_SLICES + 3

    scenario(body, StepClock(STEP), (1000, 1000))


def test_why_a_server_refuses_is_read_although_it_has_hung_up() -> None:
    async def body(scene: Scene) -> None:
        await scene.send(b"RFB 003.008\n\0" + u32(7) + b"go away")
        scene.server.close()
        assert "go away" in str(await asyncio.shield(scene.ended))

    scenario(body, StepClock(SLICE_SECONDS))


def test_who_has_worked_too_much_rests_and_can_be_stopped_meanwhile() -> None:
    async def body(scene: Scene) -> None:
        await scene.connect()
        scene.turns.charge(1e6)
        await scene.send(update(raw(4, 4, 7)))
        await until(lambda: scene.vm.screen.surface.version > 0)
        # It rests for a million seconds, and reads nothing.
        await scene.send(update(raw(4, 4, 8)))
        scene.thread.stop()
        assert await asyncio.shield(scene.ended) is None
        assert (scene.vm.screen.pixels[:4, :4, :3] == 7).all()

    scenario(body)


def test_what_the_loop_does_is_charged() -> None:
    async def body(scene: Scene) -> None:
        await scene.connect()
        worked = scene.turns._paid_until
        await scene.send(update(rectangle(Encoding.DESKTOP_SIZE, b"", width=80, height=20)))
        await until(lambda: scene.vm.screen.width == 80)
        await until(lambda: scene.turns._paid_until > worked)

    scenario(body)


def test_nonsense_ends_it() -> None:
    async def body(scene: Scene) -> None:
        await scene.connect()
        await scene.send(b"\x63")
        reason = await asyncio.shield(scene.ended)
        assert isinstance(reason, DecodeError)
        assert reason.__traceback__ is None

    scenario(body)


def test_a_mistake_of_ours_costs_the_connection_only(caplog: pytest.LogCaptureFixture) -> None:
    async def body(scene: Scene) -> None:
        await scene.connect()

        def fail(*_: object) -> None:
            raise ArithmeticError("no")

        scene.session._asking.act = fail  # type: ignore[method-assign, assignment]
        await scene.send(update())
        reason = await asyncio.shield(scene.ended)
        assert isinstance(reason, BackendError)
        assert str(reason) == "ArithmeticError: no"

    scenario(body)
    assert "A VNC server's pictures" in caplog.text


def test_a_server_that_takes_no_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outlet, "MAX_UNSENT", 10_000)

    async def body(scene: Scene) -> None:
        await scene.connect()
        while scene.outlet.unsent <= 10_000:
            scene.client.send_pointer(0, 1, 2)
            scene.outlet.flush()
        scene.thread.ring()
        assert "does not read" in str(await asyncio.shield(scene.ended))

    scenario(body)


def test_the_bell_of_a_thread_that_has_ended() -> None:
    async def body(scene: Scene) -> None:
        await scene.connect()
        scene.server.close()
        assert isinstance(await asyncio.shield(scene.ended), PeerClosed)
        scene.thread.ring()

    scenario(body)


def test_memory_is_given_back_when_nobody_looks() -> None:
    async def body(scene: Scene) -> None:
        await scene.connect()
        await scene.send(update(raw(300, 300, 7)))
        await until(lambda: scene.vm.screen.surface.version > 0)
        assert len(scene.client._received._memory) > CAPACITY
        scene.session.watch(is_watched=False)
        scene.thread.ring()
        await until(lambda: len(scene.client._received._memory) == CAPACITY)

    scenario(body, None, (300, 300))


def test_pictures_in_pieces_of_any_size() -> None:
    async def body(scene: Scene) -> None:
        await scene.connect()
        picture = np.random.default_rng(0).integers(0, 256, (48, 64, 4), np.uint8)
        data = update(rectangle(Encoding.RAW, picture.tobytes(), width=64, height=48))
        for at in range(0, len(data), 997):
            await scene.send(data[at : at + 997])
            await asyncio.sleep(0)
        await until(lambda: bool((scene.vm.screen.pixels[..., :3] == picture[..., :3]).all()))

    scenario(body)
