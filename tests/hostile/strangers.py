"""Attacks of those who know no password: sockets that say nothing, little, nonsense, or guess."""

import asyncio
import contextlib
import itertools
import socket
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from typing import Final

from tests.hostile.attack import ATTACKERS, AttackFunction, Load
from tests.hostile.visitor import HOST, Visitor, at_the_challenge, visiting, welcome

JUNK: Final = b"\xff\xfe\x00\x01"
JUNK_STAYS: Final = 2.0
"""Seconds that a talker of nonsense stays, unless it is closed before."""

REQUEST: Final = bytes.fromhex("030000130ee000000000000100080003000000")
"""A good X.224 Connection Request, of which a drip is made."""

DRIP_SECONDS: Final = 0.5
MAX_JUNK: Final = 2000
"""Talkers at a time, each of which has a socket."""

TICK: Final = 0.02
LOOK_SECONDS: Final = 0.1


async def open_socket(port: int, source: str, host: str = HOST) -> socket.socket:
    """Connected from there, and nothing said. Raises OSError."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    plug = socket.socket(family)
    try:
        plug.setblocking(False)
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        plug.bind((source, 0))
        await asyncio.get_running_loop().sock_connect(plug, (host, port))
    except BaseException:
        plug.close()
        raise
    return plug


def is_closed(plug: socket.socket) -> bool:
    """Whether the other side has ended it; what it said is thrown away."""
    try:
        while data := plug.recv(4096):
            del data
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True


class Sockets:
    """Half-open connections in the order of their coming, each with where it comes from."""

    def __init__(self, port: int, host: str = HOST) -> None:
        self.plugs: list[tuple[str, socket.socket]] = []
        self._port = port
        self._host = host

    async def open(self, source: str) -> bool:
        """One more; False if nobody answers there."""
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(1):
                self.plugs.append((source, await open_socket(self._port, source, self._host)))
                return True
        return False

    def closed(self) -> list[str]:
        """Take those out that the other side has ended, and tell where they came from."""
        gone = [(source, plug) for source, plug in self.plugs if is_closed(plug)]
        self.plugs = [pair for pair in self.plugs if pair not in gone]
        for _, plug in gone:
            plug.close()
        return [source for source, _ in gone]

    def close(self) -> None:
        for _, plug in self.plugs:
            plug.close()


async def silent(load: Load, *, port: int, sources: Sequence[str], count: int) -> None:
    """``count`` sockets from each of these addresses, that say nothing; one that is closed comes again."""
    await load.go()
    sockets = Sockets(port)
    for _ in range(count):
        for source in sources:
            await sockets.open(source)
    load.report["most"] = len(sockets.plugs)
    load.under_way()
    await _hold(load, sockets)


async def _hold(load: Load, sockets: Sockets, *, with_drip: bytes = b"") -> None:
    """Keep as many as there are, for good."""
    while True:
        for source in sockets.closed():
            load.count("closed")
            await sockets.open(source)
        for at, (_, plug) in enumerate(sockets.plugs):
            if with_drip:
                with contextlib.suppress(OSError):
                    plug.send(with_drip[at % len(with_drip) : at % len(with_drip) + 1])
        load.report["held"] = len(sockets.plugs)
        await asyncio.sleep(DRIP_SECONDS if with_drip else LOOK_SECONDS)


async def half_open(load: Load, *, port: int, count: int) -> None:
    """So many silent sockets from sixty addresses, opened as fast as they are taken."""
    await silent(load, port=port, sources=ATTACKERS, count=-(-count // len(ATTACKERS)))


async def drip(load: Load, *, port: int, sources: Sequence[str], count: int) -> None:
    """A byte now and then, of what could become a request some day."""
    await load.go()
    sockets = Sockets(port)
    for source in list(sources) * count:
        if await sockets.open(source):
            sockets.plugs[-1][1].send(REQUEST[:5])
    load.under_way()
    await _hold(load, sockets, with_drip=b"\x00")


async def tls_silent(load: Load, *, port: int, sources: Sequence[str], count: int) -> None:
    """TLS is done, and then nothing."""
    await load.go()
    async with AsyncExitStack() as stack:
        for source in list(sources) * count:
            with contextlib.suppress(OSError, TimeoutError):
                visitor = await stack.enter_async_context(
                    visiting(port, source=source, hold=at_the_challenge, user="nobody", password="")
                )
                await visitor.until(lambda visitor=visitor: _has_stopped(visitor), 1.0)  # type: ignore[misc]
                load.count("held", visitor.is_held)
        load.under_way()
        await asyncio.Event().wait()


def _has_stopped(visitor: Visitor) -> bool:
    return visitor.is_held or visitor.is_over


async def junk(load: Load, *, port: int, per_second: int) -> None:
    """Connections that say four bytes of nonsense and stay as long as they are let."""
    await load.go()
    loop = asyncio.get_running_loop()
    sources = itertools.cycle(ATTACKERS)
    room = asyncio.Semaphore(MAX_JUNK)

    async def talk() -> None:
        with contextlib.suppress(OSError):
            plug = await open_socket(port, next(sources))
            with plug:
                plug.send(JUNK)
                load.count("connections")
                await asyncio.sleep(JUNK_STAYS)
        room.release()

    started = loop.time()
    load.under_way()
    async with asyncio.TaskGroup() as group:
        for number in itertools.count():
            if (early := started + number / per_second - loop.time()) > 0:
                await asyncio.sleep(early)
            await room.acquire()
            group.create_task(talk())


async def guesses(load: Load, *, port: int, sources: Sequence[str], at_once: int, user: str) -> None:
    """Wrong passwords, from each address so many at a time, for good."""
    await load.go()
    load.under_way()

    async def guess(source: str, numbers: Iterator[int]) -> None:
        for number in numbers:
            found = await welcome(port, source=source, user=user, password=f"guess {number}")
            load.count("guesses")
            load.count("answered", found.timing.answered is not None)
            await asyncio.sleep(TICK)

    async with asyncio.TaskGroup() as group:
        for source in list(sources) * at_once:
            group.create_task(guess(source, itertools.count()))


ATTACKS: Final[dict[str, AttackFunction]] = {
    attack.__name__: attack for attack in (silent, half_open, drip, tls_silent, junk, guesses)
}
