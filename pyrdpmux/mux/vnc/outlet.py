"""What goes to a VNC server: sent at once by whoever has something to say, the loop or the thread."""

import socket
import threading
from typing import Final

from pyrdpmux.rfb.client import RfbClient

CONGESTED: Final = 1 << 14
MAX_UNSENT: Final = 1 << 20
"""Bytes: a server that reads none of its input for so long is as good as gone."""


class Outlet:
    """The writing half of a socket that does not block."""

    def __init__(self, connection: socket.socket, client: RfbClient) -> None:
        #: guards TLS, which both directions of the client share
        self.lock = threading.Lock()
        self._socket = connection
        self._client = client
        self._unsent = bytearray()

    @property
    def unsent(self) -> int:
        """Bytes that the socket has not taken: :meth:`flush` again when it does."""
        return len(self._unsent)

    @property
    def is_congested(self) -> bool:
        return len(self._unsent) > CONGESTED

    def flush(self) -> bool:
        """Send what is queued, as far as the socket takes it. False if the server takes nothing any more."""
        with self.lock:
            self._unsent += self._client.data_to_send()
            try:
                while self._unsent:
                    del self._unsent[: self._socket.send(self._unsent)]
            except BlockingIOError:
                pass
            except OSError:
                self._unsent.clear()  # whoever reads finds out why
            return len(self._unsent) <= MAX_UNSENT
