"""Viewers over real sockets: each test talks to a console with real client connections."""

import asyncio
import logging
from dataclasses import replace

import numpy as np
import pytest

from pyrdpmux.codec.color import reduce_and_expand
from pyrdpmux.geometry import Rect
from pyrdpmux.mux.admission.connection_factory import ConnectionFactory
from pyrdpmux.mux.console.console import UNDEFINED_POINTERS, Console
from pyrdpmux.mux.console.viewer import Viewer
from pyrdpmux.mux.picture.cursor import Cursor, CursorState
from pyrdpmux.mux.settings.config import ONE_AT_A_TIME, Config, InputSettings, VmSettings
from pyrdpmux.rdp.channels.display_control.pdu import CHANNEL_NAME as DISPLAY_CONTROL
from pyrdpmux.rdp.connection.events import Activated, Disconnected, DisplayControlReady, PointerReceived
from pyrdpmux.rdp.connection.trace import NullTracer
from pyrdpmux.rdp.pdu.display import LedFlags, SetKeyboardIndicators
from pyrdpmux.rdp.pdu.error_info import ErrorInfo
from pyrdpmux.rdp.pdu.input import KeyboardEvent, KeyboardFlags, MouseEvent, PointerFlags
from pyrdpmux.rdp.pdu.pointer import (
    CachedPointer,
    NewPointer,
    PointerPosition,
    SystemPointer,
    SystemPointerType,
)
from tests.mux.rdp_client import RdpClient, connected, eventually, same_colors
from tests.mux.recording_sink import RecordingSink
from tests.mux.serving import LIMITS, SETTINGS, noise, run, served, show


@pytest.mark.parametrize("depth", [8, 15, 16, 24, 32])
def test_a_viewer_sees_the_screen_and_its_changes(factory: ConnectionFactory, depth: int) -> None:
    picture = noise(201, 99)

    async def scenario() -> None:
        async with served(factory) as console, connected(console.port, bits_per_pixel=depth) as client:
            show(console, picture)
            await client.until_shows(reduce_and_expand(picture, depth))
            console.screen.write(Rect(70, 60, 5, 9), noise(5, 9, seed=1))
            await client.until_shows(reduce_and_expand(console.screen.pixels, depth))

    run(scenario)


def test_a_change_is_sent_as_what_changed(factory: ConnectionFactory) -> None:
    async def scenario() -> None:
        async with served(factory) as console, connected(console.port) as client:
            show(console, noise(640, 480))
            await client.until_shows(console.screen.pixels)
            client.bitmaps.clear()
            console.screen.write(Rect(100, 100, 8, 8), noise(8, 8, seed=1))
            await client.until_shows(console.screen.pixels)
            assert [(b.left, b.top, b.right, b.bottom) for b in client.bitmaps] == [(100, 100, 107, 107)]

    run(scenario)


def test_a_resize_reaches_every_viewer(factory: ConnectionFactory) -> None:
    async def scenario() -> None:
        async with (
            served(factory) as console,
            connected(console.port) as one,
            connected(console.port) as two,
        ):
            show(console, noise(320, 200))
            await one.until_shows(console.screen.pixels)
            await two.until_shows(console.screen.pixels)
            for size in ((640, 480), (100, 30), (322, 201)):
                show(console, noise(*size))
            await one.until_shows(console.screen.pixels)
            await two.until_shows(console.screen.pixels)
            assert one.seen(Activated)[-1].width == 322

    run(scenario)


def test_a_stalled_viewer_delays_nobody_costs_little_and_catches_up(factory: ConnectionFactory) -> None:
    async def scenario() -> None:
        async with (
            served(factory) as console,
            connected(console.port) as stalled,
            connected(console.port) as other,
        ):
            show(console, noise(640, 480))
            await stalled.until_shows(console.screen.pixels)
            await other.until_shows(console.screen.pixels)
            stalled.stop_reading()
            for seed in range(1, 40):  # 1.2 MB each: far more than all buffers hold
                show(console, noise(640, 480, seed))
                await other.until_shows(console.screen.pixels)
            waiting = [viewer.picture_figures.unsent_bytes for viewer in console.viewers]
            assert 0 < max(waiting) < 3_000_000
            stalled.read_again()
            await stalled.until_shows(console.screen.pixels)

    run(scenario)


def test_nothing_is_sent_to_a_minimized_window(factory: ConnectionFactory) -> None:
    async def scenario() -> None:
        async with served(factory) as console, connected(console.port) as client:
            show(console, noise(320, 200))
            await client.until_shows(console.screen.pixels)
            client.connection.suppress_output(True)
            client.flush()
            [viewer] = console.viewers
            await eventually(lambda: viewer.is_suppressed)
            client.bitmaps.clear()
            show(console, noise(320, 200, seed=1))
            await asyncio.sleep(0.05)
            assert client.bitmaps == []
            client.picture[...] = 0
            client.connection.suppress_output(False)
            client.flush()
            await client.until_shows(console.screen.pixels)

    run(scenario)


def test_a_lost_part_is_sent_again(factory: ConnectionFactory) -> None:
    async def scenario() -> None:
        async with served(factory) as console, connected(console.port) as client:
            show(console, noise(320, 200))
            await client.until_shows(console.screen.pixels)
            client.picture[40:50, 30:60] = 0
            client.bitmaps.clear()
            client.connection.request_refresh(Rect(30, 40, 30, 10))
            client.flush()
            await client.until_shows(console.screen.pixels)
            assert len(client.bitmaps) == 1
            assert client.bitmaps[0].width * client.bitmaps[0].height < 1000

    run(scenario)


def test_input_reaches_the_vm_and_is_let_go(factory: ConnectionFactory) -> None:
    async def scenario() -> None:
        sink = RecordingSink()
        async with served(factory) as console:
            console.start(object(), sink, None)
            async with connected(console.port) as client:
                await client.until(lambda: client.connection.is_active)
                client.connection.send_input(
                    [KeyboardEvent(KeyboardFlags(0), 0x1E), MouseEvent(PointerFlags.MOVE, 3, 4)]
                )
                client.flush()
                await eventually(lambda: sink.told == ["1e down", "to 3,4"])
                client.drop()
            await eventually(lambda: sink.told[2:] == ["1e up"])

    run(scenario)


def test_who_may_only_look_cannot_type(factory: ConnectionFactory) -> None:
    async def scenario() -> None:
        sink = RecordingSink()
        async with served(factory, settings=VmSettings(view_only=True)) as console:
            console.start(object(), sink, None)
            async with connected(console.port) as client:
                await client.until(lambda: client.connection.is_active)
                client.connection.send_input([KeyboardEvent(KeyboardFlags(0), 0x1E)])
                client.connection.request_refresh(Rect(0, 0, 10, 10))
                client.flush()
                client.bitmaps.clear()
                await client.until(lambda: bool(client.bitmaps))
            assert sink.told == []

    run(scenario)


def test_one_viewer_too_many_is_told_so(factory: ConnectionFactory) -> None:
    async def scenario() -> None:
        limits = replace(LIMITS, viewers_per_vm=1)
        async with served(factory, limits) as console, connected(console.port) as first:
            await first.until(lambda: first.connection.is_active)
            async with connected(console.port) as second:
                await second.until(lambda: second.is_closed)
                assert second.error_info == ErrorInfo.SERVER_DENIED_CONNECTION
            assert len(console.viewers) == 1
            assert not first.is_closed

    run(scenario)


def test_frames_keep_their_distance(factory: ConnectionFactory) -> None:
    """Changes that come faster than the frame rate share a frame."""

    async def scenario() -> None:
        limits = replace(LIMITS, frames_per_second=5)
        async with served(factory, limits) as console, connected(console.port) as client:
            show(console, noise(64, 64))
            await client.until_shows(console.screen.pixels)
            client.bitmaps.clear()
            for seed in range(1, 30):
                show(console, noise(64, 64, seed))
                await asyncio.sleep(0.001)
            await client.until_shows(console.screen.pixels)
            assert len(client.bitmaps) <= 3

    run(scenario)


def test_the_first_picture_is_the_size_of_the_screen(factory: ConnectionFactory) -> None:
    async def scenario() -> None:
        async with served(factory) as console:
            show(console, noise(123, 45))
            async with connected(console.port) as client:
                await client.until(lambda: same_colors(client.picture, console.screen.pixels))
                assert [(event.width, event.height) for event in client.seen(Activated)] == [(123, 45)]

    run(scenario)


# -- pointer, lock keys, size --------------------------------------------------------------------------


def shape(number: int, side: int = 16) -> Cursor:
    image = np.full((side, side, 4), (number, number, number, 255), np.uint8)
    return Cursor(image, 3, 4)


def pointers(client: RdpClient) -> list[object]:
    return [event.update for event in client.seen(PointerReceived)]


def test_the_vms_pointer_is_the_clients(factory: ConnectionFactory) -> None:
    async def scenario() -> None:
        async with served(factory) as console, connected(console.port) as client:
            show(console, noise(320, 200))
            await client.until_shows(console.screen.pixels)
            client.events.clear()
            for cursor in (shape(1), shape(2), shape(1), CursorState.HIDDEN, CursorState.DEFAULT):
                console.screen.set_cursor(cursor)
            await client.until(lambda: len(pointers(client)) == 5)
            first, second, again, hidden, default = pointers(client)
            assert isinstance(first, NewPointer)
            assert (first.shape.hot_x, first.shape.hot_y, first.shape.width) == (3, 4, 16)
            assert isinstance(second, NewPointer)
            assert again == CachedPointer(first.shape.cache_index)
            assert hidden == SystemPointer(SystemPointerType.NULL)
            assert default == SystemPointer(SystemPointerType.DEFAULT)

    run(scenario)


@pytest.mark.parametrize(
    ("setting", "seen"),
    [
        ("hidden", SystemPointer(SystemPointerType.NULL)),
        ("arrow", SystemPointer(SystemPointerType.DEFAULT)),
        ("dot", NewPointer),
    ],
)
def test_until_the_vm_gives_its_pointer_a_shape_there_is_no_second_one(
    factory: ConnectionFactory, setting: str, seen: object
) -> None:
    """A guest that draws its own would have two; what is seen is a setting. Over a card it is the arrow."""

    async def scenario() -> None:
        pointer = InputSettings(pointer=setting)
        async with served(factory, input=pointer) as console, connected(console.port) as client:
            console.start(object(), RecordingSink(), None)
            await client.until(lambda: client.connection.is_active)
            await client.until(lambda: bool(pointers(client)))
            assert pointers(client)[-1] == SystemPointer(SystemPointerType.DEFAULT)
            show(console, noise(320, 200))
            await client.until_shows(console.screen.pixels)
            last = pointers(client)[-1]
            assert last == seen or type(last) is seen
            console.screen.set_cursor(shape(1))
            await client.until(lambda: getattr(pointers(client)[-1], "shape", None) is not None)
            console.start(object(), RecordingSink(), None)
            show(console, noise(320, 200, 2))
            await client.until_shows(console.screen.pixels)
            assert console.display.cursor == UNDEFINED_POINTERS[setting], "the next VM has to tell again"

    run(scenario)


def test_a_reload_may_change_what_is_seen_of_a_pointer_without_a_shape(factory: ConnectionFactory) -> None:
    async def scenario() -> None:
        async with served(factory) as console, connected(console.port) as client:
            console.start(object(), RecordingSink(), None)
            show(console, noise(320, 200))
            await client.until_shows(console.screen.pixels)
            console.configure(Config(limits=LIMITS, input=InputSettings(pointer="arrow")))
            arrow = SystemPointer(SystemPointerType.DEFAULT)
            await client.until(lambda: pointers(client)[-1] == arrow)

    run(scenario)


def test_the_pointer_comes_again_with_a_new_size(factory: ConnectionFactory) -> None:
    async def scenario() -> None:
        async with served(factory) as console, connected(console.port) as client:
            show(console, noise(320, 200))
            console.screen.set_cursor(shape(1))
            await client.until_shows(console.screen.pixels)
            client.events.clear()
            show(console, noise(400, 300))
            await client.until_shows(console.screen.pixels)
            kinds = [type(update) for update in pointers(client)]
            assert kinds == [NewPointer]

    run(scenario)


def test_slow_path_clients_have_pointers_too(factory: ConnectionFactory) -> None:
    async def scenario() -> None:
        async with served(factory) as console, connected(console.port, fast_path=False) as client:
            show(console, noise(320, 200))
            console.screen.set_cursor(shape(1, side=200))
            await client.until_shows(console.screen.pixels)
            [new] = [update for update in pointers(client) if isinstance(update, NewPointer)]
            assert new.shape.width <= 96

    run(scenario)


def test_a_guest_with_a_mouse_moves_the_pointer_of_who_keeps_still(factory: ConnectionFactory) -> None:
    async def scenario() -> None:
        sink = RecordingSink()
        async with served(factory) as console, connected(console.port) as client:
            console.start(object(), sink, None)
            show(console, noise(320, 200))
            await client.until_shows(console.screen.pixels)
            console.screen.move_cursor(1, 1)  # the guest has a tablet: nothing of interest
            console.set_pointer_mode(is_absolute=False)
            console.screen.move_cursor(30, 40)
            await client.until(lambda: PointerPosition(30, 40) in pointers(client))
            client.connection.send_input([MouseEvent(PointerFlags.MOVE, 30, 40)])  # as clients do then
            client.connection.send_input([MouseEvent(PointerFlags.MOVE, 35, 38)])
            client.flush()
            await eventually(lambda: sink.told == ["by 5,-2"])
            console.screen.move_cursor(33, 39)
            console.screen.move_cursor(34, 39)
            assert PointerPosition(33, 39) not in pointers(client)
            await client.until(lambda: PointerPosition(34, 39) in pointers(client))
            assert len([update for update in pointers(client) if isinstance(update, PointerPosition)]) == 2

    run(scenario)


class Received(NullTracer):
    """Everything that a connection has received."""

    def __init__(self) -> None:
        self.pdus: list[object] = []

    def received(self, phase: str, pdu: object) -> None:
        self.pdus.append(pdu)


def test_lock_keys_follow_the_guest(factory: ConnectionFactory) -> None:
    async def scenario() -> None:
        first, late = Received(), Received()
        async with served(factory) as console, connected(console.port, tracer=first) as client:
            console.start(object(), RecordingSink(), None)
            await client.until(lambda: client.connection.is_active)
            await eventually(lambda: len(console.viewers) == 1)
            console.set_leds(LedFlags.CAPS_LOCK)
            caps = SetKeyboardIndicators(LedFlags.CAPS_LOCK)
            await eventually(lambda: caps in first.pdus)
            async with connected(console.port, tracer=late):
                await eventually(lambda: caps in late.pdus)

    run(scenario)


class ResizableSink(RecordingSink):
    def request_size(self, width: int, height: int, scale: int = 100) -> None:
        self.told.append(f"size {width}x{height}" + (f" at {scale} %" if scale != 100 else ""))


def test_who_looks_alone_may_have_the_size_that_fits(factory: ConnectionFactory) -> None:
    async def scenario() -> None:
        sink = ResizableSink()
        async with served(factory) as console:
            console.start(object(), sink, None)
            async with connected(console.port, width=1111, height=777):
                await eventually(lambda: sink.told == ["size 1111x777"])
                async with connected(console.port, width=1000, height=700) as second:
                    await second.until(lambda: bool(second.bitmaps))
            assert sink.told == ["size 1111x777"]

    run(scenario)


def sized(client: RdpClient) -> bool:
    """It may ask for a size."""
    return client.connection.is_active and bool(client.seen(DisplayControlReady))


def ask(client: RdpClient, *sizes: tuple[int, int], scale: int = 100) -> None:
    for width, height in sizes:
        client.connection.request_desktop_size(width, height, scale)
    client.flush()


def test_a_window_that_changes_its_size_changes_the_vms(factory: ConnectionFactory) -> None:
    async def scenario() -> None:
        sink = ResizableSink()
        async with served(factory) as console:
            console.start(object(), sink, None)
            async with connected(console.port, dynamic_channels=(DISPLAY_CONTROL,)) as client:
                await client.until(lambda: sized(client))
                await eventually(lambda: sink.take() == ["size 1024x768"])
                ask(client, *[(1000 + step, 700) for step in range(20)])
                ask(client, (1281, 720), scale=150)
                await eventually(lambda: bool(sink.told))
                assert sink.told == ["size 1280x720 at 150 %"]
                show(console, noise(1280, 720))
                await client.until_shows(console.screen.pixels)

    run(scenario)


def test_among_several_nobody_decides_about_the_size(factory: ConnectionFactory) -> None:
    async def scenario() -> None:
        sink = ResizableSink()
        async with served(factory) as console:
            console.start(object(), sink, None)
            async with (
                connected(console.port, dynamic_channels=(DISPLAY_CONTROL,)) as first,
                connected(console.port, dynamic_channels=(DISPLAY_CONTROL,)) as second,
            ):
                await first.until(lambda: sized(first))
                await second.until(lambda: sized(second))
                await eventually(lambda: len(console.viewers) == 2)
                sink.take()
                ask(first, (800, 600))
                await settled(console, (800, 600))
                assert sink.told == []

    run(scenario)


def test_a_window_that_follows_the_vm_asks_for_nothing(factory: ConnectionFactory) -> None:
    """xfreerdp says so of every change, with even sides."""

    async def scenario() -> None:
        sink = ResizableSink()
        async with served(factory) as console:
            console.start(object(), sink, None)
            async with connected(console.port, dynamic_channels=(DISPLAY_CONTROL,)) as client:
                await client.until(lambda: sized(client))
                await eventually(lambda: sink.take() == ["size 1024x768"])
                show(console, noise(1024, 768))
                show(console, noise(641, 481))
                await client.until_shows(console.screen.pixels)
                ask(client, (640, 480))
                await settled(console, (640, 480))
                assert sink.told == []
                ask(client, (1024, 768))
                await eventually(lambda: sink.take() == ["size 1024x768"])
                show(console, noise(1024, 768))
                await client.until_shows(console.screen.pixels)
                ask(client, (1024, 767))
                await settled(console, (1024, 767))
                ask(client, (1024, 768), scale=150)
                await eventually(lambda: bool(sink.told))
                assert sink.told == ["size 1024x768 at 150 %"]

    run(scenario)


async def settled(console: Console, size: tuple[int, int]) -> None:
    """Until what some viewer has asked for has settled."""
    await eventually(
        lambda: any(
            isinstance(one, Viewer) and one.desktop.monitors[0].area[2:] == size for one in console.viewers
        )
    )


def test_who_has_the_turn_decides_about_the_size(factory: ConnectionFactory) -> None:
    async def scenario() -> None:
        sink = ResizableSink()
        settings = replace(SETTINGS, typists=ONE_AT_A_TIME)
        async with served(factory, settings=settings) as console:
            console.start(object(), sink, None)
            async with (
                connected(console.port, dynamic_channels=(DISPLAY_CONTROL,)) as first,
                connected(console.port, dynamic_channels=(DISPLAY_CONTROL,)) as second,
            ):
                await first.until(lambda: sized(first))
                await second.until(lambda: sized(second))
                await eventually(lambda: len(console.viewers) == 2)
                sink.take()
                second.connection.send_input([KeyboardEvent(KeyboardFlags(0), 0x1E)])
                second.flush()
                await eventually(lambda: bool(sink.take()))
                ask(first, (800, 600))
                ask(second, (1000, 700))
                await settled(console, (800, 600))
                await settled(console, (1000, 700))
                assert sink.told == ["size 1000x700"]

    run(scenario)


def test_what_a_client_says_is_cut_short_in_the_log(
    factory: ConnectionFactory, caplog: pytest.LogCaptureFixture
) -> None:
    async def scenario() -> None:
        async with served(factory) as console, connected(console.port) as client:
            await client.until(lambda: client.connection.is_active)
            [viewer] = console.viewers
            assert isinstance(viewer, Viewer)
            viewer._on_event(Disconnected("one\ntwo" + 1000 * "x", by_peer=False, error=None))

    with caplog.at_level(logging.INFO):
        run(scenario)
    [line] = [record.getMessage() for record in caplog.records if "one?two" in record.getMessage()]
    assert len(line) < 500
