"""The pointer of one viewer: its shape, and where the guest puts it."""

import asyncio
from collections.abc import Callable
from typing import Final

from pyrdpmux.mux.console.pointer_cache import PointerCache
from pyrdpmux.mux.picture.cursor import AnyCursor
from pyrdpmux.net.peer import Peer
from pyrdpmux.rdp.connection.server.connection import ServerConnection
from pyrdpmux.rdp.pdu.pointer import PointerPosition

OWN_MOTION_SECONDS: Final = 0.4
"""While somebody moves the pointer, and this long after, the guest does not move it for that viewer: what it
says then is about where it was."""


class ViewerPointer:
    """``follow``: asked before the client's pointer is put somewhere; False: leave it where it is."""

    def __init__(self, connection: ServerConnection, peer: Peer, follow: Callable[[int, int], bool]) -> None:
        self._connection = connection
        self._peer = peer
        self._follow = follow
        self._cache: PointerCache | None = None
        self._pending_position: tuple[int, int] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._moved_at = float("-inf")
        self._loop = asyncio.get_running_loop()

    def start_over(self) -> None:
        """The client has become active, and remembers no shapes."""
        self._cache = PointerCache(self._connection.output)

    def close(self) -> None:
        """Nobody looks any more: nothing follows."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._cache, self._follow = None, _stays

    def show(self, cursor: AnyCursor) -> None:
        """From now on the client's pointer looks like that."""
        if self._cache is not None and self._connection.is_active:
            self._connection.send_pointer(self._cache.update_for(cursor))
            self._peer.flush()

    def moved_by_user(self) -> None:
        self._moved_at = self._loop.time()

    def moved_by_guest(self, x: int, y: int) -> None:
        """At once, or when the user has kept still for a moment; only the last position counts then."""
        self._pending_position = (x, y)
        if self._timer is not None:
            return
        wait = self._moved_at + OWN_MOTION_SECONDS - self._loop.time()
        if wait > 0:
            self._timer = self._loop.call_later(wait, self._on_timer)
        else:
            self._tell()

    def _on_timer(self) -> None:
        self._timer = None
        if self._pending_position is not None:
            self.moved_by_guest(*self._pending_position)

    def _tell(self) -> None:
        position, self._pending_position = self._pending_position, None
        if position is not None and self._connection.is_active and self._follow(*position):
            self._connection.send_pointer(PointerPosition(*position))
            self._peer.flush()


def _stays(x: int, y: int) -> bool:
    return False
