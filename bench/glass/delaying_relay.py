"""Hands on each byte a while later, between a namespace and the rest: ``link.py`` says what for.

    python -m bench.glass.delaying_relay NAMESPACE PORT SECONDS BYTES

It says the port on which it listens in the namespace, passes on what comes there to 127.0.0.1:PORT outside,
and ends with its standard input.
"""

import asyncio
import contextlib
import socket
import sys
import threading
from typing import Final

from bench.glass.link import enter_namespace
from pyrdpmux.net.tasks import TaskSet

CHUNK: Final = 4096
OUTER_BUFFER: Final = 8192
INNER_BUFFER: Final = 16384
"""The queue in front of the link: 26 ms of 5 Mbit/s."""


def listening_in(namespace: str) -> socket.socket:
    """A socket of the namespace, made by a thread that goes there alone."""
    made: list[socket.socket] = []

    def make() -> None:
        enter_namespace(namespace)
        made.append(socket.create_server(("127.0.0.1", 0)))

    thread = threading.Thread(target=make)
    thread.start()
    thread.join()
    return made[0]


async def pump(source: socket.socket, sink: socket.socket, seconds: float, under_way: int) -> None:
    """At most ``under_way`` bytes are here at once."""
    loop = asyncio.get_running_loop()
    waiting: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()
    room = asyncio.Semaphore(max(1, under_way // CHUNK))

    async def read() -> None:
        while True:
            await room.acquire()
            data = await loop.sock_recv(source, CHUNK)
            waiting.put_nowait((loop.time() + seconds, data))
            if not data:
                return

    async with asyncio.TaskGroup() as group:
        group.create_task(read())
        while True:
            due, data = await waiting.get()
            await asyncio.sleep(max(0.0, due - loop.time()))
            if not data:
                sink.shutdown(socket.SHUT_WR)
                return
            await loop.sock_sendall(sink, data)
            room.release()


async def relay(inner: socket.socket, port: int, seconds: float, under_way: int) -> None:
    loop = asyncio.get_running_loop()
    with inner, socket.socket() as outer:
        # Small, so that what the link cannot carry waits at the server.
        outer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, OUTER_BUFFER)
        inner.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, INNER_BUFFER)
        for end in (inner, outer):
            end.setblocking(False)
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        await loop.sock_connect(outer, ("127.0.0.1", port))
        # Either may close at any time.
        with contextlib.suppress(BaseExceptionGroup):
            async with asyncio.TaskGroup() as group:
                group.create_task(pump(inner, outer, seconds, under_way))
                group.create_task(pump(outer, inner, seconds, under_way))


async def main(namespace: str, port: str, seconds: str, under_way: str) -> None:
    loop = asyncio.get_running_loop()
    tasks = TaskSet()
    listener = listening_in(namespace)
    listener.setblocking(False)

    async def accept() -> None:
        while True:
            inner, _ = await loop.sock_accept(listener)
            tasks.create(relay(inner, int(port), float(seconds), int(under_way)), "relay")

    tasks.create(accept(), "accept")
    print(listener.getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    await tasks.cancel_all()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
