"""A client of ours that can be told where to come from, and when to stop and wait: polite ones and others.

It drives :class:`ClientConnection` with sockets of its own, so that whatever becomes of the daemon's shell,
the same bytes meet it.
"""

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from pyrdpmux.codec.color import Pixels
from pyrdpmux.harness.peers.renderer import Renderer
from pyrdpmux.rdp.connection.client.activation import POINTER_CACHE_SIZE
from pyrdpmux.rdp.connection.client.config import ClientConfig
from pyrdpmux.rdp.connection.client.connection import ClientConnection
from pyrdpmux.rdp.connection.events import (
    Activated,
    Disconnected,
    Event,
    GraphicsReceived,
    SecurityEstablished,
)
from pyrdpmux.rdp.pdu.input import InputEvent, KeyboardEvent, KeyboardFlags
from pyrdpmux.rdp.tls.context import client_context
from pyrdpmux.rdp.x224.negotiation import SecurityProtocol

HOST: Final = "127.0.0.1"
PATIENCE: Final = 10.0
READ_SIZE: Final = 1 << 16
NLA: Final = SecurityProtocol.HYBRID

DOWN: Final = KeyboardFlags(0)
UP: Final = KeyboardFlags.RELEASE

Hold = Callable[[ClientConnection], bool]
"""Whether to stop before the connection is given what has arrived."""


def at_the_challenge(connection: ClientConnection) -> bool:
    """NLA has begun; the proof has not been sent."""
    return connection.phase_name == "NetworkLevelAuthentication"


@dataclass
class Timing:
    """Seconds from the beginning of the TCP connection; None for what has not happened."""

    answered: float | None = None
    proved: float | None = None
    active: float | None = None


class Visitor:
    """One connection, until it is closed by whichever side."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        connection: ClientConnection,
        started: float,
        hold: Hold | None,
    ) -> None:
        self.connection = connection
        self.timing = Timing()
        self._renderer = Renderer(POINTER_CACHE_SIZE)
        self.events: list[Event] = []
        #: the socket has ended
        self.is_over = False
        #: it does not read on, see ``go_on``
        self.is_held = False
        #: take what comes without looking at it
        self.is_blind = False
        self._reader = reader
        self._writer = writer
        self._started = started
        self._hold = hold
        self._go_on = asyncio.Event()
        self._changed = asyncio.Event()

    # -- what it is -------------------------------------------------------------------------------

    @property
    def picture(self) -> Pixels:
        return self._renderer.framebuffer

    @property
    def is_active(self) -> bool:
        return self.connection.is_active and not self.is_over

    @property
    def is_proved(self) -> bool:
        """The server has taken the password."""
        return self.timing.proved is not None

    @property
    def was_turned_away(self) -> bool:
        """The server has looked at the password, and said no in the words of CredSSP."""
        ends = [event for event in self.events if isinstance(event, Disconnected)]
        return any("AuthenticationFailed" in type(event.error).__name__ for event in ends)

    # -- what it does -----------------------------------------------------------------------------

    async def until(self, condition: Callable[[], bool], seconds: float = PATIENCE) -> None:
        """Raises TimeoutError."""
        async with asyncio.timeout(seconds):
            while not condition():
                self._changed.clear()
                await self._changed.wait()

    async def until_active(self, seconds: float = PATIENCE) -> bool:
        """Whether it came so far; False if it was sent away, or kept waiting."""
        with contextlib.suppress(TimeoutError):
            await self.until(lambda: self.is_over or self.connection.is_active, seconds)
        return self.is_active

    async def until_over(self, seconds: float = PATIENCE) -> bool:
        """Whether the other side ended it."""
        with contextlib.suppress(TimeoutError):
            await self.until(lambda: self.is_over, seconds)
        return self.is_over

    async def until_held(self) -> None:
        await self.until(lambda: self.is_held or self.is_over)

    def go_on(self) -> None:
        """Read what has come since it was held, and all that follows."""
        self._hold = None
        self.is_held = False
        self._go_on.set()

    def type(self, *events: InputEvent) -> None:
        """Lost if the connection has ended."""
        if self.is_active:
            self.connection.send_input(events)
            self.flush()

    def send(self, frames: bytes) -> None:
        """Ready-made PDUs, in as few TLS records as possible."""
        self.connection.send_frame(frames, None)
        self.flush()

    async def drained(self) -> None:
        await self._writer.drain()

    def flush(self) -> None:
        data = self.connection.data_to_send()
        if data and not self._writer.is_closing():
            self._writer.write(data)
        for event in self.connection.events():
            self._take(event)
        self._changed.set()

    def drop(self) -> None:
        """As if the cable was cut."""
        self._writer.transport.abort()

    # -- inside -----------------------------------------------------------------------------------

    async def run(self) -> None:
        try:
            self.flush()
            while data := await self._reader.read(READ_SIZE):
                await self._feed(data)
        except OSError:
            pass
        finally:
            self.is_over = True
            self._changed.set()
            self._writer.transport.abort()

    async def _feed(self, data: bytes) -> None:
        if self._hold is not None and self._hold(self.connection):
            self.is_held = True
            self._changed.set()
            await self._go_on.wait()
        if self.is_blind:
            return
        first = self.connection.phase_name
        self.connection.receive_data(data, self._now)
        if self.timing.answered is None and self.connection.phase_name != first:
            self.timing.answered = self._since
        self.flush()

    def _take(self, event: Event) -> None:
        match event:
            case SecurityEstablished():
                self.timing.proved = self._since
            case Activated():
                self.timing.active = self.timing.active or self._since
                self._renderer.resize(event.width, event.height)
            case GraphicsReceived(update):
                self._renderer.apply(update)
                return  # a picture kept is memory of the test's
        self.events.append(event)

    @property
    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    @property
    def _since(self) -> float:
        return self._now - self._started


@asynccontextmanager
async def visiting(
    port: int, *, source: str = HOST, host: str = HOST, hold: Hold | None = None, **config: Any
) -> AsyncIterator[Visitor]:
    """Comes from the address ``source``; gone at the end of the block. Raises OSError."""
    settings: dict[str, Any] = {
        "tls_context": client_context(),
        "entropy": os.urandom,
        "wall_clock": lambda: datetime.now(UTC).timestamp(),
        "protocols": NLA,
    } | config
    loop = asyncio.get_running_loop()
    started = loop.time()
    reader, writer = await asyncio.open_connection(host, port, local_addr=(source, 0))
    connection = ClientConnection(ClientConfig(**settings), started)
    visitor = Visitor(reader, writer, connection, started, hold)
    running = loop.create_task(visitor.run())
    try:
        yield visitor
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@dataclass
class Welcome:
    """How a stranger was received."""

    timing: Timing
    is_active: bool


async def welcome(port: int, *, source: str, seconds: float = PATIENCE, **config: Any) -> Welcome:
    """Come, log on, look, and go again."""
    try:
        async with asyncio.timeout(seconds), visiting(port, source=source, **config) as visitor:
            await visitor.until_active(seconds)
            found = Welcome(visitor.timing, visitor.is_active)
            if visitor.is_active:
                visitor.connection.disconnect()
                visitor.flush()
            return found
    except (OSError, TimeoutError):
        return Welcome(Timing(), False)


def stroke(code: int) -> list[KeyboardEvent]:
    return [KeyboardEvent(DOWN, code), KeyboardEvent(UP, code)]
