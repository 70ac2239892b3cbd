"""VNC servers that want our time: how much is done in a turn, in which order, and what is not done at all.

Where time matters it is counted in steps: on :class:`StepClock` each look at the clock takes a tenth of a
millisecond, and the work itself none.
"""

import asyncio
from collections.abc import Callable, Generator
from pathlib import Path

import numpy as np
import pytest

from pyrdpmux.codec.color import Pixels
from pyrdpmux.geometry import Rect
from pyrdpmux.mux.backend import VmStatus
from pyrdpmux.mux.picture.screen import BAND_PIXELS, Screen
from pyrdpmux.mux.resting import REST_FACTOR
from pyrdpmux.mux.vnc import connection
from pyrdpmux.mux.vnc.input import VncInput
from pyrdpmux.mux.vnc.session import VncSession
from pyrdpmux.net.fair import SLICE_SECONDS, FairSchedule, Kind
from pyrdpmux.rfb.encodings import Encoding
from pyrdpmux.rfb.events import Copied, CursorChanged, LedsChanged, UpdateFinished
from pyrdpmux.rfb.pixel_format import BGRX
from pyrdpmux.rfb.server_messages import ServerInit
from pyrdpmux.wire import encode
from tests.mux.serving import run
from tests.mux.support.fake_host import FakeVm, until
from tests.mux.vnc.fake_server import vnc_server
from tests.mux.vnc.test_backend import asked, backend_of, running
from tests.rfb.encoders import rectangle, u32, update
from tests.rfb.scripted import connected_client

STEP = SLICE_SECONDS / 20


class StepClock:
    """A look at it takes ``step`` seconds; nothing else takes any."""

    def __init__(self, step: float = STEP) -> None:
        self.now = 0.0
        self.step = step

    def __call__(self) -> float:
        self.now += self.step
        return self.now


class WatchedScreen(Screen):
    """Notes the pixels of each step that paints."""

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[int] = []

    def update_in_steps(self, rect: Rect, fetch: Callable[[Rect], Pixels]) -> Generator[None, None, None]:
        def noted(band: Rect) -> Pixels:
            self.steps.append(band.pixels)
            return fetch(band)

        return super().update_in_steps(rect, noted)


def copy_down(width: int, height: int, by: int) -> bytes:
    return rectangle(Encoding.COPY_RECT, bytes(4), 0, by, width, height)


def watch(vm: FakeVm, clock: StepClock | None = None) -> tuple[WatchedScreen, FairSchedule]:
    """Before its backend has begun to work."""
    schedule = FairSchedule(clock)
    vm.screen = WatchedScreen()
    vm.loop_share = schedule.share(Kind.GUEST, "vm")
    return vm.screen, schedule


def test_huge_copies_are_made_in_turns_between_those_of_others(tmp_path: Path) -> None:
    """8000x3999, again and again: another guest has every second turn, and no step is long."""

    async def scenario() -> None:
        backend = backend_of(tmp_path / "vnc")
        async with vnc_server(tmp_path / "vnc", size=(8000, 3999)) as server, running(backend) as vm:
            screen, schedule = watch(vm, StepClock())
            await asked(server)
            other = schedule.share(Kind.GUEST, "other")
            order: list[int] = []  # what had been painted at each turn of the other

            async def keep_working() -> None:
                while True:
                    async with other.turn() as turn:
                        order.append(sum(screen.steps))
                        while not turn.is_over:
                            pass

            task = asyncio.get_running_loop().create_task(keep_working())
            server.send(update(*[copy_down(8000, 3990, 9)] * 3))
            await until(lambda: sum(screen.steps) == 3 * 8000 * 3990, 20)
            task.cancel()
            assert max(screen.steps) <= BAND_PIXELS
            assert vm.loop_share.longest <= SLICE_SECONDS + 3 * STEP
            between = np.diff(order)
            assert max(between) <= 81 * BAND_PIXELS, "a turn of twenty steps, and what it may have saved up"

    run(scenario)


@pytest.mark.parametrize("down", [-70, -5, 0, 5, 70])
@pytest.mark.parametrize("right", [-9, 0, 9])
def test_copies_that_overlap_themselves(right: int, down: int) -> None:
    width, height = 50, 400
    vm = FakeVm("vm", VncInput())
    vm.screen.resize(width, height)
    before = np.random.default_rng(0).integers(0, 200, (height, width, 4), np.uint8)
    before[..., 3] = 0
    vm.screen.write(vm.screen.rect, before)
    session = VncSession(vm, VncInput(), connected_client(width, height), now=0.0)
    source = Rect(10, 75, 30, 250)
    event = Copied(source, Rect(source.x + right, source.y + down, source.width, source.height))
    steps = len(list(session.handle(event)))
    assert steps == 4
    expected = before.copy()
    expected[75 + down : 325 + down, 10 + right : 40 + right] = before[75:325, 10:40]
    assert (vm.screen.pixels == expected).all()


def test_a_server_that_has_hung_up_is_seen_behind_what_it_left(tmp_path: Path) -> None:
    """A megabyte of copies lies undecoded; on the base commit all of them were made first."""

    async def scenario() -> None:
        backend = backend_of(tmp_path / "vnc")
        async with vnc_server(tmp_path / "vnc", size=(1000, 1000)) as server, running(backend) as vm:
            screen, _ = watch(vm, StepClock())
            await asked(server)
            flood = update(copy_down(1000, 999, 1))
            server.send(flood * 5000)
            server.close_when_sent()
            await until(lambda: (VmStatus.LOST, "RFB connected: closed by the peer") in vm.statuses)
            assert sum(screen.steps) > 0
            turns = connection.LAST_TURNS + 3  # what began before it closed
            assert len(screen.steps) <= turns * SLICE_SECONDS / STEP

    run(scenario)


def test_why_a_server_refuses_is_read_although_it_has_hung_up(tmp_path: Path) -> None:
    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"RFB 003.008\n\0" + u32(7) + b"go away")
        writer.close()

    async def scenario() -> None:
        server = await asyncio.start_unix_server(refuse, tmp_path / "vnc")
        async with server, running(backend_of(tmp_path / "vnc")) as vm:
            watch(vm, StepClock(SLICE_SECONDS))
            await until(lambda: vm.statuses[-1][0] == VmStatus.LOST)
            assert "go away" in vm.statuses[-1][1]

    run(scenario)


def test_after_an_update_nothing_is_read_for_a_while(tmp_path: Path) -> None:
    """Whatever the server sends unasked stays on its side."""

    async def scenario() -> None:
        backend = backend_of(tmp_path / "vnc")
        async with vnc_server(tmp_path / "vnc") as server, running(backend) as vm:
            clock = StepClock(0.0)
            watch(vm, clock)
            await asked(server)
            turns = vm.loop_share.turns
            clock.step = 10.0  # as if each look at it had taken so long
            server.send(update() + 8_000_000 * b"\2")
            await until(lambda: server.unsent > 0)
            for _ in range(500):
                await asyncio.sleep(0)
            assert server.unsent > 8_000_000 - 3 * connection.BUFFER_SIZE - 500_000, "and the kernel's own"
            assert vm.loop_share.turns <= turns + 2

    run(scenario)


def test_three_times_as_long_as_it_took() -> None:
    client = connected_client()
    session = VncSession(FakeVm("vm", VncInput()), VncInput(), client, now=0.0)
    list(session.handle(UpdateFinished()))
    session.worked(0.25, now=1.25)
    assert session.rest_seconds(1.25) == REST_FACTOR * 0.25
    assert session.next_deadline() == 2.0
    session.handle_timeout(1.99)
    assert client.data_to_send() == b""
    session.handle_timeout(2.0)
    assert client.data_to_send()[:2] == b"\3\0"


def test_other_tasks_of_the_loop_go_on(tmp_path: Path) -> None:
    """Over a real socket, on the real clock: never a whole copy of the screen between two of their turns."""

    async def scenario() -> None:
        backend = backend_of(tmp_path / "vnc")
        async with vnc_server(tmp_path / "vnc", size=(8000, 3999)) as server, running(backend) as vm:
            screen, _ = watch(vm)
            await asked(server)
            painted = [0]
            server.send(update(*[copy_down(8000, 3990, 9)] * 3))
            while sum(screen.steps) < 3 * 8000 * 3990:
                await asyncio.sleep(0)
                painted.append(sum(screen.steps))
            assert max(np.diff(painted)) < 8000 * 3990

    run(scenario)


def test_what_changes_a_thousand_times_in_an_update_is_told_once(tmp_path: Path) -> None:
    class CountingVm(FakeVm):
        told = 0

        def set_leds(self, leds: int) -> None:
            self.told += 1
            super().set_leds(leds)

    class Listener:
        cursors = 0

        def screen_changed(self) -> None: ...
        def screen_resized(self, width: int, height: int) -> None: ...
        def cursor_moved(self, x: int, y: int) -> None: ...
        def cursor_changed(self) -> None:
            self.cursors += 1

    vm = CountingVm("vm", VncInput())
    listener = Listener()
    vm.screen.subscribe(listener)
    session = VncSession(vm, VncInput(), connected_client(), now=0.0)
    for number in range(1000):
        list(session.handle(LedsChanged(number & 7)))
        list(session.handle(CursorChanged(np.full((2, 2, 4), number & 255, np.uint8), 0, 0)))
    list(session.handle(UpdateFinished()))
    assert (vm.told, vm.leds) == (1, 999 & 7)
    assert listener.cursors == 1


def test_a_name_without_end_is_no_progress(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyrdpmux.mux.vnc.session.HANDSHAKE_SECONDS", 0.2)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"RFB 003.008\n\1\1" + bytes(4) + encode(ServerInit(64, 48, BGRX, 0xFFFFFFFF)))
        try:
            while True:
                writer.write(bytes(1 << 20))
                await writer.drain()
        except OSError:
            writer.close()

    async def scenario() -> None:
        server = await asyncio.start_unix_server(talk, tmp_path / "vnc")
        async with server, running(backend_of(tmp_path / "vnc")) as vm:
            await until(lambda: vm.statuses[-1] == (VmStatus.LOST, "RFB handshake: no progress within 0.2 s"))

    run(scenario)


def test_a_server_that_lets_us_in_and_hangs_up_is_not_stormed(tmp_path: Path) -> None:
    """A connection that did not last is no reason to come back soon."""

    async def scenario() -> None:
        backend = backend_of(tmp_path / "vnc")
        backend._longest_pause = 60.0
        async with vnc_server(tmp_path / "vnc") as server, running(backend):
            for number in range(1, 4):
                await until(lambda number=number: server.connections == number and server.is_talking)  # type: ignore[misc]
                server.hang_up()
            await until(lambda: backend._pause >= 0.08)

    run(scenario)
