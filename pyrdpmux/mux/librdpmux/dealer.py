"""The VM's end of protocols 3 to 5."""

from typing import Final

import zmq

from pyrdpmux.errors import BackendError
from pyrdpmux.mux.librdpmux.transport import RECONNECT_MS, SocketUser
from pyrdpmux.mux.librdpmux.zmq_socket import ZmqSocket

LINGER_MS: Final = 500
"""How long a last message may take."""


class DealerSocket(ZmqSocket):
    """Sends and receives for one UUID. Create it on the loop, then :meth:`dial`."""

    def __init__(self, user: SocketUser, uuid: str) -> None:
        super().__init__(zmq.DEALER)
        self._socket.setsockopt(zmq.IMMEDIATE, 1)  # nothing is kept for a server that is not there
        self._socket.setsockopt(zmq.RECONNECT_IVL, RECONNECT_MS[0])
        self._socket.setsockopt(zmq.RECONNECT_IVL_MAX, RECONNECT_MS[1])
        self._user = user
        self._uuid = uuid.encode()
        self._is_connected = False

    def dial(self, address: str) -> None:
        """Connect, now or as soon as somebody listens, and again whenever the connection ends."""
        try:
            self._socket.connect(address)
        except zmq.ZMQError as error:
            raise BackendError(f"{address}: {error}") from error

    @property
    def is_connected(self) -> bool:
        return self._is_connected and not self._closed

    def send(self, message: bytes) -> None:
        """Never blocks; lost if nobody is there, or reads."""
        if self.is_connected:
            self._send([self._uuid, message])

    def close(self, linger: int = LINGER_MS) -> None:
        super().close(linger if self._is_connected else 0)

    def _take(self, messages: list[list[zmq.Frame]]) -> None:
        ours = [frames[1].bytes for frames in messages if len(frames) == 2 and frames[0].bytes == self._uuid]
        if ours:
            self._user.received(ours)

    def _connected(self) -> None:
        self._is_connected = True
        self._user.connected()

    def _disconnected(self, descriptor: int) -> None:
        if self._is_connected:
            self._is_connected = False
            self._user.disconnected()
