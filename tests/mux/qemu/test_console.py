"""Several consoles of a QEMU as heads of one VM, against a stand-in."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest

from pyrdpmux.codec.color import Words
from pyrdpmux.geometry import Rect
from pyrdpmux.mux.backend import MonitorSink, VmStatus
from pyrdpmux.mux.picture.cursor import Cursor, CursorState
from pyrdpmux.mux.picture.heads import Monitor
from pyrdpmux.mux.qemu import console as module
from pyrdpmux.mux.qemu import head
from pyrdpmux.mux.qemu.message import Message
from pyrdpmux.mux.qemu.placeholder import MESSAGES
from tests.mux.qemu.fake_qemu import ROOT, FakeQemu
from tests.mux.qemu.placeholders import placeholder
from tests.mux.qemu.test_backend import backend, plane
from tests.mux.support.fake_host import FakeHost, FakeVm, until

NOT_ACTIVE = placeholder(MESSAGES[1], 640, 480)


def path_of(number: int) -> str:
    return f"{ROOT}/Console_{number}"


class Bench:
    """A QEMU with so many heads, and the VM that they are."""

    def __init__(self, qemu: FakeQemu, host: FakeHost) -> None:
        self.qemu = qemu
        self.host = host
        #: how often its picture began anew
        self.resizes: list[tuple[int, int]] = []
        self.vm.screen.subscribe(self)

    @property
    def vm(self) -> FakeVm:
        return self.host.vms["web"]

    def scanout(self, number: int, words: Words) -> None:
        pixels = words.view(np.uint8).reshape(*words.shape, 4)
        self.qemu.listeners[path_of(number)].scanout(pixels)

    def plain(self, number: int, width: int, height: int, value: int) -> None:
        self.qemu.listeners[path_of(number)].scanout(plane(width, height, value))

    async def until_shows(self, *heads: tuple[Rect, int]) -> None:
        """These heads, each of one gray, and black between them."""
        await until(lambda: self.shows(heads))

    def shows(self, heads: Sequence[tuple[Rect, int]]) -> bool:
        screen = self.vm.screen
        if screen.heads != tuple([area for area, _ in heads]):
            return False
        expected = np.zeros((screen.height, screen.width), np.uint32)
        for area, value in heads:
            expected[area.slices] = value * 0x010101
        return bool((screen.surface.words & 0xFFFFFF == expected).all())

    def screen_changed(self) -> None: ...

    def screen_resized(self, width: int, height: int) -> None:
        self.resizes.append((width, height))

    def cursor_changed(self) -> None: ...

    def cursor_moved(self, x: int, y: int) -> None:
        self.moved = (x, y)


@asynccontextmanager
async def heads(tmp_path: Path, count: int = 2) -> AsyncIterator[Bench]:
    qemu = FakeQemu(tmp_path / "qmp", consoles=tuple(range(count)))
    qemu.is_graphic = qemu.can_resize = True
    async with backend({"web": str(qemu.path)}) as host:
        await until(lambda: len(qemu.listeners) == count)
        await until(lambda: all(listener.answers() for listener in qemu.listeners.values()))
        yield Bench(qemu, host)
    qemu.close()


LEFT, RIGHT = Rect(0, 0, 320, 200), Rect(320, 0, 160, 120)


@asynccontextmanager
async def two_heads(tmp_path: Path) -> AsyncIterator[Bench]:
    """LEFT, of gray 9, and RIGHT, of gray 5, are shown."""
    async with heads(tmp_path) as bench:
        bench.plain(0, 320, 200, 9)
        bench.plain(1, 160, 120, 5)
        await bench.until_shows((LEFT, 9), (RIGHT, 5))
        yield bench


def test_two_heads_are_one_picture(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with heads(tmp_path) as bench:
            bench.plain(0, 320, 200, 9)
            bench.plain(1, 160, 120, 5)
            await bench.until_shows((LEFT, 9), (RIGHT, 5))
            assert bench.resizes == [(480, 200)], "at once, as soon as both have said what they show"
            assert bench.host.added == ["web", "web"], "nothing else, but for the one that waited"
            bench.qemu.listeners[path_of(1)].update(0, 0, plane(160, 120, 6))
            await bench.until_shows((LEFT, 9), (RIGHT, 6))

    asyncio.run(scenario())


def test_a_head_that_no_guest_draws_on_is_none(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with heads(tmp_path) as bench:
            bench.plain(0, 320, 200, 9)
            bench.scanout(1, NOT_ACTIVE)
            await bench.until_shows((LEFT, 9))
            bench.plain(1, 160, 120, 5)
            await bench.until_shows((LEFT, 9), (RIGHT, 5))
            bench.scanout(1, NOT_ACTIVE)
            await bench.until_shows((LEFT, 9))
            bench.plain(0, 320, 200, 7)
            await bench.until_shows((LEFT, 7))

    asyncio.run(scenario())


def test_without_any_picture_the_first_one_says_so(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with heads(tmp_path) as bench:
            bench.scanout(0, NOT_ACTIVE)
            bench.scanout(1, NOT_ACTIVE)
            await until(lambda: bool((bench.vm.screen.surface.words[:, :640] == NOT_ACTIVE).all()))
            assert len(bench.vm.screen.heads) == 1

    asyncio.run(scenario())


def test_only_the_second_head_shows_something(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with heads(tmp_path) as bench:
            bench.scanout(0, NOT_ACTIVE)
            bench.plain(1, 160, 120, 5)
            await bench.until_shows((Rect(0, 0, 160, 120), 5))
            bench.vm.input.pointer(20, 30)
            await until(lambda: ("Mouse", "SetAbsPosition", 20, 30) in bench.qemu.calls)
            assert bench.qemu.paths[bench.qemu.calls.index(("Mouse", "SetAbsPosition", 20, 30))] == path_of(1)

    asyncio.run(scenario())


def test_who_says_nothing_is_not_waited_for_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BEGIN_SECONDS", 0.02)

    async def scenario() -> None:
        async with heads(tmp_path) as bench:
            bench.plain(0, 320, 200, 9)
            await bench.until_shows((LEFT, 9))

    asyncio.run(scenario())


def test_heads_lie_as_the_monitors_that_were_asked_for(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with two_heads(tmp_path) as bench:
            sink = bench.vm.input
            assert isinstance(sink, MonitorSink)
            sink.request_monitors([Monitor(Rect(0, 0, 400, 300)), Monitor(Rect(-200, 100, 200, 200), 200)])
            told = [("Console", "SetUIInfo", 0, 0, 200, 0, 400, 300)]
            told += [("Console", "SetUIInfo", 26, 26, 0, 100, 200, 200)]
            await until(lambda: bench.qemu.calls[-2:] == told)
            assert bench.qemu.paths[-2:] == [path_of(0), path_of(1)]
            bench.plain(0, 400, 300, 9)
            bench.plain(1, 200, 200, 5)
            await bench.until_shows((Rect(200, 0, 400, 300), 9), (Rect(0, 100, 200, 200), 5))
            # The same sizes at other places are another layout.
            sink.request_monitors([Monitor(Rect(0, 0, 400, 300)), Monitor(Rect(400, 0, 200, 200))])
            await bench.until_shows((Rect(0, 0, 400, 300), 9), (Rect(400, 0, 200, 200), 5))

    asyncio.run(scenario())


def test_a_head_that_comes_and_goes_costs_a_layout_now_and_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "LAYOUT_SECONDS", 0.3)

    async def scenario() -> None:
        async with two_heads(tmp_path) as bench:
            begun = asyncio.get_running_loop().time()
            for _ in range(20):
                bench.scanout(1, NOT_ACTIVE)
                await asyncio.sleep(0.01)
                bench.plain(1, 160, 120, 5)
                await asyncio.sleep(0.01)
            bench.plain(1, 160, 120, 4)
            await bench.until_shows((LEFT, 9), (RIGHT, 4))
            seconds = asyncio.get_running_loop().time() - begun
            assert len(bench.resizes) <= 2 + seconds / 0.3

    asyncio.run(scenario())


def test_what_changes_while_a_layout_settles_is_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes back to what it was, so that nothing else would copy it."""
    monkeypatch.setattr(module, "LAYOUT_SECONDS", 60.0)

    async def scenario() -> None:
        async with two_heads(tmp_path) as bench:
            bench.scanout(1, NOT_ACTIVE)
            await asyncio.sleep(0.05)
            bench.plain(0, 320, 200, 7)
            await asyncio.sleep(0.05)
            bench.plain(1, 160, 120, 5)
            await bench.until_shows((LEFT, 7), (RIGHT, 5))
            assert bench.resizes == [(480, 200)]

    asyncio.run(scenario())


def test_the_pointer_is_where_it_was_shown_last(tmp_path: Path) -> None:
    shape = np.full((8, 8, 4), 255, np.uint8)

    async def scenario() -> None:
        async with two_heads(tmp_path) as bench:
            first, second = (bench.qemu.listeners[path_of(number)] for number in (0, 1))
            for listener, x in ((first, 3), (second, 5)):
                listener.call("CursorDefine", "iiiiay", 8, 8, x, 0, shape.tobytes())
            await until(lambda: bench.vm.screen.cursor == Cursor(shape, 5, 0))
            second.call("MouseSet", "iii", 7, 8, 1)
            await until(lambda: getattr(bench, "moved", None) == (327, 8))
            second.call("MouseSet", "iii", 0, 0, 0)
            await until(lambda: bench.vm.screen.cursor == Cursor(shape, 3, 0))
            first.call("MouseSet", "iii", 0, 0, 0)
            await until(lambda: bench.vm.screen.cursor is CursorState.HIDDEN)

    asyncio.run(scenario())


def test_while_nobody_looks_no_head_is_listened_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "UNWATCHED_SECONDS", 0.01)

    async def scenario() -> None:
        async with two_heads(tmp_path) as bench:
            before = dict(bench.qemu.listeners)
            bench.vm.look(False)
            await until(lambda: all(listener.peer.is_closed for listener in before.values()))
            bench.vm.look(True)
            await until(lambda: all(bench.qemu.listeners[path] is not one for path, one in before.items()))
            bench.plain(0, 320, 200, 8)
            bench.plain(1, 160, 120, 4)
            await bench.until_shows((LEFT, 8), (RIGHT, 4))
            assert bench.resizes == [(480, 200)], "nobody has to begin anew"

    asyncio.run(scenario())


@pytest.fixture
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.005)
    monkeypatch.setattr(head, "FIRST_SILENCE", 0.02)
    monkeypatch.setattr(head, "LONGEST_SILENCE", 0.05)


@pytest.mark.usefixtures("impatience")
def test_a_silent_head_is_looked_at_anew(tmp_path: Path) -> None:
    """QEMU 7.2 does not tell those who listen that it was switched off."""

    async def scenario() -> None:
        async with two_heads(tmp_path) as bench:
            main, path = bench.qemu.listeners[path_of(0)], path_of(1)
            for _ in range(3):
                before = bench.qemu.listeners[path]
                await until(lambda: bench.qemu.listeners[path] is not before)  # noqa: B023
                assert before.peer.is_closed
                bench.plain(1, 160, 120, 5)
            assert bench.shows(((LEFT, 9), (RIGHT, 5))), "that somebody looks changes nothing"
            before = bench.qemu.listeners[path]
            await until(lambda: bench.qemu.listeners[path] is not before)
            bench.scanout(1, NOT_ACTIVE)
            await bench.until_shows((LEFT, 9))
            assert bench.qemu.listeners[path_of(0)] is main, "the main one is not looked at"
            assert bench.host.lost == ["web"]
            after = bench.qemu.listeners[path]
            await asyncio.sleep(0.1)
            assert bench.qemu.listeners[path] is after, "nor one that shows nothing"

    asyncio.run(scenario())


@pytest.mark.usefixtures("impatience")
def test_a_bus_that_takes_one_listener_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Until QEMU has seen the end of the last one, it refuses another."""
    monkeypatch.setattr(head, "ATTEMPT_SECONDS", 0.01)

    async def scenario() -> None:
        async with two_heads(tmp_path) as bench:
            bench.qemu.refusals = 5
            await until(lambda: not bench.qemu.refusals)
            await until(lambda: not bench.qemu.listeners[path_of(1)].peer.is_closed)
            bench.plain(1, 160, 120, 6)
            await bench.until_shows((LEFT, 9), (RIGHT, 6))
            assert bench.host.lost == ["web"]

    asyncio.run(scenario())


@pytest.mark.usefixtures("impatience")
def test_nobody_looks_so_silence_is_no_matter(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with two_heads(tmp_path) as bench:
            bench.vm.look(False)
            await asyncio.sleep(0.05)  # one may be under way
            before = bench.qemu.listeners[path_of(1)]
            await asyncio.sleep(0.1)
            assert bench.qemu.listeners[path_of(1)] is before

    asyncio.run(scenario())


def test_the_display_is_off_when_all_heads_are(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with two_heads(tmp_path) as bench:
            bench.qemu.listeners[path_of(0)].call("Disable", "")
            await bench.until_shows((Rect(0, 0, 160, 120), 5))
            assert bench.vm.statuses[-1][0] is VmStatus.RUNNING
            bench.qemu.listeners[path_of(1)].call("Disable", "")
            await until(lambda: bench.vm.statuses[-1][0] is VmStatus.NO_SIGNAL)

    asyncio.run(scenario())


def test_one_head_that_breaks_its_protocol_ends_all(tmp_path: Path) -> None:
    """All of QEMU is opened anew."""

    async def scenario() -> None:
        async with heads(tmp_path) as bench:
            first = bench.qemu.listeners[path_of(0)]
            bench.qemu.listeners[path_of(1)].call("Update", "iiiiuuay", -5, 0, 1, 1, 4, 0x20020888, bytes(4))
            await until(lambda: bench.qemu.listeners[path_of(0)] is not first)
            assert bench.host.lost == ["web", "web"]

    asyncio.run(scenario())


def test_terminals_of_qemu_are_vms_of_their_own(tmp_path: Path) -> None:
    async def scenario() -> None:
        qemu = MixedQemu(tmp_path / "qmp", consoles=(0, 1, 2))
        async with backend({"web": str(qemu.path)}) as host:
            await until(lambda: len(qemu.listeners) == 3)
            await until(lambda: all(listener.answers() for listener in qemu.listeners.values()))
            qemu.listeners[path_of(0)].scanout(plane(320, 200, 9))
            qemu.listeners[path_of(1)].scanout(plane(64, 32, 4))
            qemu.listeners[path_of(2)].scanout(plane(160, 120, 5))
            await until(lambda: host.vms["web"].screen.heads == (LEFT, RIGHT))
            await until(lambda: host.vms["web:1"].screen.width == 64)
            assert host.vms.keys() == {"web", "web:1"}
        qemu.close()

    asyncio.run(scenario())


class MixedQemu(FakeQemu):
    """Its second console is a terminal."""

    def _handle(self, message: Message, descriptors: list[int]) -> None:
        self.is_graphic = message.header.path != path_of(1)
        super()._handle(message, descriptors)


def test_no_more_than_sixteen(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with heads(tmp_path, 16) as bench:
            for number in range(16):
                bench.plain(number, 64, 64, number)
            await bench.until_shows(*[(Rect(64 * at, 0, 64, 64), at) for at in range(16)])

    asyncio.run(scenario())
