"""Breakages 14, 15, 17 and 20: clients without the graphics pipeline."""

import pytest

from pyrdpmux.codec.color import Pixels
from pyrdpmux.codec.rfx.headers import Context, Entropy, Sync
from pyrdpmux.codec.rfx.message import decode_messages
from pyrdpmux.mux.admission.connection_factory import ConnectionFactory
from pyrdpmux.rdp.connection.events import GraphicsReceived, PointerReceived
from pyrdpmux.rdp.fastpath.surface import SetSurfaceBits, SurfaceCommands
from pyrdpmux.rdp.pdu.activation import DemandActive
from pyrdpmux.rdp.pdu.capabilities.codecs import (
    CODEC_IMAGE_REMOTEFX,
    CODEC_NSCODEC,
    BitmapCodec,
    NsCodecProperties,
)
from pyrdpmux.rdp.pdu.capabilities.general import MultifragmentUpdateCapability
from pyrdpmux.rdp.pdu.capabilities.remotefx import (
    EntropyBits,
    RemoteFxClientCapabilities,
    RemoteFxIcap,
)
from pyrdpmux.rdp.pdu.update import BitmapUpdate
from pyrdpmux.wire import encode
from tests.breakages.scene import Witness, picture, witness
from tests.mux.serving import noise, run, served, show
from tests.pair.linked import Linked, client_config, server_config

REFUSED: int = 16_777_215
"""mstsc ends with a server that announces so much."""


def test_what_we_announce_for_large_updates_is_moderate() -> None:
    """Breakage 14."""
    tracer = server_config().tracer
    pair = Linked(server_config(tracer=tracer), client_config()).run()
    assert pair.server.is_active
    demanded = [pdu for _way, _phase, pdu in tracer.entries if isinstance(pdu, DemandActive)]  # type: ignore[attr-defined]
    [size] = [
        item.max_request_size
        for pdu in demanded
        for item in pdu.capabilities
        if isinstance(item, MultifragmentUpdateCapability)
    ]
    assert 608_299 <= size < REFUSED


@pytest.mark.parametrize("size", [0, 16_384, 65_535, 608_299, REFUSED, 0xFFFFFFFF])
def test_large_updates_are_split_to_what_the_client_takes(factory: ConnectionFactory, size: int) -> None:
    """Breakage 14: our client reassembles no more than it has announced, and ends the session."""

    async def scenario() -> None:
        async with (
            served(factory) as console,
            witness(console.port, dynamic_channels=None, max_request_size=size) as client,
        ):
            show(console, noise(300, 200))
            await client.until(lambda: client.shows(console), what="the picture")

    run(scenario)


@pytest.mark.parametrize("is_fast", [True, False])
def test_one_rectangle_in_each_bitmap_update(factory: ConnectionFactory, is_fast: bool) -> None:
    """Breakage 15."""

    async def scenario() -> None:
        async with (
            served(factory) as console,
            witness(console.port, dynamic_channels=None, fast_path=is_fast) as client,
        ):
            show(console, noise(300, 200))
            await client.until(lambda: client.shows(console), what="the picture")
            updates = [
                event.update.rectangles
                for event in client.noted
                if isinstance(event, GraphicsReceived) and isinstance(event.update, BitmapUpdate)
            ]
            assert len(updates) >= 20
            assert all(len(rectangles) == 1 for rectangles in updates)

    run(scenario)


def _surface_bits(client: Witness) -> list[SetSurfaceBits]:
    found = [event.update for event in client.noted if isinstance(event, GraphicsReceived | PointerReceived)]
    commands = [
        command for update in found if isinstance(update, SurfaceCommands) for command in update.commands
    ]
    return [command for command in commands if isinstance(command, SetSurfaceBits)]


async def _plays(client: Witness, pictures: list[Pixels], console: object) -> None:
    for item in pictures:
        show(console, item)  # type: ignore[arg-type]
        await client.until_near(item)


@pytest.mark.parametrize("entropy", [EntropyBits.RLGR1, EntropyBits.RLGR3])
def test_remotefx_in_image_mode(factory: ConnectionFactory, entropy: EntropyBits) -> None:
    """Breakage 17: headers with every frame, and a coder that the client has offered."""
    properties = encode(RemoteFxClientCapabilities((RemoteFxIcap(entropy),)))
    codec = BitmapCodec(CODEC_IMAGE_REMOTEFX, 7, properties)

    async def scenario() -> None:
        async with (
            served(factory) as console,
            witness(console.port, dynamic_channels=None, codecs=(codec,)) as client,
        ):
            await _plays(client, [picture(320, 256, seed) for seed in range(3)], console)
            commands = [command for command in _surface_bits(client) if command.bitmap.codec_id == 7]
            assert len(commands) >= 3
            for command in commands:
                messages = decode_messages(command.bitmap.data)
                assert isinstance(messages[0], Sync)
                [context] = [message for message in messages if isinstance(message, Context)]
                wanted = Entropy.RLGR1 if entropy == EntropyBits.RLGR1 else Entropy.RLGR3
                assert context.properties.entropy == wanted

    run(scenario)


def test_a_client_of_nscodec_alone(factory: ConnectionFactory) -> None:
    """Breakage 20: it sees pixels, in the end exactly."""
    codec = BitmapCodec(CODEC_NSCODEC, 1, NsCodecProperties(1, 1, 3))

    async def scenario() -> None:
        async with (
            served(factory) as console,
            witness(console.port, dynamic_channels=None, codecs=(codec,)) as client,
        ):
            await _plays(client, [picture(320, 256, seed) for seed in range(3)], console)
            await client.until(lambda: client.shows(console), what="the picture")
            assert any(command.bitmap.codec_id == 1 for command in _surface_bits(client))

    run(scenario)
