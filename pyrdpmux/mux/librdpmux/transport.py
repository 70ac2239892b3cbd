"""A nanomsg PAIR over ipc on the event loop (section 3.1), for either end.

A socket serves one peer: a second one is hung up on for as long as the first is there.
"""

import asyncio
import contextlib
import os
import socket
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, Protocol

from pyrdpmux.errors import BackendError, PeerError
from pyrdpmux.mux.librdpmux.own_path import OwnPath
from pyrdpmux.mux.librdpmux.sp import GREETING, SpStream, frame

RECEIVE_SIZE: Final = 4096
"""Bytes read at a time; what is not read yet fills the peer's own queue."""

BACKLOG: Final = 1024
"""Messages for a peer that stands still, beyond what the kernel holds; then the newest are lost."""

SENT_TOGETHER: Final = 64
"""Messages."""

MAX_BATCH: Final = 64
"""Messages read before the loop is asked again whether there are more."""

STEP: Final = 8
"""Messages handled at a time; what they cost at worst is well below a slice of the loop."""

REFUSED_SECONDS: Final = 1.0
"""Between attempts to take a connection while there are no descriptors left."""

MAX_PATH: Final = 107
"""sun_path of a unix socket, without the final NUL."""

RECONNECT_MS: Final = (20, 500)
"""Shortest and longest wait of a dialing end between attempts."""

SCHEME: Final = "ipc://"


Run = Callable[[Iterator[None]], None]
"""Takes the steps of reading: all of them now, or one by one in turns of the loop to come. Until the last one
nothing more is read, so that a peer that sends faster than that fills its own queue."""


def at_once(steps: Iterator[None]) -> None:
    """For a peer that is trusted."""
    for _ in steps:
        pass


class SocketUser(Protocol):
    """Who listens to a socket. Called on the loop."""

    def received(self, messages: list[bytes]) -> None: ...

    def connected(self) -> None: ...

    def disconnected(self) -> None: ...


class GuestSocket(Protocol):
    """The server's end of one VM's connection, whatever carries it."""

    @property
    def is_connected(self) -> bool: ...

    def send(self, message: bytes) -> None:
        """Never blocks; lost if nobody is there."""

    def close(self) -> None: ...


class _Connection:
    """To one peer; the socket does not block."""

    def __init__(self, connected: socket.socket) -> None:
        self.socket = connected
        self.stream = SpStream()
        self.has_ended = False
        #: its descriptor is not looked at
        self.is_deaf = False
        #: for room to send in
        self.is_waiting = False
        #: frames that the kernel did not take yet, the first of them perhaps a part
        self.backlog: deque[bytes] = deque()

    def receive(self, limit: int) -> list[bytes]:
        """So many messages at most; fewer only if there are no more now, or for good."""
        messages: list[bytes] = []
        try:
            messages += self.stream.take(limit)
            is_all = False
            while len(messages) < limit and not is_all:
                data = self.socket.recv(RECEIVE_SIZE)
                self.has_ended = not data
                is_all = len(data) < RECEIVE_SIZE
                self.stream.feed(data)
                messages += self.stream.take(limit - len(messages))
        except BlockingIOError:
            pass
        except (OSError, PeerError):
            self.has_ended = True
        return messages

    def send(self, data: bytes) -> None:
        """Kept until :meth:`flush`, up to a limit."""
        if len(self.backlog) < BACKLOG:
            self.backlog.append(data)

    def flush(self) -> None:
        """What was kept, as far as there is room for it now. That a peer has gone is noticed by reading."""
        while self.backlog:
            together = [self.backlog.popleft() for _ in range(min(len(self.backlog), SENT_TOGETHER))]
            data = b"".join(together)
            try:
                sent = self.socket.send(data)
            except BlockingIOError:
                self.backlog.extendleft(reversed(together))
                return
            except OSError:
                return
            if sent < len(data):
                self.backlog.appendleft(data[sent:])
                return


class PairSocket:
    """One end. Create it on the loop, then :meth:`listen` or :meth:`dial`."""

    def __init__(self, user: SocketUser, run: Run = at_once) -> None:
        self._user = user
        self._run = run
        self._loop = asyncio.get_running_loop()
        self._listening: socket.socket | None = None
        self._path: OwnPath | None = None
        #: where to connect to, and when again
        self._target: str | None = None
        self._wait_ms = RECONNECT_MS[0]
        self._timer: asyncio.TimerHandle | None = None
        self._connection: _Connection | None = None
        self._is_connected = False
        self._is_reading = False
        self._closed = False

    def listen(self, path: Path, owner: int | None) -> str:
        """Bind, for this user only (None: ours); returns the address for the other end."""
        if len(os.fsencode(path)) > MAX_PATH:
            raise BackendError(f"{path}: longer than the {MAX_PATH} bytes that a socket's path may have")
        self._path = OwnPath(path, owner)
        self._listening = self._path.socket
        self._listening.setblocking(False)
        self._loop.add_reader(self._listening, self._acceptable)
        return f"{SCHEME}{path}"

    def dial(self, address: str) -> None:
        """Connect, now or as soon as somebody listens, and again whenever the connection ends."""
        if not address.startswith(SCHEME):
            raise BackendError(f"{address}: not an address of nanomsg's over ipc")
        self._target = address.removeprefix(SCHEME)
        self._connect()

    @property
    def is_connected(self) -> bool:
        """Somebody is there who speaks nanomsg's protocol."""
        return self._is_connected

    def send(self, message: bytes) -> None:
        """Never blocks. Nobody there: lost. A peer that does not read: kept, up to a limit."""
        connection = self._connection
        if connection is None or not self._is_connected:
            return
        if not connection.backlog:
            self._loop.call_soon(self._flush)  # with what is said in the same moment
        connection.send(frame(message))

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        if self._listening is not None:
            self._loop.remove_reader(self._listening)
            self._listening.close()
        if self._path is not None:
            self._path.remove()
        self._hang_up()

    # -- connections -----------------------------------------------------------------------------

    def _acceptable(self) -> None:
        assert self._listening is not None
        try:
            connected, _ = self._listening.accept()
        except BlockingIOError:
            return
        except OSError:  # no descriptors: who waits is asked again later
            self._loop.remove_reader(self._listening)
            self._timer = self._loop.call_later(REFUSED_SECONDS, self._accept_again)
            return
        if self._is_connected:
            connected.close()
        else:  # instead of one that has not said anything
            self._hang_up()
            self._take(connected)

    def _accept_again(self) -> None:
        if self._listening is not None and not self._closed:
            self._loop.add_reader(self._listening, self._acceptable)

    def _connect(self) -> None:
        assert self._target is not None
        connecting = socket.socket(socket.AF_UNIX)
        connecting.setblocking(False)
        try:
            connecting.connect(self._target)
        except OSError:
            connecting.close()
            self._connect_later()
        else:
            self._take(connecting)

    def _connect_later(self) -> None:
        self._timer = self._loop.call_later(self._wait_ms / 1000, self._connect)
        self._wait_ms = min(2 * self._wait_ms, RECONNECT_MS[1])

    def _take(self, connected: socket.socket) -> None:
        connected.setblocking(False)
        connection = self._connection = _Connection(connected)
        connection.send(GREETING)
        connection.flush()
        self._loop.add_reader(connected, self._readable)

    def _hang_up(self) -> None:
        connection, self._connection = self._connection, None
        self._is_connected = self._is_reading = False
        if connection is not None:
            self._loop.remove_reader(connection.socket)
            self._loop.remove_writer(connection.socket)
            connection.flush()
            connection.socket.close()

    def _lost(self) -> None:
        was_connected = self._is_connected
        self._hang_up()
        if self._target is not None:
            self._connect_later()
        if was_connected:
            self._user.disconnected()

    # -- messages --------------------------------------------------------------------------------

    def _flush(self) -> None:
        connection = self._connection
        if connection is not None:
            connection.flush()
            if connection.backlog and not connection.is_waiting:
                self._loop.add_writer(connection.socket, self._flush)
            elif connection.is_waiting and not connection.backlog:
                self._loop.remove_writer(connection.socket)
            connection.is_waiting = bool(connection.backlog)

    def _readable(self) -> None:
        connection = self._connection
        if connection is None or self._is_reading:
            return
        self._is_reading = True
        self._run(self._read(connection))
        if self._is_reading and connection is self._connection:
            # Readable until it is read, which may be a while from now.
            self._loop.remove_reader(connection.socket)
            connection.is_deaf = True

    def _read(self, connection: _Connection) -> Iterator[None]:
        try:
            for _ in range(MAX_BATCH // STEP):
                if self._connection is not connection:
                    return
                messages = connection.receive(STEP)
                self._introduce(connection)
                if messages:
                    self._user.received(messages)
                if len(messages) < STEP:
                    return
                yield
        finally:
            if self._connection is connection:
                self._is_reading = False
                self._read_on(connection)

    def _introduce(self, connection: _Connection) -> None:
        if connection.stream.is_introduced and not self._is_connected:
            self._is_connected = True
            self._wait_ms = RECONNECT_MS[0]
            self._user.connected()

    def _read_on(self, connection: _Connection) -> None:
        """When the descriptor tells of more; at once, if there is more that was read already."""
        with contextlib.suppress(PeerError):
            if connection.stream.has_message:
                self._is_reading = True
                self._loop.call_soon(self._go_on, connection)
                return
        if connection.has_ended:
            self._lost()
        elif connection.is_deaf:
            connection.is_deaf = False
            self._loop.add_reader(connection.socket, self._readable)

    def _go_on(self, connection: _Connection) -> None:
        if self._connection is connection:
            self._run(self._read(connection))
