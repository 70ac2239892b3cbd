"""Attacks of a VNC server that the daemon is configured to show."""

import asyncio
import contextlib
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from pyrdpmux.rfb.encodings import Encoding
from pyrdpmux.rfb.pixel_format import BGRX
from pyrdpmux.rfb.server_messages import ServerInit
from pyrdpmux.wire import encode
from tests.hostile.attack import AttackFunction, Load
from tests.rfb.encoders import rectangle, u32, update

VERSION: Final = b"RFB 003.008\n"
SIZE: Final = (8000, 4000)
COPIES: Final = 2000
"""In one update; each moves 32 million pixels and takes 16 bytes to ask for."""


def stripes() -> bytes:
    """A picture in which every row differs from its neighbors, so that to move it is to change all of it."""
    width, height = SIZE
    boxes = [
        (0x010101 * (row % 251)).to_bytes(4, "little") + b"".join([half(n) for n in (0, row, width, 1)])
        for row in range(height)
    ]
    body = u32(len(boxes)) + u32(0) + b"".join(boxes)
    return update(rectangle(Encoding.RRE, body, 0, 0, width, height))


def half(number: int) -> bytes:
    return number.to_bytes(2, "big")


def copies(count: int) -> bytes:
    """All rows go down by one, so often."""
    width, height = SIZE
    one = rectangle(Encoding.COPY_RECT, half(0) + half(0), 0, 1, width, height - 1)
    return update(*[one] * count)


class Server:
    """A VNC server at a unix socket, quiet until it is told to attack."""

    def __init__(self, path: Path, attack: Callable[[asyncio.StreamWriter], Awaitable[None]]) -> None:
        self.connected = asyncio.Event()
        self.attacking = asyncio.Event()
        self._path = path
        self._attack = attack
        self._writers: list[asyncio.StreamWriter] = []
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        self._server = await asyncio.start_unix_server(self._serve, self._path)
        self._path.chmod(0o666)

    def stop(self) -> None:
        """Gone, and nobody comes back."""
        assert self._server is not None
        self._server.close()
        self._path.unlink(missing_ok=True)
        for writer in self._writers:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            writer.write(VERSION)
            await reader.readexactly(len(VERSION))
            writer.write(b"\1\1")
            await reader.readexactly(1)
            writer.write(u32(0))
            await reader.readexactly(1)
            writer.write(encode(ServerInit(*SIZE, BGRX, 4)) + b"evil" + stripes())
            self.connected.set()
            reading = asyncio.get_running_loop().create_task(_swallow(reader))
            try:
                await self.attacking.wait()
                await self._attack(writer)
            finally:
                reading.cancel()
        writer.transport.abort()


async def _swallow(reader: asyncio.StreamReader) -> None:
    """What the daemon asks for is of no interest."""
    with contextlib.suppress(OSError):
        while await reader.read(65536):
            pass


async def _serve(load: Load, path: str, attack: Callable[[asyncio.StreamWriter], Awaitable[None]]) -> None:
    server = Server(Path(path), attack)
    await server.start()
    try:
        await load.go()
        await server.connected.wait()
        server.attacking.set()
        load.under_way()
        await asyncio.Event().wait()
    finally:
        server.stop()


async def vnc_copies(load: Load, *, path: str, megabytes: float = 0.0) -> None:
    """Copies of almost all of the picture; ``megabytes`` of them and then the end, or without end."""
    frames = copies(COPIES)

    async def attack(writer: asyncio.StreamWriter) -> None:
        sent = 0
        while not megabytes or sent < megabytes * 1e6:
            writer.write(frames)
            await writer.drain()
            sent += len(frames)
            load.count("copies", COPIES)
        load.count("closed")
        writer.close()

    await _serve(load, path, attack)


async def vnc_updates(load: Load, *, path: str) -> None:
    """Pictures that nothing makes small, without being asked."""
    width, height = 2000, 2000
    frames = [
        update(rectangle(Encoding.RAW, os.urandom(width * height * 4), 0, 0, width, height)) for _ in range(2)
    ]

    async def attack(writer: asyncio.StreamWriter) -> None:
        while True:
            for frame in frames:
                writer.write(frame)
                await writer.drain()
                load.count("updates")

    await _serve(load, path, attack)


async def vnc_closing(load: Load, *, path: str) -> None:
    """Some hundred copies and the end, again and again."""
    frames = copies(300)

    async def attack(writer: asyncio.StreamWriter) -> None:
        writer.write(frames)
        await writer.drain()
        load.count("connections")
        writer.close()

    await _serve(load, path, attack)


ATTACKS: Final[dict[str, AttackFunction]] = {
    attack.__name__: attack for attack in (vnc_copies, vnc_updates, vnc_closing)
}
