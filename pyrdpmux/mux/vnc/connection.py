"""A connection to a VNC server: the loop opens it and sends input, a thread does the rest.

The server's bytes and its pictures never pass the event loop (:mod:`pyrdpmux.mux.vnc.decoding`).
"""

import asyncio
import contextlib
import socket
from typing import Final

from pyrdpmux.errors import BackendError
from pyrdpmux.mux.backend import Vm
from pyrdpmux.mux.vnc.decoding import DecodingThread, Reason
from pyrdpmux.mux.vnc.desk import Desk
from pyrdpmux.mux.vnc.input import VncInput
from pyrdpmux.mux.vnc.outlet import Outlet
from pyrdpmux.mux.vnc.session import VncSession
from pyrdpmux.mux.vnc.target import VncTarget
from pyrdpmux.rfb.client import RfbClient
from pyrdpmux.rfb.config import RfbConfig

CONNECT_SECONDS: Final = 10.0

KEEP_ALIVE: Final = ((socket.TCP_KEEPIDLE, 30), (socket.TCP_KEEPINTVL, 10), (socket.TCP_KEEPCNT, 3))


class VncConnection:
    """Runs one connection. :attr:`was_connected` tells whether it ever was one."""

    def __init__(
        self, target: VncTarget, config: RfbConfig, vm: Vm, input: VncInput, *, is_watched: bool
    ) -> None:
        self.was_connected = False
        self._target = target
        self._vm = vm
        self._input = input
        self._is_watched = is_watched
        self._client = RfbClient(config)
        self._session: VncSession | None = None
        self._outlet: Outlet | None = None
        self._thread: DecodingThread | None = None

    async def run(self) -> None:
        """Until the server ends it. Raises PeerError, BackendError, OSError."""
        connection = await self._open()
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[Reason | None] = loop.create_future()

        def tell_end(reason: Reason | None) -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(ended.set_result, reason)

        desk = Desk(self._vm, self._input, loop, self._connected)
        self._session = VncSession(desk, self._client, loop.time(), is_watched=self._is_watched)
        self._outlet = Outlet(connection, self._client)
        thread = DecodingThread(connection, self._client, self._session, self._outlet, desk, tell_end)
        self._thread = thread
        try:
            reason = await asyncio.shield(ended)
        finally:
            self._input.disconnect()
            thread.stop()
            # Two threads must not paint the same surface.
            await asyncio.shield(ended)
        if reason is not None:
            raise reason

    def _connected(self) -> None:
        self.was_connected = True
        self._input.connect(self._client, self)

    async def _open(self) -> socket.socket:
        target = self._target
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                if target.path is not None:
                    return await _connect(socket.AF_UNIX, str(target.path))
                plug = await self._open_tcp()
        except TimeoutError:
            raise BackendError(f"{target}: no answer within {CONNECT_SECONDS:g} s") from None
        plug.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in KEEP_ALIVE:
            plug.setsockopt(socket.IPPROTO_TCP, option, value)
        return plug

    async def _open_tcp(self) -> socket.socket:
        """To the first of the host's addresses that answers."""
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(self._target.host, self._target.port, type=socket.SOCK_STREAM)
        failure: OSError = OSError(f"{self._target}: no address")
        for family, _, _, _, address in found:
            try:
                return await _connect(family, address)
            except OSError as error:
                failure = error
        raise failure

    # -- what the loop wants ---------------------------------------------------------------------

    def watch(self, *, is_watched: bool) -> None:
        """Whether somebody looks at the VM."""
        self._is_watched = is_watched
        if self._session is not None and self._thread is not None:
            self._session.watch(is_watched=is_watched)
            self._thread.ring()

    def flush(self) -> None:
        """Send what is queued; see :class:`~pyrdpmux.mux.vnc.input.Sender`."""
        if self._outlet is None or self._thread is None:
            return
        self._outlet.flush()
        if self._outlet.unsent:
            self._thread.ring()

    @property
    def is_congested(self) -> bool:
        return self._outlet is not None and self._outlet.is_congested


async def _connect(family: int, address: object) -> socket.socket:
    plug = socket.socket(family, socket.SOCK_STREAM)
    try:
        plug.setblocking(False)
        await asyncio.get_running_loop().sock_connect(plug, address)  # type: ignore[arg-type]
    except BaseException:
        plug.close()
        raise
    return plug
