"""A complete RDP server in one file: TLS, one picture, and a line for every key.

python examples/test_pattern_server.py 3390
xfreerdp /v:127.0.0.1:3390 /cert:ignore
"""

import asyncio
import os
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from pyrdpmux.codec.bitmap import encode_rectangles
from pyrdpmux.files.certificate_file import load_or_create, server_context
from pyrdpmux.geometry import Rect
from pyrdpmux.net.listener import listen
from pyrdpmux.net.peer import Peer
from pyrdpmux.rdp.connection.events import Activated, Event, InputReceived
from pyrdpmux.rdp.connection.server.config import SecurityPolicy, ServerConfig
from pyrdpmux.rdp.connection.server.connection import ServerConnection
from pyrdpmux.rdp.pdu.update import BitmapData, BitmapFlags

WIDTH, HEIGHT, TILE = 800, 600, 64


def picture() -> np.ndarray:
    """(600, 800, 4) uint8 BGRX: gradients."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    return np.stack([x % 256, y % 256, (x + y) // 8 % 256, 0 * x], axis=-1).astype(np.uint8)


async def main(port: int) -> None:
    certificate = load_or_create(Path(tempfile.mkdtemp()), "test pattern", datetime.now(UTC))
    context = server_context(certificate.certificate_path, certificate.key_path)
    policy = SecurityPolicy(certificate=certificate, tls_context=context, allow_tls=True)
    config = ServerConfig(
        width=WIDTH,
        height=HEIGHT,
        security=policy,
        entropy=os.urandom,
        wall_clock=time.time,  # noqa: TID251
    )
    tiles = [
        Rect(x, y, min(TILE, WIDTH - x), min(TILE, HEIGHT - y))
        for y in range(0, HEIGHT, TILE)
        for x in range(0, WIDTH, TILE)
    ]

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = ServerConnection(config, asyncio.get_running_loop().time())
        peer = Peer(reader, writer, connection)

        def paint() -> None:
            bitmaps = encode_rectangles(picture(), tiles, connection.output.bits_per_pixel)
            connection.send_bitmaps(
                [
                    BitmapData.of(tile, b.width, b.height, b.bits_per_pixel,
                               BitmapFlags.COMPRESSION | BitmapFlags.NO_BITMAP_COMPRESSION_HDR
                               if b.is_compressed else BitmapFlags(0), b.data)
                    for tile, b in zip(tiles, bitmaps, strict=True)
                ]
            )  # fmt: skip

        def on_event(event: Event) -> None:
            print(event)
            if isinstance(event, Activated):
                paint()
            elif isinstance(event, InputReceived):
                print(*event.events)

        await peer.run(on_event)

    await listen("127.0.0.1", port, serve)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
