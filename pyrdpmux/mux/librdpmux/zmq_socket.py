"""A ZeroMQ socket on the event loop, with the news of its connections (section 3.2).

Import this, and what is built on it, only where pyzmq is needed: it is an optional dependency.
"""

import asyncio
import contextlib
from typing import Final

import zmq
from zmq.utils.monitor import parse_monitor_message

from pyrdpmux.mux.librdpmux.messages import MAX_MESSAGE

MAX_BATCH: Final = 64
"""Messages handled before other descriptors of the loop get their turn."""

_NEWS: Final = zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_DISCONNECTED


class ZmqSocket:
    """Calls :meth:`_take`, :meth:`_connected` and :meth:`_disconnected`, all on the loop."""

    def __init__(self, kind: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._socket: zmq.Socket[bytes] = zmq.Context.instance().socket(kind)
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.setsockopt(zmq.MAXMSGSIZE, MAX_MESSAGE)
        self._closed = False
        self._monitor: zmq.Socket[bytes] = self._socket.get_monitor_socket(_NEWS)
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
        try:
            self._socket.send_multipart(frames, zmq.NOBLOCK)
        except zmq.ZMQError:
            return False
        finally:
            # The descriptor tells of a message once, and that may have been just now.
            if int(self._socket.get(zmq.EVENTS)) & zmq.POLLIN:
                self._loop.call_soon(self._readable)
        return True

    def _take(self, messages: list[list[zmq.Frame]]) -> None:
        raise NotImplementedError

    def _connected(self) -> None:
        """A peer is there."""

    def _disconnected(self) -> None:
        """One has gone."""

    def _readable(self) -> None:
        messages: list[list[zmq.Frame]] = []
        while not self._closed and len(messages) < MAX_BATCH:
            try:
                messages.append(self._socket.recv_multipart(zmq.NOBLOCK, copy=False))
            except zmq.Again:
                break
        else:
            self._loop.call_soon(self._readable)
        if messages and not self._closed:
            self._take(messages)

    def _monitored(self) -> None:
        with contextlib.suppress(zmq.Again):
            while not self._closed:
                news = parse_monitor_message(self._monitor.recv_multipart(zmq.NOBLOCK))
                if news["event"] == zmq.EVENT_DISCONNECTED:
                    self._disconnected()
                else:
                    self._connected()
