"""A listening TCP port."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Final

from pyrdpmux.net.tasks import TaskSet

OnConnection = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

#: bytes that a StreamReader may hold before it stops reading the socket
READ_LIMIT = 64 * 1024


ACCEPTED_AT_ONCE: Final = 2
"""Connections that are accepted before other descriptors of the loop get their turn."""

BACKLOG: Final = 512
"""Connections that the kernel keeps for us meanwhile."""


class Listener:
    """Accepts connections and runs ``on_connection`` for each as a task of its own."""

    def __init__(self, server: asyncio.Server, tasks: TaskSet) -> None:
        self._server = server
        self._tasks = tasks

    @property
    def port(self) -> int:
        """The TCP port, also when 0 was asked for."""
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def close(self) -> None:
        """Accept nothing more; connections that run are not touched."""
        self._server.close()

    async def cancel_connections(self) -> None:
        """End the tasks of connections that still run."""
        await self._tasks.cancel_all()


async def listen(host: str, port: int, on_connection: OnConnection) -> Listener:
    """Bind and listen. Raises OSError where that is not possible."""
    tasks = TaskSet()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        async def serve() -> None:
            await on_connection(reader, writer)

        peer = writer.get_extra_info("peername")
        task = tasks.create(serve(), f"connection from {peer}")
        # A task that is cancelled before its first step runs none of its own cleaning up.
        task.add_done_callback(lambda _task: writer.close())

    server = await asyncio.start_server(accept, host, port, limit=READ_LIMIT, backlog=ACCEPTED_AT_ONCE)
    for listening in server.sockets:  # asyncio takes as many at a time as it lets the kernel keep
        with socket.fromfd(listening.fileno(), listening.family, listening.type) as kept:
            kept.listen(BACKLOG)
    return Listener(server, tasks)
