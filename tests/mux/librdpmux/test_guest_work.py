"""How much of the loop a guest gets, with a clock that only its work moves."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from pyrdpmux.geometry import Rect
from pyrdpmux.mux.librdpmux.guest_work import GuestWork
from pyrdpmux.mux.librdpmux.messages import DisplaySwitch, DisplayUpdate, Message, encode_message
from pyrdpmux.mux.librdpmux.protocol import PROTOCOLS
from pyrdpmux.mux.librdpmux.session import COPY_INTERVAL, Session
from pyrdpmux.mux.librdpmux.shared_memory import Framebuffer
from pyrdpmux.mux.picture.pixel_format import Bytes, PixelCode
from pyrdpmux.mux.picture.screen import BAND, Screen
from pyrdpmux.mux.resting import REST_FACTOR
from pyrdpmux.net.fair import SLICE_SECONDS, FairSchedule, Kind

ACK = b"\x92\x04\x01"
STEP_SECONDS = 0.0015
"""That a band takes here: two of them are more than a slice."""


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class World:
    """Guests of one loop; :attr:`steps` is what they had copied, in order."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.clock = Clock()
        self.schedule = FairSchedule(self.clock)
        self.steps: list[tuple[str, Rect]] = []
        self.guests: list[WorkingGuest] = []

    def add(self, name: str, width: int, height: int) -> "WorkingGuest":
        guest = WorkingGuest(self, name, width, height)
        self.guests.append(guest)
        return guest

    async def settle(self) -> None:
        await turns(lambda: not any(guest.work.is_active for guest in self.guests))


class WorkingGuest:
    """Its framebuffer is a file full of 7, and its session has a screen."""

    def __init__(self, world: World, name: str, width: int, height: int) -> None:
        self.world = world
        self.name = name
        self.sent: list[bytes] = []
        #: how often it was told that something changed
        self.changes = 0
        self.path = world.directory / name
        self.path.write_bytes(b"\x07" * (width * height * 4))
        self.session = Session(name, self.path, os.getuid(), self.sent.append, world.clock(), PROTOCOLS[1])
        self.screen = Screen()
        self.screen.subscribe(self)
        self.rests = 0
        self.work = GuestWork(self.session, world.clock, self._rest)
        self.session.attach(self.screen)
        self.work.start(world.schedule.share(Kind.GUEST, name))

    def _rest(self) -> None:
        self.rests += 1

    def hear(self, *messages: Message) -> None:
        self.session.receive([encode_message(message) for message in messages], self.world.clock())
        self.work.wake()

    def switch(self, width: int, height: int) -> None:
        self.hear(DisplaySwitch(PixelCode.X8R8G8B8, width, height))

    def screen_changed(self) -> None:
        self.changes += 1

    def screen_resized(self, width: int, height: int) -> None: ...

    def cursor_changed(self) -> None: ...

    def cursor_moved(self, x: int, y: int) -> None: ...


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    made = World(tmp_path)
    read = Framebuffer.read_bgrx

    def slow(framebuffer: Framebuffer, rect: Rect) -> Bytes:
        made.clock.now += STEP_SECONDS
        made.steps.append((framebuffer._path.name, rect))
        return read(framebuffer, rect)

    monkeypatch.setattr(Framebuffer, "read_bgrx", slow)
    return made


async def turns(condition: Callable[[], bool]) -> None:
    """As many of the loop as it takes until something is so."""
    while not condition():  # noqa: ASYNC110 (each turn counts)
        await asyncio.sleep(0)


def play(scenario: Callable[[], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(20):
            await scenario()

    asyncio.run(bounded())


def test_a_picture_is_copied_in_bands(world: World) -> None:
    async def scenario() -> None:
        guest = world.add("a", 8192, 1000)
        guest.switch(8192, 1000)
        await world.settle()
        rects = [rect for _, rect in world.steps]
        assert max(rect.width * rect.height * 4 for rect in rects) <= BAND * 8192 * 4 == 2 << 20
        assert sum(rect.height for rect in rects) == 1000
        assert (guest.screen.pixels[:, :, :3] == 7).all()
        assert guest.changes == 1, "told once, at the end"
        [figures] = world.schedule.snapshot()
        assert figures.turns >= len(rects) // 2
        assert figures.longest < SLICE_SECONDS + 2 * STEP_SECONDS
        assert guest.rests == 1

    play(scenario)


def test_guests_are_copied_in_turn(world: World) -> None:
    async def scenario() -> None:
        large, small = world.add("large", 64, 64 * BAND), world.add("small", 64, BAND)
        large.switch(64, 64 * BAND)
        await asyncio.sleep(0)
        small.switch(64, BAND)
        other = world.add("other", 64, 64 * BAND)
        other.switch(64, 64 * BAND)
        await world.settle()
        names = [name for name, _ in world.steps]
        assert names.index("small") <= 6, "the small one does not wait for the large ones"
        both = [name for name in names if name != "small"]
        assert both.count("large") == both.count("other") == 64
        middle = both[8:-8]
        longest = max(len(run) for run in "".join(name[0] for name in middle).replace("lo", "l o").split())
        assert longest <= 8, "nobody has many turns on end"

    play(scenario)


def test_a_guest_rests_three_times_as_long_as_it_has_worked(world: World) -> None:
    async def scenario() -> None:
        guest, other = world.add("guest", 64, 20 * BAND), world.add("other", 64, 20 * BAND)
        for busy in (guest, other):
            busy.switch(64, 20 * BAND)
        await world.settle()
        end = world.clock()
        assert end == pytest.approx(100 + 40 * STEP_SECONDS), "both together"
        guest.hear(DisplayUpdate(0, 0, 64, BAND))
        await world.settle()
        assert guest.sent == [], "not before it has rested"
        due = guest.session.next_deadline()
        assert due is not None
        guest.session._timer.deadline = 1000.0
        due = guest.session.next_deadline()
        assert due is not None
        worked = 20 * STEP_SECONDS
        assert REST_FACTOR == 3
        assert end - 3 * STEP_SECONDS + 3 * worked <= due <= end + 3 * worked + 1e-9, (
            "of its own time, not of the other's"
        )
        world.clock.now = due - 0.001
        guest.work.wake()
        await world.settle()
        assert guest.sent == []
        world.clock.now = due
        guest.work.wake()
        await world.settle()
        assert guest.sent == [ACK]

    play(scenario)


def test_a_small_copy_is_due_again_at_the_next_frame(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        guest = world.add("a", 64, BAND)
        guest.switch(64, BAND)
        await world.settle()
        guest.session._timer.deadline = 1000.0
        guest.hear(DisplayUpdate(0, 0, 64, 1))
        assert guest.session.next_deadline() == pytest.approx(100 + COPY_INTERVAL)

    play(scenario)


def test_what_comes_during_a_copy_is_for_the_next(world: World) -> None:
    async def scenario() -> None:
        guest = world.add("a", 64, 10 * BAND)
        guest.switch(64, 10 * BAND)
        await world.settle()
        world.steps.clear()
        world.clock.now += 1
        guest.hear(DisplayUpdate(0, 0, 64, 10 * BAND))
        await turns(lambda: len(world.steps) >= 3)
        guest.hear(DisplayUpdate(0, 0, 64, BAND), DisplayUpdate(0, BAND, 64, BAND))
        assert guest.sent == [], "not before it is done"
        await world.settle()
        assert len(world.steps) == 10
        assert guest.sent == [ACK]
        world.clock.now += 1
        guest.work.wake()
        await world.settle()
        assert len(world.steps) == 12
        assert guest.sent == [ACK] * 3

    play(scenario)


async def _in_the_middle_of_a_copy(world: World) -> WorkingGuest:
    guest = world.add("a", 64, 10 * BAND)
    guest.switch(64, 10 * BAND)
    guest.hear(DisplayUpdate(0, 0, 64, 1))
    await turns(lambda: len(world.steps) >= 3)
    return guest


def test_a_switch_ends_a_copy(world: World) -> None:
    async def scenario() -> None:
        guest = await _in_the_middle_of_a_copy(world)
        guest.switch(32, 32)
        await world.settle()
        assert len(world.steps) <= 5
        assert guest.sent == [ACK]
        world.clock.now += 1
        guest.work.wake()
        await world.settle()
        assert (guest.screen.width, guest.screen.height) == (32, 32)
        assert (guest.screen.pixels[:, :, :3] == 7).all()

    play(scenario)


@pytest.mark.parametrize("how", ["lost", "closed", "unlinked"])
def test_a_guest_that_goes_is_not_copied_any_more(world: World, how: str) -> None:
    async def scenario() -> None:
        guest = await _in_the_middle_of_a_copy(world)
        count = len(world.steps)
        descriptors = len(os.listdir("/proc/self/fd"))
        match how:
            case "lost":
                guest.session.detach()
                guest.work.stop_copying()
            case _:
                guest.session.close(unlink=how == "unlinked")
                guest.work.close()
        await world.settle()
        world.clock.now += 10
        guest.work.wake()
        await world.settle()
        assert len(world.steps) == count
        assert not guest.screen.pixels[5 * BAND :].any()
        shown = guest.screen.surface.newer(0)[:, 0].tolist()
        assert shown == [True] * count + [False] * (10 - count), "what was copied is shown"
        assert guest.changes == 1
        if how != "lost":
            assert len(os.listdir("/proc/self/fd")) == descriptors - 1
        else:
            guest.session.attach(guest.screen)
            guest.work.wake()
            await world.settle()
            assert (guest.screen.pixels[:, :, :3] == 7).all()

    play(scenario)


def test_to_black_out_is_work_as_well(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A switch to what cannot be shown, on an 8K screen."""
    sizes: list[int] = []
    zeros = np.zeros

    def counting(shape: tuple[int, ...], *rest: object) -> object:
        sizes.append(int(np.prod(shape)))
        return zeros(shape, *rest)  # type: ignore[call-overload]

    async def scenario() -> None:
        guest = world.add("a", 64, 64)
        guest.screen.resize(7680, 4320)
        guest.screen.pixels[::7] = 9
        monkeypatch.setattr("pyrdpmux.mux.librdpmux.session.np.zeros", counting)
        guest.switch(0, 0)
        await world.settle()
        assert not guest.screen.pixels.any()
        assert sum(sizes) == 4320 * 7680 * 4
        assert max(sizes) <= BAND * 7680 * 4

    play(scenario)


def test_a_flood_of_messages_is_read_a_few_at_a_time(world: World) -> None:
    """With copies in between: that there is always another message does not keep the picture from moving."""

    async def scenario() -> None:
        guest = world.add("a", 64, 4 * BAND)
        quiet = world.add("b", 64, 4 * BAND)
        order: list[str] = []

        def flood() -> Iterator[None]:
            for _ in range(400):
                world.clock.now += 0.001
                order.append("read")
                guest.hear(*[DisplayUpdate(0, 0, 1, 1)] * 8)
                yield

        guest.switch(64, 4 * BAND)
        guest.work.read(flood())
        quiet.switch(64, 4 * BAND)
        await turns(lambda: not quiet.work.is_active)
        assert len(order) < 30, "the other one is done long before"
        await world.settle()
        assert len(order) == 400
        copies = [index for index, (name, _) in enumerate(world.steps) if name == "a"]
        assert len(copies) > 20, "copied meanwhile"
        assert len(guest.sent) > 64

    play(scenario)


def test_reading_waits_for_the_vm_to_be_published(world: World) -> None:
    async def scenario() -> None:
        guest = world.add("a", 64, 64)
        work = GuestWork(guest.session, world.clock, lambda: None)
        taken: list[int] = []

        def steps() -> Iterator[None]:
            for number in range(3):
                taken.append(number)
                yield

        work.read(steps())
        await asyncio.sleep(0.01)
        assert taken == []
        work.start(world.schedule.share(Kind.GUEST, "late"))
        await turns(lambda: not work.is_active)
        assert taken == [0, 1, 2]

    play(scenario)
