"""Viewers as they come: most behave, some stall, vanish, forget their password, talk nonsense or attack."""

import asyncio
import contextlib
import os
from random import Random
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from pyrdpmux.geometry import Rect
from pyrdpmux.harness.peers.errors import SessionEnded
from pyrdpmux.rdp.connection.events import ErrorInfoReceived
from pyrdpmux.rdp.pdu.input import KeyboardEvent, KeyboardFlags, MouseEvent, PointerFlags
from pyrdpmux.rdp.tls.context import client_context
from pyrdpmux.rdp.x224.negotiation import SecurityProtocol
from tests.mux.rdp_client import RdpClient, connected, wall_clock

USER: Final = "alice"
PASSWORD: Final = "correct horse"

DEPTHS: Final = (32, 24, 16, 15, 8)
SECURITY: Final = (SecurityProtocol.SSL, SecurityProtocol.SSL | SecurityProtocol.HYBRID)
LETTERS: Final = tuple(range(0x10, 0x1A))
SIZES: Final = tuple(range(0x3B, 0x3F))
"""F1 to F4 switch the demo VM's resolution."""

FORMATS: Final = tuple(range(0x40, 0x44))
"""F6 to F9 its pixel format."""

RELEASE: Final = KeyboardFlags.RELEASE
SHIFT: Final = 0x2A

HOSTILE: Final = tuple([f"127.0.1.{number}" for number in range(1, 61)])
"""Where attackers come from."""

CROWD: Final = 5
JUNK: Final = 15
MOVES: Final = 250
"""Of an attack: sockets that say nothing, connections of nonsense, moves of the mouse in one PDU. Moderate:
two minutes are to be enough for all; what more of it does is the matter of ``tests/hostile/``."""

#: a good beginning, so that what follows meets the decoders behind it
X224_REQUEST: Final = bytes.fromhex("030000130ee000000000000100080003000000")


class Crowd:
    """Comes to the VMs' ports; counts what it did."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._tls_context = client_context()
        self.counts: dict[str, int] = {}
        self.complaints: list[str] = []
        self.unsent_to_stalled = 0

    async def churn(self, ports: list[int], seconds: float, at_once: int) -> None:
        """So many visitors at a time, for so long; all are gone at the end."""
        end = asyncio.get_running_loop().time() + seconds
        async with asyncio.TaskGroup() as group:
            for _ in range(at_once):
                group.create_task(self._visit_until(end, ports))

    async def _visit_until(self, end: float, ports: list[int]) -> None:
        loop = asyncio.get_running_loop()
        kinds = (
            self._polite,
            self._abrupt,
            self._stalled,
            self._garbage,
            self._silent,
            self._stranger,
            self._flooding,
            self._crowding,
            self._junk,
        )
        while (left := end - loop.time()) > 0:
            [kind] = self._random.choices(kinds, (8, 4, 3, 3, 1, 1, 2, 1, 1))
            name = kind.__name__.strip("_")
            self.counts[name] = self.counts.get(name, 0) + 1
            stay = min(self._random.uniform(0.3, 5.0), left)
            # A VM may die, or its port close, at any moment: what a visitor sees then is another matter.
            try:
                await kind(self._random.choice(ports), stay)
            except* (OSError, SessionEnded):
                pass

    # -- kinds of visitors -----------------------------------------------------------------------

    async def _polite(self, port: int, stay: float) -> None:
        async with self._viewer(port) as client:
            await self._use(client, stay)
            if client.connection.is_active:
                client.connection.disconnect()
                client.flush()
                await client.until(lambda: client.is_closed)

    async def _abrupt(self, port: int, stay: float) -> None:
        """Gone with keys and a button down."""
        async with self._viewer(port) as client:
            await self._use(client, stay)
            if client.connection.is_active:
                keys = [KeyboardEvent(KeyboardFlags(0), code) for code in (SHIFT, *LETTERS[:3])]
                client.connection.send_input(
                    [*keys, MouseEvent(PointerFlags.DOWN | PointerFlags.BUTTON1, 5, 5)]
                )
                client.flush()
                await asyncio.sleep(0.05)
            client.drop()

    async def _stalled(self, port: int, stay: float) -> None:
        """Asks for the whole picture again and again, and reads nothing."""
        async with self._viewer(port) as client:
            await self._use(client, min(stay, 0.5))
            client.stop_reading()
            for _ in range(round(stay * 20)):
                if client.connection.is_active:
                    client.connection.request_refresh(Rect(0, 0, 2001, 2001))
                    client.flush()
                await asyncio.sleep(0.05)
            if self._random.random() < 0.5:
                client.read_again()
                await asyncio.sleep(0.5)
            client.drop()

    async def _garbage(self, port: int, stay: float) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            if self._random.random() < 0.5:
                writer.write(X224_REQUEST)
                await reader.read(100)
            writer.write(self._random.randbytes(self._random.choice((1, 40, 5000))))
            async with asyncio.timeout(stay):
                while await reader.read(1000):
                    pass
        finally:
            writer.transport.abort()

    async def _silent(self, port: int, stay: float) -> None:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            await asyncio.sleep(stay)
        finally:
            writer.transport.abort()

    async def _stranger(self, port: int, stay: float) -> None:
        """Does not know the password."""
        async with self._viewer(port, protocols=SECURITY[1], password="guess") as client:
            await client.until(lambda: client.is_closed or client.connection.is_active)
            if client.connection.is_active:
                self.complaints.append(f"port {port}: somebody was let in without the password")

    async def _flooding(self, port: int, stay: float) -> None:
        """Has every right to be there, and sends as much as it can for a moment."""
        async with self._viewer(port) as client:
            await self._use(client, 0.1)
            for _ in range(max(1, round(stay))):
                if not client.connection.is_active:
                    break
                for x in range(3):
                    moves = [MouseEvent(PointerFlags.MOVE, x + y, y) for y in range(MOVES)]
                    client.connection.send_input(moves)
                keys = [self._keystroke() for _ in range(MOVES // 3)]
                client.connection.send_input([event for stroke in keys for event in stroke])
                for x in range(10):
                    client.connection.request_refresh(Rect.from_corners(x, 0, 2001 - x, 2001))
                    client.connection.suppress_output(x % 2 == 0)
                client.flush()
                await asyncio.sleep(0.3)
            client.drop()

    async def _crowding(self, port: int, stay: float) -> None:
        """Takes room, from one address, and says nothing."""
        source = self._random.choice(HOSTILE)
        async with contextlib.AsyncExitStack() as stack:
            for _ in range(CROWD):
                _, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))
                stack.callback(_abort, writer)
            await asyncio.sleep(min(stay, 2.0))

    async def _junk(self, port: int, stay: float) -> None:
        """Four bytes of nonsense, from many addresses."""
        async with contextlib.AsyncExitStack() as stack:
            for source in self._random.sample(HOSTILE, JUNK):
                _, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(source, 0))
                stack.callback(_abort, writer)
                writer.write(self._random.randbytes(4))
            await asyncio.sleep(min(stay, 1.5))

    # -- what they do ----------------------------------------------------------------------------

    def _viewer(self, port: int, **config: Any) -> contextlib.AbstractAsyncContextManager[RdpClient]:
        settings: dict[str, Any] = {
            "bits_per_pixel": self._random.choice(DEPTHS),
            "protocols": self._random.choice(SECURITY),
            "user": USER,
            "password": PASSWORD,
            "tls_context": self._tls_context,
            "entropy": os.urandom,
            "wall_clock": wall_clock,
        }
        return connected(port, **(settings | config))

    async def _use(self, client: RdpClient, stay: float) -> None:
        """Look, type, and now and then change the VM's resolution."""
        await client.until(lambda: client.is_closed or client.connection.is_active)
        loop = asyncio.get_running_loop()
        end = loop.time() + stay
        while loop.time() < end and not client.is_closed:
            if client.connection.is_active:
                client.connection.send_input(self._keystroke())
                client.flush()
            await asyncio.sleep(self._random.uniform(0.02, 0.4))
        # What was shown is of no interest here, and would be kept until the viewer goes.
        client.bitmaps.clear()
        kept = client.seen(ErrorInfoReceived)
        client.events.clear()
        client.events.extend(kept)

    def _keystroke(self) -> list[KeyboardEvent | MouseEvent]:
        [keys] = self._random.choices((LETTERS, SIZES, FORMATS), (30, 2, 1))
        key = self._random.choice(keys)
        move = MouseEvent(PointerFlags.MOVE, self._random.randrange(640), self._random.randrange(480))
        return [move, KeyboardEvent(KeyboardFlags(0), key), KeyboardEvent(RELEASE, key)]


def _abort(writer: asyncio.StreamWriter) -> None:
    """INVARIANT: who holds this holds the writer, which closes its socket when nobody does."""
    writer.transport.abort()


async def check_picture(port: int, picture: NDArray[np.uint8]) -> str:
    """Whether a fresh viewer with 32 bits sees exactly this: what is different, or nothing."""
    async with connected(port, protocols=SECURITY[1], user=USER, password=PASSWORD) as client:
        try:
            await client.until_shows(picture)
        except TimeoutError:
            return difference(client.picture, picture)
        client.connection.disconnect()
        client.flush()
        await client.until(lambda: client.is_closed)
    return ""


def difference(seen: NDArray[np.uint8], expected: NDArray[np.uint8]) -> str:
    if seen.shape != expected.shape:
        return f"seen {seen.shape[1]}x{seen.shape[0]}, expected {expected.shape[1]}x{expected.shape[0]}"
    rows, columns = np.nonzero((seen[..., :3] != expected[..., :3]).any(axis=2))
    return f"{len(rows)} pixels in x {columns.min()} to {columns.max()}, y {rows.min()} to {rows.max()}"
