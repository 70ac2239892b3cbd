"""Clients with several monitors before VMs with several heads, over real sockets."""

from collections.abc import Sequence

import numpy as np
import pytest

from pyrdpmux.geometry import Rect
from pyrdpmux.mux.admission.connection_factory import ConnectionFactory
from pyrdpmux.mux.console.console import Console
from pyrdpmux.mux.picture.heads import Composite, Monitor
from pyrdpmux.rdp.channels.display_control.layout import DesktopMonitor
from pyrdpmux.rdp.channels.display_control.pdu import CHANNEL_NAME as DISPLAY_CONTROL
from pyrdpmux.rdp.channels.display_control.pdu import Monitor as WireMonitor
from pyrdpmux.rdp.channels.display_control.pdu import MonitorFlags as WireFlags
from pyrdpmux.rdp.channels.graphics.header import CHANNEL_NAME as GRAPHICS
from pyrdpmux.rdp.connection.events import Activated, DisplayControlReady
from pyrdpmux.rdp.mcs.client_data import MonitorDefinition, MonitorFlags
from tests.mux.rdp_client import RdpClient, connected, eventually
from tests.mux.recording_sink import RecordingSink
from tests.mux.serving import noise, run, served

MAIN = DesktopMonitor(0, 0, 400, 300, True, desktop_scale=150, device_scale=140)
LEFT = DesktopMonitor(-320, 60, 320, 240, False)
HEADS = (Rect(320, 0, 400, 300), Rect(0, 60, 320, 240))
WAYS = pytest.mark.parametrize("channels", [(DISPLAY_CONTROL,), (DISPLAY_CONTROL, GRAPHICS)])


class Heads:
    """What the VM shows: noise on each head, and nothing between them."""

    def __init__(self, console: Console, heads: tuple[Rect, ...] = HEADS, seed: int = 0) -> None:
        self.console = console
        self.composite = Composite(heads)
        for number in range(len(heads)):
            self.paint(number, seed + number)
        console.screen.adopt(self.composite.surface, heads)

    def paint(self, number: int, seed: int) -> None:
        area = self.composite.heads[number]
        self.composite.surface.write(area, noise(area.width, area.height, seed))
        if self.console.screen.surface is self.composite.surface:
            self.console.screen.tell_changed()

    async def until_shown(self, client: RdpClient) -> None:
        await client.until_shows(self.composite.surface.pixels)


class HeadsSink(RecordingSink):
    max_monitors = 3

    def request_monitors(self, monitors: Sequence[Monitor]) -> None:
        self.told.append("; ".join(map(str, monitors)))


def mapped(client: RdpClient) -> list[Rect]:
    graphics = client.renderer.graphics
    assert graphics is not None
    return [one.mapping.target for one in graphics.surfaces.values() if one.mapping is not None]


@WAYS
def test_a_client_with_as_many_monitors_gets_one_for_each_head(
    factory: ConnectionFactory, channels: tuple[str, ...]
) -> None:
    async def scenario() -> None:
        async with served(factory) as console:
            heads = Heads(console)
            async with connected(console.port, dynamic_channels=channels, monitors=(MAIN, LEFT)) as client:
                await heads.until_shown(client)
                assert client.monitors == (
                    MonitorDefinition(0, 0, 399, 299, MonitorFlags.PRIMARY),
                    MonitorDefinition(-320, 60, -1, 299),
                )
                if GRAPHICS in channels:
                    assert mapped(client) == list(HEADS)
                heads.paint(1, 7)
                await heads.until_shown(client)

    run(scenario)


@WAYS
def test_one_with_fewer_sees_all_of_them_in_one_desktop(
    factory: ConnectionFactory, channels: tuple[str, ...]
) -> None:
    async def scenario() -> None:
        async with served(factory) as console:
            heads = Heads(console)
            async with connected(console.port, dynamic_channels=channels) as client:
                await heads.until_shown(client)
                assert client.monitors == (MonitorDefinition(0, 0, 719, 299, MonitorFlags.PRIMARY),)
                if GRAPHICS in channels:
                    assert mapped(client) == [Rect(0, 0, 720, 300)]

    run(scenario)


@WAYS
def test_one_with_more_gets_what_there_is(factory: ConnectionFactory, channels: tuple[str, ...]) -> None:
    async def scenario() -> None:
        async with served(factory) as console:
            heads = Heads(console)
            more = (MAIN, LEFT, DesktopMonitor(400, 0, 200, 200, False))
            async with connected(console.port, dynamic_channels=channels, monitors=more) as client:
                await heads.until_shown(client)
                assert len(client.monitors) == 2

    run(scenario)


@WAYS
def test_heads_come_and_go(factory: ConnectionFactory, channels: tuple[str, ...]) -> None:
    async def scenario() -> None:
        async with served(factory) as console:
            one = Heads(console, (Rect(0, 0, 400, 300),))
            async with connected(console.port, dynamic_channels=channels, monitors=(MAIN, LEFT)) as client:
                await one.until_shown(client)
                assert len(client.monitors) == 1
                two = Heads(console, seed=3)
                await two.until_shown(client)
                assert len(client.monitors) == 2
                # Of the same size, with the monitors the other way round.
                swapped = Heads(console, (Rect(0, 0, 400, 300), Rect(400, 60, 320, 240)), seed=5)
                await swapped.until_shown(client)
                assert client.monitors[1] == MonitorDefinition(400, 60, 719, 299)
                console.screen.resize(500, 400)
                console.screen.write(Rect(0, 0, 500, 400), picture := noise(500, 400))
                await client.until_shows(picture)
                assert len(client.monitors) == 1

    run(scenario)


def test_viewers_of_both_kinds_look_at_the_same(factory: ConnectionFactory) -> None:
    async def scenario() -> None:
        channels = (DISPLAY_CONTROL, GRAPHICS)
        async with served(factory) as console:
            heads = Heads(console)
            async with (
                connected(console.port, dynamic_channels=channels, monitors=(MAIN, LEFT)) as first,
                connected(console.port, dynamic_channels=channels, monitors=(MAIN, LEFT)) as second,
                connected(console.port, dynamic_channels=channels) as third,
            ):
                for client in (first, second, third):
                    await heads.until_shown(client)
                # Those that are alike share a stream, and so the surfaces of the first.
                for seed in range(10, 500):
                    heads.paint(seed % 2, seed)
                    for client in (first, second, third):
                        await heads.until_shown(client)
                    if len(console.figures.streams) == 2:
                        break
                assert sorted(stream.viewers for stream in console.figures.streams) == [1, 2]
                heads.paint(0, 1)
                for client in (first, second, third):
                    await heads.until_shown(client)

    run(scenario)


def test_a_vm_that_can_is_asked_for_the_clients_monitors(factory: ConnectionFactory) -> None:
    async def scenario() -> None:
        sink = HeadsSink()
        async with served(factory) as console:
            console.start(object(), sink, None)
            async with connected(
                console.port, dynamic_channels=(DISPLAY_CONTROL,), monitors=(LEFT, MAIN)
            ) as client:
                await eventually(lambda: sink.told == ["400x300+0+0 at 150 %; 320x240-320+60 at 100 %"])
                await client.until(lambda: bool(client.seen(DisplayControlReady)))
                sink.take()
                other = WireMonitor(width=640, height=400, desktop_scale_factor=200)
                right = WireMonitor(width=320, height=240, left=640, flags=WireFlags(0))
                client.connection.request_layout([right, other])
                client.flush()
                await eventually(lambda: sink.told == ["640x400+0+0 at 200 %; 320x240+640+0 at 100 %"])

    run(scenario)


def test_a_client_that_gets_another_monitor(factory: ConnectionFactory) -> None:
    """As soon as it has two, the heads that there have been all the time are those."""

    async def scenario() -> None:
        sink = HeadsSink()
        async with served(factory) as console:
            console.start(object(), sink, None)
            heads = Heads(console)
            async with connected(
                console.port, dynamic_channels=(DISPLAY_CONTROL, GRAPHICS), width=720, height=300
            ) as client:
                await heads.until_shown(client)
                await client.until(lambda: bool(client.seen(DisplayControlReady)))
                left = WireMonitor(width=320, height=240, left=-320, top=60, flags=WireFlags(0))
                client.connection.request_layout([WireMonitor(width=400, height=300), left])
                client.flush()
                await client.until(lambda: len(client.monitors) == 2)
                await client.until(lambda: len(client.seen(Activated)) == 2)
                heads.paint(0, 9)
                await heads.until_shown(client)
                assert mapped(client) == list(HEADS)
                assert sink.told == [], "it is as the client wants it"

    run(scenario)


def test_more_than_fits_a_desktop_is_not_asked_for(factory: ConnectionFactory) -> None:
    async def scenario() -> None:
        sink = HeadsSink()
        wide = [DesktopMonitor(6000 * at, 0, 6000, 2000, at == 0) for at in (0, 1)]
        async with served(factory) as console:
            console.start(object(), sink, None)
            async with connected(console.port, monitors=tuple(wide)):
                await eventually(lambda: sink.told == ["6000x2000+0+0 at 100 %"])

    run(scenario)


def test_a_vm_with_fewer_displays_is_asked_for_the_main_ones(factory: ConnectionFactory) -> None:
    async def scenario() -> None:
        sink = HeadsSink()
        more = [MAIN, LEFT, *[DesktopMonitor(400 + 200 * at, 0, 200, 200, False) for at in range(4)]]
        async with served(factory) as console:
            console.start(object(), sink, None)
            async with connected(console.port, monitors=tuple(more)):
                await eventually(lambda: bool(sink.told))
                assert len(sink.told[0].split(";")) == 3

    run(scenario)


def test_pixels_outside_of_heads_are_black(factory: ConnectionFactory) -> None:
    async def scenario() -> None:
        async with served(factory) as console:
            heads = Heads(console)
            async with connected(console.port, dynamic_channels=(GRAPHICS,), monitors=(MAIN, LEFT)) as client:
                await heads.until_shown(client)
                assert not np.any(client.picture[:60, :320, :3])

    run(scenario)
