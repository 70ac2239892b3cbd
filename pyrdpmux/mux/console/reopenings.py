"""The graphics channel of a client that closes it because it does not like what was sent: asked for again."""

import logging
from collections import deque
from typing import Any, Final

from pyrdpmux.errors import PyRdpMuxError
from pyrdpmux.rdp.channels.graphics.header import CHANNEL_NAME
from pyrdpmux.rdp.connection.events import ChannelClosed
from pyrdpmux.rdp.connection.server.connection import ServerConnection

MAX_REOPENINGS: Final = 3
"""Within FORGIVEN_SECONDS: of a channel that is lost once more, nothing better is to be expected."""

FORGIVEN_SECONDS: Final = 600.0
"""After which a loss does not count any more: the channel has worked since."""


class Reopenings:
    """Of one connection. INVARIANT: at most MAX_REOPENINGS in FORGIVEN_SECONDS, and none once hopeless."""

    def __init__(self, connection: ServerConnection, log: logging.LoggerAdapter[Any]) -> None:
        self._connection = connection
        self._log = log
        #: when the channel was lost and is asked for again, of late
        self._times: deque[float] = deque(maxlen=MAX_REOPENINGS)
        self._is_due = False
        #: the client is not given the channel any more
        self.is_hopeless = False

    def lost(self, event: ChannelClosed, now: float) -> None:
        """The client has closed the channel, or refuses it."""
        while self._times and now - self._times[0] >= FORGIVEN_SECONDS:
            self._times.popleft()
        self.is_hopeless = event.is_refused or len(self._times) >= MAX_REOPENINGS
        if not self.is_hopeless:
            self._times.append(now)
            self._is_due = True
            self._log.warning("The client has closed the graphics channel: it is opened again")

    def ask(self) -> bool:
        """For the channel, if that is still to be done and the client is Active: whether there is to send."""
        if not self._is_due or not self._connection.is_active:
            return False
        self._is_due = False
        try:
            self._connection.open_channel(CHANNEL_NAME)
        except PyRdpMuxError as error:
            self._log.debug("The graphics channel cannot be opened again: %s", error)
            self.is_hopeless = True
        return not self.is_hopeless
