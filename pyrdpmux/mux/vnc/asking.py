"""When a VNC server is asked for what: at once, while somebody looks; for nothing, while nobody does.

A server that can is told once to send updates without being asked (rfbproto, EnableContinuousUpdates), and
finds out by its fences how much we take. Any other is asked for the next update when one begins to arrive.
"""

import math
from typing import Final, Protocol

REQUEST_INTERVAL: Final = 1 / 60
"""Seconds between two requests: servers that answer at once would otherwise do so all the time."""


class Asked(Protocol):
    """The connection, :class:`~pyrdpmux.rfb.client.RfbClient`."""

    def request_update(self, *, incremental: bool) -> None: ...

    def enable_continuous_updates(self, *, enable: bool) -> None: ...


class Asking:
    """Of one connection whose handshake is done. :attr:`due` says when :meth:`act` has something to do."""

    def __init__(self, server: Asked, *, is_watched: bool) -> None:
        #: somebody looks
        self.is_watched = is_watched
        self._server = server
        self._has_continuous = False
        self._is_continuous = False
        self._needs_everything = True
        #: a request is on its way
        self._is_asked = False
        self._asked_at = -math.inf

    def continuous_updates_ended(self) -> None:
        """The server can send updates unasked, and does not do so now."""
        self._has_continuous = True

    def update_started(self) -> None:
        """What was asked for begins to arrive."""
        self._is_asked = False

    def resized(self) -> None:
        """Nothing that we have of the picture is of use, and it may have another area."""
        self._needs_everything = True
        self._is_continuous = False

    def lost(self) -> None:
        """What we have of the picture is wrong somewhere."""
        self._needs_everything = True

    @property
    def due(self) -> float:
        """When to ask; infinity if there is no reason."""
        if not self.is_watched:
            return -math.inf if self._is_continuous else math.inf
        if self._has_continuous and not self._is_continuous:
            return -math.inf
        if self._needs_everything or not (self._is_asked or self._is_continuous):
            return self._asked_at + REQUEST_INTERVAL
        return math.inf

    def act(self, now: float) -> None:
        """Ask, if it is time."""
        if now < self.due:
            return
        if self._has_continuous and self.is_watched != self._is_continuous:
            self._is_continuous = self.is_watched
            self._server.enable_continuous_updates(enable=self.is_watched)
        if now >= self.due:
            self._server.request_update(incremental=not self._needs_everything)
            self._needs_everything = False
            self._is_asked = True
            self._asked_at = now
