"""The graphics of a recorded Windows Server 2016 (shared/vectors/mstsc), drawn: every command of 12 frames.

ClearCodec, progressive in its first passes, differences and upgrades, fills, hundreds of cached tiles. The
recorded client has kept most of these tiles from an earlier session: here each is of one color instead.
"""

import hashlib
import os
from pathlib import Path
from typing import Final

import numpy as np
import pytest

from pyrdpmux.codec.bulk.zgfx import ZgfxDecompressor
from pyrdpmux.codec.color import Pixels
from pyrdpmux.harness.capture import Direction, open_capture
from pyrdpmux.harness.peers.graphics_renderer import GraphicsRenderer
from pyrdpmux.rdp.channels.dynamic.pdu import Data, DataFirst
from pyrdpmux.rdp.channels.graphics.cache import CacheImportOffer
from pyrdpmux.rdp.channels.graphics.capabilities import CapsConfirm
from pyrdpmux.rdp.channels.graphics.frames import EndFrame
from pyrdpmux.rdp.channels.graphics.pdu import decode_graphics

SHARED = Path(os.environ.get("PYRDPMUX_SHARED", Path(__file__).parents[4] / "shared"))
CAPTURE = SHARED / "vectors" / "mstsc" / "Example_1_Win10_X64_WS2016_X64_Domain.exported.pcap"
CHANNEL: Final = 6

pytestmark = pytest.mark.skipif(
    not CAPTURE.exists(), reason=f"no vectors below {SHARED} (set PYRDPMUX_SHARED)"
)

#: Who recorded it has stored the fragments of large messages in another order. In these, and in no others,
#: all commands, tiles and bitmaps follow each other; by the number of the first fragment.
ORDERS: Final[dict[int, tuple[int, ...]]] = {
    54: (56, 57),
    78: (79,),
    103: (105, 106),
    118: (120, 126, 128),
    152: (160, 170, 174, 150, 158, 162, 172, 182, 184, 185),
    195: (197, 203, 205, 207, 216, 218, 225, 214, 223, 230, 234, 236, 238),
    251: (258, 266, 275, 249, 256, 264, 268, 277, 279),
    286: (296, 300, 309, 284, 288, 298, 307, 311, 319, 327, 331, 317, 321, 329, 339, 341),
    352: (359, 363, 370, 354, 361, 372),
    423: (425, 426),
}

#: Of the blue, green and red of the picture after some frames; all of them were looked at.
PICTURES: Final = {
    8: "a box with a head, and Other user below",
    9: "the wallpaper behind it, coarse",
    11: "the same, fine; Welcome",
    19: "tiles of one color, and a task bar with an icon and a clock",
}
HASHES: Final = {
    8: "7e96cce69e6f5a32",
    9: "f1ae1068b0fec33a",
    11: "c9fd7ae9ad86a694",
    19: "94038f5c430a47e1",
}


def recorded() -> tuple[list[bytes], tuple[int, ...]]:
    """The server's messages, and the bytes of each bitmap that the client offered."""
    [connection] = open_capture(CAPTURE).connections
    pieces: dict[int, DataFirst | Data] = {}
    offered: tuple[int, ...] = ()
    for dissected in connection.units:
        for layer in dissected.layers:
            value = layer.value
            if isinstance(value, CacheImportOffer):
                offered = tuple([entry.length for entry in value.entries])
            is_servers = dissected.unit.direction is Direction.SERVER
            if is_servers and isinstance(value, DataFirst | Data) and value.channel_id == CHANNEL:
                pieces[dissected.unit.number] = value
    later = {number for numbers in ORDERS.values() for number in numbers}
    messages = []
    for number, piece in pieces.items():
        if number not in later:
            messages.append(b"".join([pieces[key].data for key in (number, *ORDERS.get(number, ()))]))
            assert not isinstance(piece, DataFirst) or len(messages[-1]) == piece.length
    return messages, offered


def one_color(number: int) -> Pixels:
    pixels = np.zeros((64, 64, 4), np.uint8)
    pixels[...] = number * 37 % 256, number * 91 % 256, 128, 255
    return pixels


def test_every_command_of_a_windows_server() -> None:
    messages, offered = recorded()
    renderer = GraphicsRenderer(np.zeros((768, 1024, 4), np.uint8))
    renderer.offered = tuple([one_color(number) for number in range(len(offered))])
    decompressor = ZgfxDecompressor()
    hashes = {}
    for message in messages:
        for pdu in decode_graphics(decompressor.decompress(message)):
            if isinstance(pdu, CapsConfirm):
                continue
            renderer.apply(pdu)
            if isinstance(pdu, EndFrame) and pdu.frame_id in PICTURES:
                colors = np.ascontiguousarray(renderer.output[..., :3]).tobytes()
                hashes[pdu.frame_id] = hashlib.sha256(colors).hexdigest()[:16]
    assert hashes == HASHES
    assert [said.frame_id for said in renderer.acknowledgements] == [0, 1, 3, 6, 7, 8, 9, 10, 11, 12, 13, 19]
    assert renderer.undrawn == 0
