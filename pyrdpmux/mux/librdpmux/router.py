"""The server's end of protocols 3 to 5: a ZeroMQ ROUTER that knows who is at the other end.

The original trusts the UUID in a message. Here a UUID belongs to the process that used it first, for as long
as that is connected, and only if it runs as the user that registered the VM: the kernel vouches for both.
"""

import logging
import os
from pathlib import Path
from typing import Final

import zmq

from pyrdpmux.errors import BackendError
from pyrdpmux.mux.librdpmux.own_path import OwnPath
from pyrdpmux.mux.librdpmux.peers import Peer, hang_up, peer_of
from pyrdpmux.mux.librdpmux.transport import MAX_PATH, Run, SocketUser, at_once
from pyrdpmux.mux.librdpmux.zmq_socket import ZmqSocket, zmq_context
from pyrdpmux.mux.log.connection_log import printable
from pyrdpmux.mux.log.rate_limited import RateLimitedLog

log = RateLimitedLog(logging.getLogger("pyrdpmux.librdpmux"))

SETTLE_SECONDS: Final = 0.02
"""After the news that a connection has ended, until its descriptor is closed."""

UUID_SIZE: Final = 36

CONNECTIONS_PER_VM: Final = 2
"""The library of version 3 connects twice."""

SPARE_CONNECTIONS: Final = 8
"""Of each user, beside those of its VMs: old ones whose end has not been noticed, or our own."""

MAX_GUESSES: Final = 64
"""Connections to a VM's own socket before it is given up to find the VM among them."""


class Route:
    """One VM's place at a router; a socket like any other to its owner."""

    def __init__(
        self, router: "Router", uuid: bytes, user: SocketUser, uid: int | None, *, is_private: bool
    ) -> None:
        self.uuid = uuid
        self._router = router
        self._user = user
        self._uid = uid
        self._is_private = is_private
        self._peer: Peer | None = None
        #: where a VM that has not been heard yet can be reached, and what to call it with
        self._guess: bytes | None = None
        self._call: bytes | None = None
        #: the connection of a VM whose UUID was given to another one
        self.banned: bytes | None = None

    def is_for(self, uid: int) -> bool:
        """Whether it is of this user's VM."""
        return self._uid in (None, uid)

    @property
    def is_connected(self) -> bool:
        return self._peer is not None or self._guess is not None

    @property
    def routing_id(self) -> bytes | None:
        return self._peer.routing_id if self._peer is not None else self._guess

    def send(self, message: bytes) -> None:
        """Never blocks; lost if nobody is there, or reads."""
        if self.routing_id is not None:
            self._router.send(self.routing_id, self.uuid, message)

    def close(self) -> None:
        self._router.remove(self)

    def call(self, message: bytes) -> None:
        """Look for a VM that knew an earlier server: it says nothing unless something happens to it.

        ``message`` must be harmless. Only on a private socket, where nobody else can be.
        """
        if self._is_private:
            self._call = message
            self._router.number_connections()

    def look(self) -> None:
        if self._call is None or self.is_connected:
            return
        self._guess = self._router.find(self.uuid, self._call)
        if self._guess is not None:
            self._user.connected()

    def knows(self, frame: zmq.Frame) -> bool:
        """Whether it comes from who was admitted."""
        return self._peer is not None and self._peer.has_sent(frame)

    def admits(self, sender: Peer) -> str:
        """Why not, or nothing; whoever is admitted first stays."""
        if self._uid is not None and sender.uid not in (self._uid, 0):
            return f"is uid {sender.uid}'s, but the VM uid {self._uid}'s"
        if sender.routing_id == self.banned:
            return "is of a VM that has been replaced"
        if self._peer is not None and self._peer.is_alive:
            if sender.pid != self._peer.pid:
                return f"is process {sender.pid}'s, but the VM's is {self._peer.pid}"
            return ""
        self.check()
        was_connected = self.is_connected
        self._peer, self._guess, self._call = sender, None, None
        if not was_connected:
            self._user.connected()
        return ""

    def received(self, messages: list[bytes]) -> None:
        self._user.received(messages)

    def check(self) -> None:
        """Notice that the VM has gone."""
        if self._peer is not None and not self._peer.is_alive:
            self._peer = None
            self._user.disconnected()
        elif self._guess is not None and not self._router.send(self._guess, self.uuid, self._call or b""):
            self._guess = None
            self._user.disconnected()


class Router(ZmqSocket):
    """A ROUTER socket for one VM, or for all. Create it on the loop, then bind it."""

    def __init__(self, run: Run = at_once) -> None:
        super().__init__(zmq.ROUTER, run)
        self._socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
        self._routes: dict[bytes, Route] = {}
        self._is_private = False
        self._check_planned = False
        self._check_again = False
        self._address = ""
        #: by descriptor, of which user each is
        self._connections: dict[int, int] = {}
        self._path: OwnPath | None = None
        self._number: int | None = None
        self._numbering: zmq.Socket[bytes] | None = None

    def bind_path(self, path: Path, owner: int | None) -> str:
        """Bind, for this user only (None: ours); returns the address for the other end."""
        if len(os.fsencode(path)) > MAX_PATH:
            raise BackendError(f"{path}: longer than the {MAX_PATH} bytes that a socket's path may have")
        address = f"ipc://{path}"
        self._is_private = True
        # Bound by us: libzmq would let everybody connect first, and would remove the path some time after it
        # was closed, when it may already be a successor's.
        self._path = OwnPath(path, owner)
        self._socket.setsockopt(zmq.USE_FD, self._path.socket.detach())
        self._bind(address)
        return address

    def bind_shared(self, address: str) -> str:
        """Bind where every local user may connect."""
        self._bind(address)
        return address

    @property
    def _local_name(self) -> str:
        """Of our socket, as the kernel tells it."""
        return self._address.removeprefix("ipc://").replace("@", "\0", 1)

    def _bind(self, address: str) -> None:
        try:
            self._socket.bind(address)
        except zmq.ZMQError as error:
            raise BackendError(f"{address}: {error.strerror or error}") from error
        self._address = address

    def add(self, uuid: str, user: SocketUser, uid: int | None) -> Route:
        """``uuid`` is spelled as the VM does. A route that had it before gets nothing any more."""
        route = Route(self, uuid.encode(), user, uid, is_private=self._is_private)
        previous = self._routes.get(route.uuid)
        if previous is not None:
            route.banned = previous.routing_id
        self._routes[route.uuid] = route
        return route

    def remove(self, route: Route) -> None:
        """A private socket ends with its only route."""
        if self._routes.get(route.uuid) is route:
            del self._routes[route.uuid]
        if self._is_private:
            self.close()

    def send(self, routing_id: bytes, uuid: bytes, message: bytes) -> bool:
        """False if nobody is there, or does not read."""
        return not self._closed and self._send([routing_id, uuid, message])

    def number_connections(self) -> None:
        """Find out which routing ids connections get: libzmq counts them from a random number.

        A VM that knew an earlier server connects to this one by itself but need not say anything for hours,
        and nothing can be sent to it, a key that wakes it neither, unless its routing id is known.
        """
        try:
            self._numbering = zmq_context().socket(zmq.DEALER)
        except zmq.ZMQError as error:
            raise BackendError(f"no ZeroMQ socket: {error.strerror or error}") from error
        self._numbering.setsockopt(zmq.LINGER, 0)
        self._numbering.connect(self._address)
        self._numbering.send(b"")

    def find(self, uuid: bytes, message: bytes) -> bytes | None:
        """The routing id of the latest connection that takes ``message``, if there is any."""
        if self._number is None:
            return None
        for number in range(self._number + MAX_GUESSES, self._number - MAX_GUESSES, -1):
            routing_id = b"\0" + bytes.fromhex(f"{number & 0xFFFFFFFF:08x}")
            if number != self._number and self.send(routing_id, uuid, message):
                return routing_id
        return None

    def _numbered(self, peer: Peer) -> None:
        """Our own message has come."""
        self._number = int(peer.routing_id[1:].hex(), 16)
        self._stop_numbering()
        self._connected()

    def _stop_numbering(self) -> None:
        if self._numbering is not None:
            self._numbering.close(linger=0)
            self._numbering = None

    def close(self, linger: int = 0) -> None:
        self._stop_numbering()
        if self._path is not None:
            self._path.remove()
            self._path = None
        super().close(linger)

    def _take(self, messages: list[list[zmq.Frame]]) -> None:
        batches: dict[Route, list[bytes]] = {}
        for frames in messages:
            if len(frames) == 2 and self._numbering is not None and Peer.of(frames[0]).pid == os.getpid():
                self._numbered(Peer.of(frames[0]))
                continue
            if len(frames) != 3:
                log.warning("zmq frames", "ZeroMQ: a message of %d frames, expected 3", len(frames))
                continue
            route = self._routes.get(frames[1].bytes)
            if route is None:
                uuid = frames[1].bytes[:UUID_SIZE]
                log.warning("zmq uuid", "ZeroMQ: a message for an unknown VM: %s", printable(repr(uuid)))
            elif not route.knows(frames[0]) and (complaint := route.admits(Peer.of(frames[0]))):
                log.warning("zmq peer", "ZeroMQ: a message for %s %s", route.uuid.decode(), complaint)
            else:
                batches.setdefault(route, []).append(frames[2].bytes)
        for route, batch in batches.items():
            if self._routes.get(route.uuid) is route:
                route.received(batch)

    def _connected(self) -> None:
        for route in list(self._routes.values()):
            route.look()

    def _accepted(self, descriptor: int) -> None:
        """libzmq accepts without end, and each connection takes a descriptor from everybody."""
        uid = peer_of(descriptor, self._local_name)
        if uid is None:
            return  # gone already, and its number perhaps given to another
        self._connections[descriptor] = uid
        routes = sum(route.is_for(uid) for route in self._routes.values())
        count = sum(other == uid for other in self._connections.values())
        if count > SPARE_CONNECTIONS + CONNECTIONS_PER_VM * routes:
            log.warning("zmq connections", "ZeroMQ: uid %d has %d connections, one is closed", uid, count)
            hang_up(descriptor)

    def _disconnected(self, descriptor: int) -> None:
        self._connections.pop(descriptor, None)
        self._check_soon()

    def _check_soon(self) -> None:
        """Many may go at a time, and to look is the more work the more VMs there are."""
        if self._check_planned:
            self._check_again = True
        else:
            self._check_planned = True
            self._loop.call_later(SETTLE_SECONDS, self._check)

    def _check(self) -> None:
        is_due_again, self._check_planned, self._check_again = self._check_again, False, False
        for route in list(self._routes.values()):
            if not self._closed:
                route.check()
        if is_due_again:
            self._check_soon()
