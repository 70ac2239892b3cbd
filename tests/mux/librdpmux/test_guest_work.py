"""How much of the loop a guest gets, with a clock that only its work moves."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from pyrdpmux.geometry import Rect
from pyrdpmux.graphics.surface import WHOLE_SECONDS
from pyrdpmux.mux.librdpmux.copying import Copy
from pyrdpmux.mux.librdpmux.guest_work import READER_POLL, GuestWork
from pyrdpmux.mux.librdpmux.messages import DisplaySwitch, DisplayUpdate, Message, encode_message
from pyrdpmux.mux.librdpmux.protocol import PROTOCOLS
from pyrdpmux.mux.librdpmux.session import COPIES_PER_SECOND, COPY_REST, Session
from pyrdpmux.mux.librdpmux.shared_memory import Framebuffer, Surface
from pyrdpmux.mux.picture.pixel_format import PixelCode, PixelFormat, Words
from pyrdpmux.mux.picture.screen import BAND, Screen
from pyrdpmux.net.fair import SLICE_SECONDS, FairSchedule, Kind

ACK = b"\x92\x04\x01"
STEP_SECONDS = 0.0015
"""That a band takes here."""

T = TypeVar("T")


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
        #: called after each of them: what happens in the middle of a copy
        self.meanwhile: Callable[[], None] = lambda: None
        self.computed = 0
        self.guests: list[WorkingGuest] = []

    def add(self, name: str, width: int, height: int, version: int = 1) -> "WorkingGuest":
        guest = WorkingGuest(self, name, width, height, version)
        self.guests.append(guest)
        return guest

    async def compute(self, job: Callable[[], T]) -> T:
        """Not in a thread, so that what happens meanwhile happens when it is wanted."""
        self.computed += 1
        await asyncio.sleep(0)
        return job()

    async def settle(self) -> None:
        await turns(lambda: not any(guest.work.is_active for guest in self.guests))


class WorkingGuest:
    """Its framebuffer is a file full of 7, and its session has a screen."""

    def __init__(self, world: World, name: str, width: int, height: int, version: int) -> None:
        self.world = world
        self.name = name
        self.sent: list[bytes] = []
        #: how often it was told that something changed
        self.changes = 0
        self.path = world.directory / name
        self.path.write_bytes(b"\x07" * (width * height * 4))
        protocol = PROTOCOLS[version]
        self.session = Session(name, self.path, os.getuid(), self.sent.append, world.clock(), protocol)
        self.screen = Screen()
        self.screen.subscribe(self)
        self.rests = 0
        self.work = GuestWork(self.session, world.clock, self._rest)
        self.session.attach(self.screen)
        self.work.start(world.schedule.share(Kind.GUEST, name), world.compute)

    def _rest(self) -> None:
        self.rests += 1

    def hear(self, *messages: Message) -> None:
        base = self.session.dialect.base
        self.session.receive([encode_message(message, base) for message in messages], self.world.clock())
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
    put = Framebuffer.put

    def slow(framebuffer: Framebuffer, rect: Rect, words: Words) -> None:
        made.clock.now += STEP_SECONDS
        made.steps.append((framebuffer._path.name, rect))
        put(framebuffer, rect, words)
        made.meanwhile()

    monkeypatch.setattr(Framebuffer, "put", slow)
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


def test_a_picture_is_copied_in_bands_and_not_by_the_loop(world: World) -> None:
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
        assert (figures.turns, figures.worked) == (1, 0.0)
        assert world.computed == 1
        assert guest.rests == 1

    play(scenario)


def test_a_small_copy_is_made_at_once(world: World) -> None:
    async def scenario() -> None:
        guest = world.add("a", 2048, 64)
        guest.switch(2048, 64)
        await world.settle()
        assert world.computed == 0
        [figures] = world.schedule.snapshot()
        assert figures.worked == pytest.approx(STEP_SECONDS), "in a turn, and charged to its VM"
        guest.switch(2049, 64)
        await world.settle()
        assert world.computed == 0, "not before it has rested"
        world.clock.now += 1
        guest.path.write_bytes(bytes(2049 * 64 * 4))
        guest.work.wake()
        await world.settle()
        assert world.computed == 1
        world.clock.now += 1
        guest.hear(DisplayUpdate(0, 0, 1, 64))
        await world.settle()
        assert world.computed == 2, "of a narrow rectangle all rows are read"

    play(scenario)


@pytest.mark.parametrize("ends", [True, False], ids=["until they have it", "but not for long"])
def test_who_takes_the_last_picture_over_is_waited_for(world: World, ends: bool) -> None:
    """What reads while this writes has half of two pictures. Meanwhile nobody begins to look."""

    async def scenario() -> None:
        guest = world.add("a", 8192, 1000)
        guest.switch(8192, 1000)
        await world.settle()
        surface = guest.screen.surface
        assert not surface.is_being_painted
        world.clock.now += 1
        surface.readers.add("somebody")
        guest.hear(DisplayUpdate(0, 0, 8192, 1000))
        await turns(lambda: surface.is_being_painted)
        await asyncio.sleep(3 * READER_POLL)
        assert world.computed == 1
        if ends:
            surface.readers.clear()
        else:
            world.clock.now += WHOLE_SECONDS
        await world.settle()
        assert world.computed == 2
        assert not surface.is_being_painted

    play(scenario)


@pytest.mark.parametrize("width", [2048, 2049])
def test_what_is_read_at_once_is_copied_at_once(world: World, width: int) -> None:
    """Without a turn of the loop in between; only what a thread copies takes a task."""

    async def scenario() -> None:
        guest = world.add("a", width, 64)

        def steps() -> Iterator[None]:
            guest.switch(width, 64)
            yield

        guest.work.read(steps())
        is_small = width == 2048
        assert bool(world.steps) is is_small
        assert (guest.changes, guest.rests) == ((1, 1) if is_small else (0, 0))
        assert guest.work.is_active is not is_small
        await world.settle()
        assert (guest.changes, guest.rests, world.computed) == (1, 1, int(not is_small))
        [figures] = world.schedule.snapshot()
        assert figures.turns == 1

    play(scenario)


def test_a_copy_waits_for_its_turn_after_a_long_step(world: World) -> None:
    async def scenario() -> None:
        guest = world.add("a", 1024, 64)

        def steps() -> Iterator[None]:
            world.clock.now += SLICE_SECONDS
            guest.switch(1024, 64)
            yield

        guest.work.read(steps())
        assert world.steps == []
        assert guest.work.is_active
        await world.settle()
        assert len(world.steps) == 1

    play(scenario)


def test_a_guest_rests_as_long_as_it_has_worked(world: World) -> None:
    async def scenario() -> None:
        guest = world.add("guest", 2000, 20 * BAND)
        guest.switch(2000, 20 * BAND)
        await world.settle()
        end, worked = world.clock(), 20 * STEP_SECONDS
        assert end == pytest.approx(100 + worked)
        guest.hear(DisplayUpdate(0, 0, 64, BAND))
        await world.settle()
        assert guest.sent == [], "not before it has rested"
        guest.session._timer.deadline = 1000.0
        assert guest.session.next_deadline() == pytest.approx(end + COPY_REST * worked)
        world.clock.now = end + COPY_REST * worked - 0.001
        guest.work.wake()
        await world.settle()
        assert guest.sent == []
        world.clock.now += 0.0011
        guest.work.wake()
        await world.settle()
        assert guest.sent == [ACK]

    play(scenario)


def test_a_small_copy_is_due_again_at_the_next_frame(world: World) -> None:
    async def scenario() -> None:
        guest = world.add("a", 64, BAND)
        guest.switch(64, BAND)
        await world.settle()
        guest.session._timer.deadline = 1000.0
        guest.hear(DisplayUpdate(0, 0, 64, 1))
        soon = guest.session.next_deadline()
        assert soon is not None
        assert soon - 100 < 0.5 / COPIES_PER_SECOND, "right after the first"
        world.clock.now = soon
        guest.work.wake()
        await world.settle()
        guest.hear(DisplayUpdate(0, 0, 64, 1))
        assert guest.session.next_deadline() == pytest.approx(100 + 1 / COPIES_PER_SECOND)

    play(scenario)


def test_what_comes_after_a_rest_is_copied_at_once(world: World) -> None:
    async def scenario() -> None:
        guest = world.add("a", 64, BAND)
        guest.switch(64, BAND)
        await world.settle()
        world.clock.now += 1
        before = world.clock()
        guest.hear(DisplayUpdate(0, 0, 64, 1))
        await world.settle()
        assert guest.sent == [ACK]
        assert world.clock() == pytest.approx(before + STEP_SECONDS)

    play(scenario)


def test_what_comes_during_a_copy_is_for_the_next(world: World) -> None:
    async def scenario() -> None:
        guest = world.add("a", 2000, 10 * BAND)
        guest.switch(2000, 10 * BAND)
        await world.settle()
        world.steps.clear()
        world.clock.now += 1

        def meanwhile() -> None:
            if len(world.steps) == 3:
                guest.hear(DisplayUpdate(0, 0, 64, BAND), DisplayUpdate(0, BAND, 64, BAND))
                assert guest.sent == [], "not before it is done"

        world.meanwhile = meanwhile
        guest.hear(DisplayUpdate(0, 0, 2000, 10 * BAND))
        await world.settle()
        assert len(world.steps) == 10
        assert guest.sent == [ACK]
        world.clock.now += 1
        guest.work.wake()
        await world.settle()
        assert len(world.steps) == 12
        assert guest.sent == [ACK] * 3

    play(scenario)


def _in_the_middle_of_a_copy(world: World, action: Callable[["WorkingGuest"], None]) -> "WorkingGuest":
    """It happens after three bands of ten."""
    guest = world.add("a", 2000, 10 * BAND)

    def meanwhile() -> None:
        if len(world.steps) == 3:
            action(guest)

    world.meanwhile = meanwhile
    guest.switch(2000, 10 * BAND)
    guest.hear(DisplayUpdate(0, 0, 64, 1))
    return guest


def test_a_switch_ends_a_copy(world: World) -> None:
    async def scenario() -> None:
        guest = _in_the_middle_of_a_copy(world, lambda guest: guest.switch(32, 32))
        await world.settle()
        assert len(world.steps) == 3
        assert guest.sent == [ACK]
        world.clock.now += 1
        guest.work.wake()
        await world.settle()
        assert (guest.screen.width, guest.screen.height) == (32, 32)
        assert (guest.screen.pixels[:, :, :3] == 7).all()

    play(scenario)


@pytest.mark.parametrize("how", ["lost", "closed", "unlinked"])
def test_a_guest_that_goes_is_not_copied_any_more(world: World, how: str) -> None:
    def go(guest: WorkingGuest) -> None:
        if how == "lost":
            guest.session.detach()
        else:
            guest.session.close(unlink=how == "unlinked")
            guest.work.close()

    async def scenario() -> None:
        descriptors = len(os.listdir("/proc/self/fd"))
        guest = _in_the_middle_of_a_copy(world, go)
        await turns(lambda: len(world.steps) == 3)
        await world.settle()
        world.clock.now += 10
        guest.work.wake()
        await turns(lambda: guest.changes == 1)
        assert len(world.steps) == 3
        shown = guest.screen.surface.newer(0)[:, 0].tolist()
        assert shown == [True] * 3 + [False] * 7, "what was copied is shown"
        assert not guest.screen.pixels[3 * BAND :].any()
        assert len(os.listdir("/proc/self/fd")) == descriptors + (how == "lost")
        if how == "lost":
            guest.session.attach(guest.screen)
            guest.work.wake()
            await world.settle()
            assert (guest.screen.pixels[:, :, :3] == 7).all()

    play(scenario)


def test_a_framebuffer_that_is_closed_is_not_read(tmp_path: Path) -> None:
    """A thread may be about to; the number of the descriptor may be another file's by then."""
    path = tmp_path / "5.rdpmux"
    path.write_bytes(bytes(16))
    announced = Surface(PixelFormat(PixelCode.X8R8G8B8), 2, 2)
    framebuffer = Framebuffer.open(path, announced, os.getuid())
    screen = Screen(2, 2)
    copy = Copy(screen, framebuffer, [screen.rect], 0)
    framebuffer.close()
    copy.run(Clock())
    assert "closed" in str(copy.error)
    copy.show()
    assert screen.surface.version == 0


def test_a_guest_that_nobody_looks_at_is_heard_in_large_helpings(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pyrdpmux.mux.librdpmux.guest_work.UNWATCHED_READ_SECONDS", 30.0)

    async def scenario() -> None:
        guest = world.add("a", 64, BAND, version=5)
        guest.hear(DisplaySwitch(PixelCode.X8R8G8B8, 64, BAND))
        await world.settle()
        guest.session.watched(False, world.clock())
        taken: list[int] = []

        def steps() -> Iterator[None]:
            taken.append(1)
            yield

        guest.work.read(steps())
        guest.work.wake()
        await asyncio.sleep(0.01)
        assert taken == []
        guest.session.watched(True, world.clock())
        guest.work.wake()
        await world.settle()
        assert taken == [1], "as soon as somebody looks"
        guest.session.watched(False, world.clock())
        monkeypatch.setattr("pyrdpmux.mux.librdpmux.guest_work.UNWATCHED_READ_SECONDS", 0.0)
        guest.work.read(steps())
        await turns(lambda: taken == [1, 1])
        guest.work.read(steps())
        guest.work.close()

    play(scenario)


def test_to_black_out_is_work_as_well(world: World) -> None:
    """A switch to what cannot be shown, on an 8K screen."""

    async def scenario() -> None:
        guest = world.add("a", 64, 64)
        guest.screen.resize(7680, 4320)
        guest.screen.pixels[::7] = 9
        guest.switch(0, 0)
        await world.settle()
        assert not guest.screen.pixels.any()
        assert guest.screen.surface.newer(0).all()
        assert world.computed == 1

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
        work.start(world.schedule.share(Kind.GUEST, "late"), world.compute)
        await turns(lambda: not work.is_active)
        assert taken == [0, 1, 2]

    play(scenario)
