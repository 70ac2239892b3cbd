"""Viewers over real sockets: each test talks to a console with real client connections."""

import asyncio
from dataclasses import replace

import pytest

from pyrdpmux.codec.color import reduce_and_expand
from pyrdpmux.mux.config import VmSettings
from pyrdpmux.mux.doorkeeper import Doorkeeper
from pyrdpmux.mux.region import Rect
from pyrdpmux.rdp.connection.events import Activated
from pyrdpmux.rdp.pdu.error_info import ErrorInfo
from pyrdpmux.rdp.pdu.input import KeyboardEvent, KeyboardFlags, MouseEvent, PointerFlags
from tests.mux.rdp_client import connected, eventually, same_colors
from tests.mux.recording_sink import RecordingSink
from tests.mux.serving import LIMITS, noise, run, served, show


@pytest.mark.parametrize("depth", [8, 15, 16, 24, 32])
def test_a_viewer_sees_the_screen_and_its_changes(doorkeeper: Doorkeeper, depth: int) -> None:
    picture = noise(201, 99)

    async def scenario() -> None:
        async with served(doorkeeper) as console, connected(console.port, bits_per_pixel=depth) as client:
            show(console, picture)
            await client.until_shows(reduce_and_expand(picture, depth))
            console.screen.write(Rect(70, 60, 5, 9), noise(5, 9, seed=1))
            await client.until_shows(reduce_and_expand(console.screen.pixels, depth))

    run(scenario)


def test_a_change_is_sent_as_what_changed(doorkeeper: Doorkeeper) -> None:
    async def scenario() -> None:
        async with served(doorkeeper) as console, connected(console.port) as client:
            show(console, noise(640, 480))
            await client.until_shows(console.screen.pixels)
            client.bitmaps.clear()
            console.screen.write(Rect(100, 100, 8, 8), noise(8, 8, seed=1))
            await client.until_shows(console.screen.pixels)
            assert [(b.left, b.top, b.right, b.bottom) for b in client.bitmaps] == [(100, 100, 107, 107)]

    run(scenario)


def test_a_resize_reaches_every_viewer(doorkeeper: Doorkeeper) -> None:
    async def scenario() -> None:
        async with (
            served(doorkeeper) as console,
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


def test_a_stalled_viewer_delays_nobody_costs_little_and_catches_up(doorkeeper: Doorkeeper) -> None:
    async def scenario() -> None:
        async with (
            served(doorkeeper) as console,
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
            waiting = [viewer.unsent_bytes for viewer in console.viewers]
            assert 0 < max(waiting) < 3_000_000
            behind = sum(viewer.pending_pixels for viewer in console.viewers)
            assert behind <= 640 * 480
            stalled.read_again()
            await stalled.until_shows(console.screen.pixels)

    run(scenario)


def test_nothing_is_sent_to_a_minimized_window(doorkeeper: Doorkeeper) -> None:
    async def scenario() -> None:
        async with served(doorkeeper) as console, connected(console.port) as client:
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


def test_a_lost_part_is_sent_again(doorkeeper: Doorkeeper) -> None:
    async def scenario() -> None:
        async with served(doorkeeper) as console, connected(console.port) as client:
            show(console, noise(320, 200))
            await client.until_shows(console.screen.pixels)
            client.picture[40:50, 30:60] = 0
            client.bitmaps.clear()
            client.connection.request_refresh(30, 40, 59, 49)
            client.flush()
            await client.until_shows(console.screen.pixels)
            assert len(client.bitmaps) == 1
            assert client.bitmaps[0].width * client.bitmaps[0].height < 1000

    run(scenario)


def test_input_reaches_the_vm_and_is_let_go(doorkeeper: Doorkeeper) -> None:
    async def scenario() -> None:
        sink = RecordingSink()
        async with served(doorkeeper) as console:
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


def test_who_may_only_look_cannot_type(doorkeeper: Doorkeeper) -> None:
    async def scenario() -> None:
        sink = RecordingSink()
        async with served(doorkeeper, settings=VmSettings(view_only=True)) as console:
            console.start(object(), sink, None)
            async with connected(console.port) as client:
                await client.until(lambda: client.connection.is_active)
                client.connection.send_input([KeyboardEvent(KeyboardFlags(0), 0x1E)])
                client.connection.request_refresh(0, 0, 9, 9)
                client.flush()
                client.bitmaps.clear()
                await client.until(lambda: bool(client.bitmaps))
            assert sink.told == []

    run(scenario)


def test_one_viewer_too_many_is_told_so(doorkeeper: Doorkeeper) -> None:
    async def scenario() -> None:
        limits = replace(LIMITS, viewers_per_vm=1)
        async with served(doorkeeper, limits) as console, connected(console.port) as first:
            await first.until(lambda: first.connection.is_active)
            async with connected(console.port) as second:
                await second.until(lambda: second.is_closed)
                assert second.error_info == ErrorInfo.SERVER_DENIED_CONNECTION
            assert len(console.viewers) == 1
            assert not first.is_closed

    run(scenario)


def test_frames_keep_their_distance(doorkeeper: Doorkeeper) -> None:
    """Changes that come faster than the frame rate share a frame."""

    async def scenario() -> None:
        limits = replace(LIMITS, frames_per_second=5)
        async with served(doorkeeper, limits) as console, connected(console.port) as client:
            show(console, noise(64, 64))
            await client.until_shows(console.screen.pixels)
            client.bitmaps.clear()
            for seed in range(1, 30):
                show(console, noise(64, 64, seed))
                await asyncio.sleep(0.001)
            await client.until_shows(console.screen.pixels)
            assert len(client.bitmaps) <= 3

    run(scenario)


def test_the_first_picture_is_the_size_of_the_screen(doorkeeper: Doorkeeper) -> None:
    async def scenario() -> None:
        async with served(doorkeeper) as console:
            show(console, noise(123, 45))
            async with connected(console.port) as client:
                await client.until(lambda: same_colors(client.picture, console.screen.pixels))
                assert [(event.width, event.height) for event in client.seen(Activated)] == [(123, 45)]

    run(scenario)
