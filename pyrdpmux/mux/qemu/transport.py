"""A unix socket on the event loop that can pass descriptors, which asyncio's own transports cannot.

What comes is handled in turns of a share of the loop; until that is done, and for three times as long again,
nothing more is read: what a hostile QEMU sends without end stays in its own memory.
"""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Callable, Iterator
from typing import Final

from pyrdpmux.errors import BackendError, PeerError
from pyrdpmux.mux.resting import work
from pyrdpmux.net.fair import FairSchedule, Kind, LoopShare
from pyrdpmux.net.tasks import TaskSet

log = logging.getLogger("pyrdpmux.qemu")

READ_SIZE: Final = 64 << 10
MAX_UNSENT: Final = 1 << 20
"""What QEMU may leave unread before what we say is dropped: half a minute of a racing mouse."""


class SocketTransport:
    """Owns a connected socket. ``received`` gets what comes, and yields after each message.

    An error that it raises ends the connection. ``lost`` is called once, with the reason, unless
    :meth:`close` came first.
    """

    def __init__(
        self,
        connection: socket.socket,
        received: Callable[[bytes], Iterator[None]],
        lost: Callable[[str], None],
    ) -> None:
        #: until it is known which VM this is about, one that only cuts the work into slices
        self.share: LoopShare = FairSchedule().share(Kind.GUEST, "QEMU")
        self._tasks = TaskSet()
        self._socket = connection
        self._received = received
        self._lost = lost
        self._loop = asyncio.get_running_loop()
        self._unsent = bytearray()
        self._empty = asyncio.Event()
        self._empty.set()
        self.is_closed = False
        connection.setblocking(False)
        self._loop.add_reader(connection, self._readable)

    def write(self, data: bytes) -> bool:
        """Never blocks; False if it was dropped, since the other side does not read."""
        if self.is_closed or len(self._unsent) + len(data) > MAX_UNSENT:
            return False
        self._unsent += data
        self._send()
        return True

    async def write_with(self, data: bytes, descriptor: int) -> None:
        """The descriptor goes with the first byte; BackendError if the connection is gone."""
        await self._empty.wait()
        if self.is_closed:
            raise BackendError("the connection is closed")
        try:
            sent = socket.send_fds(self._socket, [data], [descriptor])
        except OSError as error:
            self._fail(error.strerror or str(error))
            raise BackendError(f"cannot send a descriptor: {error}") from error
        self.write(data[sent:])

    def close(self) -> None:
        if self.is_closed:
            return
        self.is_closed = True
        self._empty.set()
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        self._socket.close()

    def _send(self) -> None:
        try:
            sent = self._socket.send(self._unsent)
        except BlockingIOError:
            sent = 0
        except OSError as error:
            self._fail(error.strerror or str(error))
            return
        del self._unsent[:sent]
        if self._unsent:
            self._empty.clear()
            self._loop.add_writer(self._socket, self._send)
        elif not self._empty.is_set():
            self._empty.set()
            self._loop.remove_writer(self._socket)

    def _readable(self) -> None:
        try:
            data = self._socket.recv(READ_SIZE)
        except BlockingIOError:
            return
        except OSError as error:
            self._fail(error.strerror or str(error))
            return
        if not data:
            self._fail("connection closed")
            return
        self._loop.remove_reader(self._socket)
        self._tasks.create(self._handle(data), "messages of QEMU")

    async def _handle(self, data: bytes) -> None:
        try:
            seconds = await work(self.share, self._until_closed(data))
        except (BackendError, PeerError) as error:
            self._fail(str(error))
            return
        except Exception as error:
            log.exception("A message of QEMU's")
            self._fail(f"{type(error).__name__}: {error}")
            return
        if not self.is_closed:
            self._loop.call_later(seconds, self._resume)

    def _until_closed(self, data: bytes) -> Iterator[None]:
        for step in self._received(data):
            if self.is_closed:
                return
            yield step

    def _resume(self) -> None:
        if not self.is_closed:
            self._loop.add_reader(self._socket, self._readable)

    def _fail(self, reason: str) -> None:
        if not self.is_closed:
            self.close()
            self._lost(reason)


async def connect_unix(path: str | bytes, seconds: float) -> socket.socket:
    """A connected socket; BackendError names the path. A leading NUL stands for the abstract namespace."""
    connection = socket.socket(socket.AF_UNIX)
    connection.setblocking(False)
    try:
        async with asyncio.timeout(seconds):
            await asyncio.get_running_loop().sock_connect(connection, path)
    except TimeoutError:
        connection.close()
        raise BackendError(f"{_shown(path)}: nobody accepts") from None
    except (OSError, ValueError) as error:
        connection.close()
        reason = error.strerror if isinstance(error, OSError) else None
        raise BackendError(f"{_shown(path)}: {reason or error}") from error
    except BaseException:
        with contextlib.suppress(OSError):
            connection.close()
        raise
    return connection


def _shown(path: str | bytes) -> str:
    text = path.decode(errors="replace") if isinstance(path, bytes) else path
    return text.replace("\0", "@")
