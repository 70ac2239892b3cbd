"""A ZeroMQ socket on the event loop, with the news of its connections (section 3.2).

Import this, and what is built on it, only where pyzmq is needed: it is an optional dependency.
"""

import asyncio
from collections.abc import Iterator
from functools import cache
from typing import Final

import zmq
from zmq.utils.monitor import parse_monitor_message

from pyrdpmux.errors import BackendError
from pyrdpmux.mux.librdpmux.messages import MAX_MESSAGE
from pyrdpmux.mux.librdpmux.transport import MAX_BATCH, STEP, Run, at_once

MAX_SOCKETS: Final = 8192
"""Of our context, where each VM takes three: its own, and two for the news of its connections. libzmq's
default of 1023 would be the end at 341 VMs."""

MAX_NEWS: Final = 16
"""Comings and goings looked at before other descriptors of the loop get their turn."""

_POLLIN: Final = int(zmq.POLLIN)
_NOT_LAST: Final = int(zmq.NOBLOCK | zmq.SNDMORE)

_NEWS: Final = zmq.EVENT_ACCEPTED | zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_DISCONNECTED


@cache
def zmq_context() -> "zmq.Context[zmq.Socket[bytes]]":
    """Ours, for all sockets of the process."""
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    context.set(zmq.MAX_SOCKETS, MAX_SOCKETS)
    return context


class ZmqSocket:
    """Calls :meth:`_take` in steps, :meth:`_connected` and :meth:`_disconnected`, all on the loop.

    BackendError if there are no descriptors left.
    """

    def __init__(self, kind: int, run: Run = at_once) -> None:
        self._loop = asyncio.get_running_loop()
        self._run = run
        self._is_reading = False
        #: its descriptor is not looked at
        self._is_deaf = False
        #: nothing was there to be read, and the descriptor will tell
        self._is_empty = False
        try:
            self._socket: zmq.Socket[bytes] = zmq_context().socket(kind)
        except zmq.ZMQError as error:
            raise BackendError(f"no ZeroMQ socket: {error.strerror or error}") from error
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.setsockopt(zmq.MAXMSGSIZE, MAX_MESSAGE)
        self._closed = False
        try:
            self._monitor: zmq.Socket[bytes] = self._socket.get_monitor_socket(_NEWS)
        except zmq.ZMQError as error:
            self._socket.close(linger=0)
            raise BackendError(f"no ZeroMQ socket: {error.strerror or error}") from error
        self._descriptors: tuple[int, int] = (self._socket.fileno(), self._monitor.fileno())
        self._loop.add_reader(self._descriptors[0], self._readable)
        self._loop.add_reader(self._descriptors[1], self._monitored)
        # A descriptor only tells of what comes after an attempt to read.
        self._loop.call_soon(self._readable)
        self._loop.call_soon(self._monitored)

    def close(self, linger: int = 0) -> None:
        """``linger``: milliseconds that what is still unsent may take; nobody waits for it."""
        if self._closed:
            return
        self._closed = True
        for descriptor in self._descriptors:
            self._loop.remove_reader(descriptor)
        self._socket.disable_monitor()
        self._monitor.close(linger=0)
        self._socket.close(linger=linger)

    def _send(self, frames: list[bytes]) -> bool:
        """Whether it was taken: not by a peer that does not read or that is not there."""
        self._is_empty = False
        *first, last = frames
        send = self._socket.send
        try:
            for frame in first:
                send(frame, _NOT_LAST)
            send(last, zmq.NOBLOCK)
        except zmq.ZMQError:
            return False
        finally:
            if not self._is_reading:  # who reads looks again at the end
                self._look_again()
        return True

    def _take(self, messages: list[list[zmq.Frame]]) -> None:
        raise NotImplementedError

    def _accepted(self, descriptor: int) -> None:
        """Somebody has connected who may be a peer."""

    def _connected(self) -> None:
        """A peer is there."""

    def _disconnected(self, descriptor: int) -> None:
        """One has gone, or somebody who has not become one; the descriptor is closed about now."""

    def _look_again(self) -> None:
        """The descriptor tells of a message once, and that may have been just now."""
        if not self._closed and not self._is_empty and self._has_message:
            self._loop.call_soon(self._readable)

    @property
    def _has_message(self) -> bool:
        """INVARIANT: if there is none, the descriptor tells of the next, until something is sent."""
        self._is_empty = not int(self._socket.get(zmq.EVENTS)) & _POLLIN
        return not self._is_empty

    def _readable(self) -> None:
        if not self._is_reading and not self._closed:
            self._is_reading = True
            self._run(self._read())
            if self._is_reading and not self._closed:
                # Readable until it is read, which may be a while from now.
                self._loop.remove_reader(self._descriptors[0])
                self._is_deaf = True

    def _read(self) -> Iterator[None]:
        try:
            for _ in range(MAX_BATCH // STEP):
                messages = self._receive()
                if messages:
                    self._take(messages)
                if self._closed or len(messages) < STEP:
                    return
                yield
                if self._closed:
                    return
        finally:
            self._is_reading = False
            if self._is_deaf and not self._closed:
                self._is_deaf = False
                self._loop.add_reader(self._descriptors[0], self._readable)
            self._look_again()

    def _receive(self) -> list[list[zmq.Frame]]:
        messages: list[list[zmq.Frame]] = []
        receive = self._socket.recv
        try:
            while len(messages) < STEP and self._has_message:
                frames = [receive(zmq.NOBLOCK, copy=False)]
                while frames[-1].more:
                    frames.append(receive(zmq.NOBLOCK, copy=False))
                messages.append(frames)
        except zmq.Again:
            pass  # its sender has gone
        return messages

    def _monitored(self) -> None:
        for _ in range(MAX_NEWS):
            if self._closed:
                return
            try:
                news = parse_monitor_message(self._monitor.recv_multipart(zmq.NOBLOCK))
            except zmq.Again:
                return
            match news["event"]:
                case zmq.EVENT_ACCEPTED:
                    self._accepted(int(news["value"]))
                case zmq.EVENT_DISCONNECTED:
                    self._disconnected(int(news["value"]))
                case _:
                    self._connected()
        self._loop.call_soon(self._monitored)
