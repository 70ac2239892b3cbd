"""A connection that is easy to talk to: lines in, lines out; and both ends of a socket to try it on."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, ClassVar

from pyrdpmux.net.listener import listen
from pyrdpmux.net.peer import Peer
from pyrdpmux.rdp.connection.events import Event, ShutdownRequested
from pyrdpmux.rdp.connection.machine import Machine, Phase

SECONDS = 20.0


class Lines(Phase):
    """``echo TEXT``, ``cut``, ``flood BYTES``, ``event``, ``bye``; anything else is without effect."""

    def __init__(self, link: "LineConnection") -> None:
        self.link = link

    def seconds(self) -> float | None:
        return self.link.patience

    def take_frame(self, buffer: bytearray) -> bytes | None:
        line, newline, _rest = bytes(buffer).partition(b"\n")
        if not newline:
            return None
        del buffer[: len(line) + 1]
        return line

    def decode(self, frame: bytes) -> object:
        return frame

    def on_line(self, line: bytes) -> Phase:
        word, _, rest = line.partition(b" ")
        match word:
            case b"echo":
                self.link.send_frame(rest + b"\n", rest)
            case b"cut":
                self.link.cut_output()
            case b"flood":
                self.link.send_frame(bytes(int(rest)), rest)
            case b"event":
                self.link.emit(ShutdownRequested())
            case b"bye":
                self.link.send_frame(b"bye\n", line)
                return self.link.end("bye", by_peer=False)
        return self

    def on_eof(self) -> Phase:
        self.link.send_frame(b"eof\n", b"")
        return self.link.end("eof", by_peer=True)

    HANDLERS: ClassVar[dict[type, Any]] = {bytes: on_line}


class LineConnection(Machine):
    def __init__(self, now: float, patience: float | None = None) -> None:
        super().__init__(now)
        self.patience = patience
        #: what was taken for the socket, call by call
        self.writes: list[bytes] = []
        self._enter(Lines(self))

    def data_to_send(self) -> bytes:
        data = super().data_to_send()
        if data:
            self.writes.append(data)
        return data


class Served:
    """A peer that serves one client, which the test plays."""

    def __init__(self, patience: float | None) -> None:
        self.patience = patience
        self.events: list[Event] = []
        self.on_event: Callable[[Event], None] = self.events.append
        self.peer: Peer
        self.run: asyncio.Task[None]
        self.is_accepted = asyncio.Event()
        self.reader: asyncio.StreamReader
        self.writer: asyncio.StreamWriter

    @property
    def connection(self) -> LineConnection:
        """The server's."""
        assert isinstance(self.peer.connection, LineConnection)
        return self.peer.connection

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = LineConnection(asyncio.get_running_loop().time(), self.patience)
        self.peer = Peer(reader, writer, connection)
        self.run = asyncio.get_running_loop().create_task(self.peer.run(self.tell))
        self.is_accepted.set()
        await asyncio.wait([self.run])

    def tell(self, event: Event) -> None:
        self.on_event(event)

    async def say(self, *lines: bytes) -> None:
        self.writer.write(b"".join([line + b"\n" for line in lines]))
        await self.writer.drain()


@asynccontextmanager
async def served(patience: float | None = None) -> AsyncIterator[Served]:
    """One connection on 127.0.0.1; whatever the test leaves behind is cancelled."""
    host = Served(patience)
    listener = await listen("127.0.0.1", 0, host.serve)
    host.reader, host.writer = await asyncio.open_connection("127.0.0.1", listener.port)
    await host.is_accepted.wait()
    try:
        yield host
    finally:
        host.writer.transport.abort()
        host.run.cancel()
        await asyncio.wait([host.run])
        await listener.close()
        await listener.cancel_connections()


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    """The scenario, for a bounded time."""

    async def bounded() -> None:
        async with asyncio.timeout(SECONDS):
            await scenario()

    asyncio.run(bounded())
