"""Breakages 10 to 12: nothing of a desktop but between its activation and its deactivation."""

import asyncio

import pytest

from pyrdpmux.geometry import Rect
from pyrdpmux.mux.admission.connection_factory import ConnectionFactory
from pyrdpmux.rdp.channels.graphics.frames import FrameAcknowledge
from pyrdpmux.rdp.channels.graphics.header import CHANNEL_NAME as GRAPHICS
from pyrdpmux.rdp.channels.graphics.surfaces import ResetGraphics
from pyrdpmux.rdp.connection.events import (
    Activated,
    Deactivated,
    Disconnected,
    Event,
    GraphicsCommandsReceived,
    GraphicsReceived,
    InputReceived,
    OutputSuppressed,
)
from pyrdpmux.rdp.pdu.display import FrameAcknowledge as ShareFrameAcknowledge
from pyrdpmux.rdp.pdu.input import KeyboardEvent, KeyboardFlags
from pyrdpmux.rdp.pdu.update import BitmapUpdate
from pyrdpmux.wire import encode
from tests.breakages.scene import CHANNELS, Witness, witness
from tests.mux.serving import noise, run, served, show
from tests.pair.linked import Linked, client_config, server_config

PICTURES = (GraphicsReceived, GraphicsCommandsReceived)
SIZES = [(640, 480), (200, 100), (641, 479), (640, 480)]


def _sizes_of_pictures(event: Event) -> list[tuple[int, int]]:
    """That say for how large a desktop they are."""
    if isinstance(event, GraphicsCommandsReceived):
        return [(pdu.width, pdu.height) for pdu in event.pdus if isinstance(pdu, ResetGraphics)]
    return []


def _check_order(client: Witness) -> None:
    """INVARIANT: what is drawn is drawn while Active, and of the size of that activation."""
    size: tuple[int, int] | None = None
    for event in client.noted:
        match event:
            case Activated(width, height):
                size = (width, height)
            case Deactivated():
                size = None
            case GraphicsReceived(BitmapUpdate(rectangles)):
                assert size is not None
                assert all(item.right < size[0] and item.bottom < size[1] for item in rectangles)
            case GraphicsReceived() | GraphicsCommandsReceived():
                assert size is not None
                assert all(found == size for found in _sizes_of_pictures(event))


@pytest.mark.parametrize("channels", [CHANNELS, ()], ids=["pipeline", "bitmaps"])
def test_what_is_under_way_when_a_resize_begins_is_dropped(
    factory: ConnectionFactory, channels: tuple[str, ...]
) -> None:
    """Breakages 10 and 11: while frames are made all the time, and wherever in them the desktop changes."""

    async def scenario() -> None:
        async with (
            served(factory) as console,
            witness(console.port, dynamic_channels=channels or None) as client,
        ):
            await client.until_active()
            for turn in range(3):
                for number, size in enumerate(SIZES):
                    show(console, noise(*size, number))
                    for seed in range(5):
                        console.screen.write(Rect(0, 0, *size), noise(*size, seed))
                        await asyncio.sleep(0.002 * (1 + turn * number))
            await client.until(lambda: client.shows(console), what="the last picture")
            _check_order(client)
            assert len(client.seen(Activated)) > 3
            assert any(isinstance(event, PICTURES) for event in client.noted)

    run(scenario)


def test_what_a_client_says_between_deactivation_and_activation_is_tolerated() -> None:
    """Breakage 12: it has not heard yet that it is deactivated; what its user did counts."""
    pair = Linked(server_config(channels=CHANNELS), client_config(dynamic_channels=CHANNELS)).run()
    pair.server.set_desktop_size(640, 480, pair.now)
    assert not pair.server.is_active
    assert pair.client.is_active
    pair.client.send_input([KeyboardEvent(KeyboardFlags(0), 0x1E)])
    pair.client.request_refresh(Rect(0, 0, 100, 100))
    pair.client.suppress_output(True)
    pair.client.suppress_output(False)
    pair.client.send_share_data(ShareFrameAcknowledge(7))
    pair.client.send_channel_data(GRAPHICS, encode(FrameAcknowledge(7, 0, 1)))
    pair.run()
    assert pair.server.is_active
    assert pair.server_saw(Disconnected) == []
    assert [event.events for event in pair.server_saw(InputReceived)] == [
        (KeyboardEvent(KeyboardFlags(0), 0x1E),)
    ]
    assert pair.server_saw(OutputSuppressed) == [OutputSuppressed(True), OutputSuppressed(False)]
    assert pair.server_saw(Activated)[-1] == Activated(640, 480, 32, is_reactivation=True)
