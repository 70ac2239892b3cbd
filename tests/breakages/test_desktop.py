"""Breakages 25 to 28: sizes, minimized windows, wheels and relative motion."""

import pytest

from pyrdpmux.mux.admission.connection_factory import ConnectionFactory
from pyrdpmux.mux.input.wheel import WheelClicks
from pyrdpmux.mux.picture.cursor import DOT, AnyCursor, CursorState
from pyrdpmux.rdp.channels.display_control.pdu import CHANNEL_NAME as DISPLAY_CONTROL
from pyrdpmux.rdp.channels.display_control.pdu import Monitor, MonitorLayout
from pyrdpmux.rdp.channels.static import ChannelPdu
from pyrdpmux.rdp.connection.events import DisplayControlReady, PointerReceived
from pyrdpmux.rdp.connection.trace import ListTracer
from pyrdpmux.rdp.pdu.capabilities import find_capability
from pyrdpmux.rdp.pdu.capabilities.input import InputCapability, InputFlags
from pyrdpmux.rdp.pdu.input import MouseEvent, PointerFlags, RelativeMouseEvent, RelativePointerFlags
from pyrdpmux.rdp.pdu.pointer import SystemPointer, SystemPointerType
from pyrdpmux.wire import encode
from tests.breakages.scene import CHANNELS, sizes, witness
from tests.mux.console.test_viewer import ResizableSink
from tests.mux.rdp_client import eventually
from tests.mux.recording_sink import RecordingSink
from tests.mux.serving import noise, run, served, show
from tests.pair.linked import Linked, client_config, server_config


def test_an_odd_width_is_rounded_to_an_even_one(factory: ConnectionFactory) -> None:
    """Breakage 25: a client that asks for one gets what it can have."""

    async def scenario() -> None:
        sink = ResizableSink()
        async with served(factory) as console, witness(console.port) as client:
            await client.until(lambda: client.is_active and bool(client.seen(DisplayControlReady)))
            console.start(object(), sink, None)
            layout = MonitorLayout((Monitor(width=1283, height=721),))
            client.connection.send_channel_data(DISPLAY_CONTROL, encode(layout))
            client.flush()
            await eventually(lambda: sink.told == ["size 1282x721"])
            show(console, noise(1282, 721))
            await client.until(lambda: client.shows(console), what="the picture")
            assert sizes(client)[-1] == (1282, 721)
            show(console, noise(641, 480))
            await client.until(lambda: client.shows(console), what="a VM's own odd size")

    run(scenario)


def test_display_controls_first_message_has_its_header() -> None:
    """Breakage 25: type and length, then the three fields."""
    tracer = ListTracer()
    pair = Linked(
        server_config(channels=CHANNELS, tracer=tracer), client_config(dynamic_channels=CHANNELS)
    ).run()
    assert pair.client_saw(DisplayControlReady)
    header = bytes.fromhex("05000000 14000000")
    [message] = [
        pdu.data
        for way, _phase, pdu in tracer.entries
        if way == ">" and isinstance(pdu, ChannelPdu) and header in pdu.data
    ]
    assert len(message) - message.index(header) == 20


@pytest.mark.parametrize("channels", [CHANNELS, ()], ids=["pipeline", "bitmaps"])
def test_a_window_that_is_shown_again_has_its_picture_at_once(
    factory: ConnectionFactory, channels: tuple[str, ...]
) -> None:
    """Breakage 26: also where the desktop has changed its size meanwhile."""

    async def scenario() -> None:
        async with (
            served(factory) as console,
            witness(console.port, dynamic_channels=channels or None) as client,
        ):
            for size in ((200, 100), (200, 100), (300, 120)):
                show(console, noise(*size))
                await client.until(lambda: client.shows(console), what="the picture")
                client.connection.suppress_output(True)
                client.flush()
                await eventually(lambda: not console.is_watched)
                show(console, noise(size[0] + 2, size[1], 1))
                width = size[0] + 2
                await client.until(lambda width=width: client.is_active and sizes(client)[-1][0] == width)  # type: ignore[misc]
                client.connection.suppress_output(False)
                client.flush()
                await client.until(lambda: client.shows(console), within=2.0, what="the picture again")

    run(scenario)


def test_a_wheel_turns_where_the_pointer_is(factory: ConnectionFactory) -> None:
    """Breakage 27: its events come with position (0, 0), in small steps that add up."""

    async def scenario() -> None:
        sink = RecordingSink()
        async with served(factory) as console, witness(console.port) as client:
            await client.until_active()
            console.start(object(), sink, None)
            client.connection.send_input([MouseEvent(PointerFlags.MOVE, 31, 42)])
            for step in (1, 22, 22, 22, 22, 22, 9):
                client.connection.send_input([MouseEvent(PointerFlags.WHEEL | PointerFlags(step), 0, 0)])
            client.connection.send_input([MouseEvent(PointerFlags.DOWN | PointerFlags.BUTTON1, 32, 43)])
            client.flush()
            await eventually(lambda: "LEFT down 32,43" in sink.told)
            turned = [told.split() for told in sink.told if told.startswith("wheel")]
            assert {where for _, _, where in turned} == {"31,42"}
            assert sum(int(rotation) for _, rotation, _ in turned) == 120
            wheel = WheelClicks()
            assert sum(wheel.turn(int(rotation), horizontal=False) for _, rotation, _ in turned) == 1

    run(scenario)


def test_relative_motion_where_the_pointer_is_hidden(factory: ConnectionFactory) -> None:
    """Breakage 28.

    QUIRK(mstsc, Windows 11 24H2): sends relative motion only while the server has hidden the pointer. So
    it is announced, a hidden pointer is told, and either kind of motion is taken at any time.
    """

    async def scenario() -> None:
        sink = RecordingSink()
        async with served(factory) as console, witness(console.port) as client:
            show(console, noise(200, 100))
            await client.until(lambda: client.shows(console), what="the picture")
            console.start(object(), sink, None)
            show(console, noise(200, 100, 1))
            announced = find_capability(client.connection.facts.capabilities, InputCapability)
            assert announced is not None
            assert announced.input_flags & InputFlags.MOUSE_RELATIVE
            cursors: list[AnyCursor] = [DOT, CursorState.HIDDEN, CursorState.DEFAULT]
            for cursor in cursors:
                client.events.clear()
                console.screen.set_cursor(cursor)
                await client.until(lambda: bool(client.seen(PointerReceived)), what="the pointer")
                told = client.seen(PointerReceived)[-1].update
                is_hidden = told == SystemPointer(SystemPointerType.NULL)
                assert is_hidden is (cursor is CursorState.HIDDEN)
                sink.told.clear()
                if is_hidden:
                    motion = RelativeMouseEvent(RelativePointerFlags.MOVE, 5, -3)
                    client.connection.send_input([motion, motion])
                else:
                    client.connection.send_input([MouseEvent(PointerFlags.MOVE, 50, 40)])
                client.flush()
                wanted = ["by 5,-3"] * 2 if is_hidden else ["to 50,40"]
                await eventually(lambda wanted=wanted: sink.told == wanted)  # type: ignore[misc]

    run(scenario)
