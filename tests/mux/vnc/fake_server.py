"""A VNC server that shows what a test wants, and notes what it is told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from pyrdpmux.rfb.client_messages import (
    ClientFence,
    EnableContinuousUpdates,
    ExtendedKeyEvent,
    FramebufferUpdateRequest,
    KeyEvent,
    PointerEvent,
    SetEncodings,
    SetPixelFormat,
)
from pyrdpmux.rfb.desktop import SetDesktopSize
from pyrdpmux.rfb.pixel_format import BGRX
from pyrdpmux.rfb.server_messages import ServerInit
from pyrdpmux.wire import decode, encode
from tests.rfb.encoders import u32

VERSION: Final = b"RFB 003.008\n"

#: type of message: (bytes in all, structure)
FIXED: Final[dict[int, tuple[int, type[Any]]]] = {
    0: (20, SetPixelFormat),
    3: (10, FramebufferUpdateRequest),
    4: (8, KeyEvent),
    5: (6, PointerEvent),
    255: (12, ExtendedKeyEvent),
    150: (10, EnableContinuousUpdates),
    251: (24, SetDesktopSize),
}


class FakeVncServer:
    """Serves one viewer at a time, without security."""

    def __init__(self, path: Path, size: tuple[int, int] = (64, 48), name: bytes = b"QEMU (test)") -> None:
        self.size = size
        self.told: list[Any] = []
        self.connections = 0
        self._path = path
        self._name = name
        self._server: asyncio.Server | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._changed = asyncio.Event()

    async def start(self) -> None:
        self._server = await asyncio.start_unix_server(self._serve, self._path)

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        self.hang_up()
        self._path.unlink(missing_ok=True)

    def hang_up(self) -> None:
        if self._writer is not None:
            self._writer.transport.abort()
            self._writer = None

    def send(self, data: bytes) -> None:
        assert self._writer is not None
        self._writer.write(data)

    @property
    def is_talking(self) -> bool:
        """The handshake is done."""
        return self._writer is not None

    @property
    def unsent(self) -> int:
        """Bytes that the viewer leaves with us."""
        assert self._writer is not None
        return self._writer.transport.get_write_buffer_size()

    def close_when_sent(self) -> None:
        """In an orderly way, behind everything that was sent."""
        assert self._writer is not None
        self._writer.close()
        self._writer = None

    def stop_reading(self) -> None:
        assert self._writer is not None
        transport = self._writer.transport
        assert isinstance(transport, asyncio.Transport)
        transport.pause_reading()

    def count(self, kind: type[Any]) -> int:
        return sum(isinstance(message, kind) for message in self.told)

    def take(self, kind: type[Any]) -> list[Any]:
        """What came of that kind since the last time."""
        taken = [message for message in self.told if isinstance(message, kind)]
        self.told = [message for message in self.told if not isinstance(message, kind)]
        return taken

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._talk(reader, writer)
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.transport.abort()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(VERSION)
        assert await reader.readexactly(len(VERSION)) == VERSION
        writer.write(b"\1\1")
        assert await reader.readexactly(1) == b"\1"
        writer.write(u32(0))
        assert await reader.readexactly(1) == b"\1"
        writer.write(encode(ServerInit(*self.size, BGRX, len(self._name))) + self._name)
        self._writer = writer
        self.connections += 1
        while True:
            message = await self._message(reader)
            self.told.append(message)

    async def _message(self, reader: asyncio.StreamReader) -> Any:
        kind = await reader.readexactly(1)
        if kind == b"\2":
            head = await reader.readexactly(3)
            rest = await reader.readexactly(4 * (head[1] << 8 | head[2]))
            return decode(SetEncodings, kind + head + rest)
        if kind == b"\xf8":
            head = await reader.readexactly(8)
            return decode(ClientFence, kind + head + await reader.readexactly(head[7]))
        size, structure = FIXED[kind[0]]
        return decode(structure, kind + await reader.readexactly(size - 1))


@asynccontextmanager
async def vnc_server(path: Path, **options: Any) -> AsyncIterator[FakeVncServer]:
    server = FakeVncServer(path, **options)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()
