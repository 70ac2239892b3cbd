"""A nanomsg PAIR over ipc on the event loop (section 3.1), for either end.

nng does the wire (it speaks nanomsg's) on threads of its own; everything here happens on the loop. A socket
serves one peer: nng closes a second one for as long as the first is there.
"""

import asyncio
import contextlib
import os
import select
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, Protocol

import pynng

from pyrdpmux.errors import BackendError
from pyrdpmux.mux.librdpmux.messages import MAX_MESSAGE
from pyrdpmux.mux.librdpmux.socket_access import give_to

RECEIVE_BUFFER: Final = 64
"""Messages that nng holds for us; then the peer's own queue fills."""

SEND_BUFFER: Final = 256
BACKLOG: Final = 1024
"""Messages for a peer that stands still, beyond nng's own; then the newest are lost."""

MAX_BATCH: Final = 64
"""Messages read before the loop is asked again whether there are more."""

STEP: Final = 8
"""Messages handled at a time; what they cost at worst is well below a slice of the loop."""

INTRODUCTION_SECONDS: Final = 0.1
"""How long nng's threads may take to tell of a pipe whose messages can be read already."""

MAX_PATH: Final = 107
"""sun_path of a unix socket, without the final NUL."""

RECONNECT_MS: Final = (20, 500)
"""Shortest and longest wait of a dialing end between attempts."""


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


class PairSocket:
    """One end. Create it on the loop, then :meth:`listen` or :meth:`dial`."""

    def __init__(self, user: SocketUser, run: Run = at_once) -> None:
        self._user = user
        self._run = run
        self._loop = asyncio.get_running_loop()
        try:
            self._socket = pynng.Pair0(
                recv_max_size=MAX_MESSAGE,
                recv_buffer_size=RECEIVE_BUFFER,
                send_buffer_size=SEND_BUFFER,
                reconnect_time_min=RECONNECT_MS[0],
                reconnect_time_max=RECONNECT_MS[1],
            )
            self._descriptor: int = self._socket.recv_fd
        except pynng.NNGException as error:
            raise BackendError(f"no nanomsg socket: {error}") from error
        self._socket.add_post_pipe_connect_cb(self._from_nng(self._pipe_added))
        self._socket.add_post_pipe_remove_cb(self._from_nng(self._pipe_removed))
        self._backlog: deque[bytes] = deque()
        self._pipes: set[int] = set()
        self._closed = False
        self._strange_since: float | None = None
        self._is_reading = False
        #: its descriptor is not looked at
        self._is_deaf = False
        self._poll = select.poll()
        self._poll.register(self._descriptor, select.POLLIN)
        self._loop.add_reader(self._descriptor, self._readable)
        self._flushing: asyncio.Handle | None = None
        #: watched while the backlog waits for nng to have room again
        self._send_descriptor: int | None = None

    def listen(self, path: Path, owner: int | None) -> str:
        """Bind, for this user only (None: ours); returns the address for the other end."""
        if len(os.fsencode(path)) > MAX_PATH:
            raise BackendError(f"{path}: longer than the {MAX_PATH} bytes that a socket's path may have")
        address = f"ipc://{path}"
        try:
            self._socket.listen(address)
        except pynng.NNGException as error:
            raise BackendError(f"{path}: {error}") from error
        give_to(path, owner)
        return address

    def dial(self, address: str) -> None:
        """Connect, now or as soon as somebody listens, and again whenever the connection ends."""
        try:
            self._socket.dial(address, block=False)
        except pynng.NNGException as error:
            raise BackendError(f"{address}: {error}") from error

    @property
    def is_connected(self) -> bool:
        return not self._closed and bool(self._pipes)

    def send(self, message: bytes) -> None:
        """Never blocks. Nobody there: lost. A peer that does not read: kept, up to a limit.

        What is said in one moment is handed over together: it costs nng's threads half of what it does apart.
        """
        if not self.is_connected:
            self._forget()
            return
        if len(self._backlog) < BACKLOG:
            self._backlog.append(message)
        if self._flushing is None and self._send_descriptor is None:
            self._flushing = self._loop.call_soon(self._flush)

    def close(self) -> None:
        if self._closed:
            return
        if self._backlog:
            self._flush()
        self._closed = True
        if not self._is_deaf:
            self._loop.remove_reader(self._descriptor)
        self._forget()
        self._socket.close()

    def _flush(self) -> None:
        """INVARIANT: what is kept does not wait for a next message, which may never come."""
        self._stop_flushing()
        while self._backlog and self._try_send(self._backlog[0]):
            self._backlog.popleft()
        if not self._backlog:
            self._stop_watching()
        elif self._send_descriptor is None:
            self._send_descriptor = int(self._socket.send_fd)
            self._loop.add_reader(self._send_descriptor, self._flush)

    def _forget(self) -> None:
        """What was kept: there is nobody to send it to."""
        self._backlog.clear()
        self._stop_flushing()
        self._stop_watching()

    def _stop_flushing(self) -> None:
        if self._flushing is not None:
            self._flushing.cancel()
            self._flushing = None

    def _stop_watching(self) -> None:
        if self._send_descriptor is not None:
            self._loop.remove_reader(self._send_descriptor)
            self._send_descriptor = None

    def _try_send(self, message: bytes) -> bool:
        try:
            self._socket.send(message, block=False)
        except pynng.NNGException:
            return False
        return True

    def _readable(self) -> None:
        if self._closed or self._is_reading or not self._is_introduced():
            return
        self._is_reading = True
        self._run(self._read())
        if self._is_reading and not self._closed:
            # Readable until it is read, which may be a while from now.
            self._loop.remove_reader(self._descriptor)
            self._is_deaf = True

    def _read(self) -> Iterator[None]:
        try:
            for _ in range(MAX_BATCH // STEP):
                messages: list[bytes] = []
                while len(messages) < STEP and (message := self._try_receive()) is not None:
                    messages.append(message)
                if messages:
                    self._user.received(messages)
                if self._closed or len(messages) < STEP:
                    return
                yield
                if self._closed:
                    return
        finally:
            self._is_reading = False
            if self._is_deaf and not self._closed:
                self._is_deaf = False
                self._loop.add_reader(self._descriptor, self._readable)

    def _is_introduced(self) -> bool:
        """Whether the sender is known: a message may overtake the news that its pipe is there."""
        now = self._loop.time()
        if self._pipes:
            self._strange_since = None
        elif self._strange_since is None:
            self._strange_since = now
        return self._strange_since is None or now > self._strange_since + INTRODUCTION_SECONDS

    def _try_receive(self) -> bytes | None:
        if not self._poll.poll(0):
            return None  # to ask nng costs as much as to receive a message
        try:
            message: bytes = self._socket.recv(block=False)
        except pynng.NNGException:
            return None  # TryAgain: that was all
        except RuntimeError:
            return b""  # pynng 0.9 stumbles over the missing buffer of an empty message
        return message

    def _from_nng(self, action: Callable[[int], None]) -> Callable[[pynng.Pipe], None]:
        """nng calls from its threads, perhaps while the loop is going away."""

        def callback(pipe: pynng.Pipe) -> None:
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(action, pipe.id)

        return callback

    def _pipe_added(self, pipe: int) -> None:
        if not self._closed:
            self._pipes.add(pipe)
            self._user.connected()

    def _pipe_removed(self, pipe: int) -> None:
        """Also called for a second peer, which was never added."""
        if not self._closed and pipe in self._pipes:
            self._pipes.remove(pipe)
            if not self._pipes:
                self._forget()
                self._user.disconnected()
