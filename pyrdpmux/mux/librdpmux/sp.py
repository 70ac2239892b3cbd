"""nanomsg's wire format over a unix socket (section 3.1): a greeting of 8 bytes each way, then messages.

Only PAIR, the one pattern that librdpmux uses. https://nanomsg.org has it as sp-protocol-ids-01 and
sp-tcp-mapping-01; over ipc each message has a byte of type in front.
"""

from functools import lru_cache
from typing import Final

from pyrdpmux.errors import LimitExceeded
from pyrdpmux.mux.librdpmux.messages import MAX_MESSAGE
from pyrdpmux.wire import Reader, Writer

GREETING: Final = b"\0SP\0\0\x10\0\0"
"""Version 0; protocol 0x0010 is PAIR; two bytes reserved."""

IN_BAND: Final = 1
"""The type of every message."""

HEADER_SIZE: Final = 9


@lru_cache(256)
def frame(message: bytes) -> bytes:
    """As it is sent."""
    w = Writer("SP message")
    w.u8("type", IN_BAND)
    w.uint_be("size", len(message), 8)
    w.raw("body", message)
    return w.getvalue()


class SpStream:
    """What has come in on one connection."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        #: the peer has said that it speaks PAIR
        self.is_introduced = False

    def feed(self, data: bytes) -> None:
        """Raises DecodeError for another protocol's greeting."""
        self._buffer += data
        if not self.is_introduced and len(self._buffer) >= len(GREETING):
            r = Reader(bytes(self._buffer[: len(GREETING)]), "SP greeting")
            for byte in GREETING:
                r.constant_u8("greeting", byte)
            del self._buffer[: len(GREETING)]
            self.is_introduced = True

    def take(self, limit: int) -> list[bytes]:
        """So many messages at most. Raises DecodeError or LimitExceeded for what can be none."""
        messages: list[bytes] = []
        while len(messages) < limit and (end := self._end()) is not None:
            messages.append(bytes(self._buffer[HEADER_SIZE:end]))
            del self._buffer[:end]
        return messages

    @property
    def has_message(self) -> bool:
        """Whether there is one to take. Raises as :meth:`take` does."""
        return self._end() is not None

    def _end(self) -> int | None:
        """Of the first message, if all of it is there."""
        if not self.is_introduced or len(self._buffer) < HEADER_SIZE:
            return None
        r = Reader(bytes(self._buffer[:HEADER_SIZE]), "SP message")
        r.constant_u8("type", IN_BAND)
        size = r.uint_be("size", 8)
        if size > MAX_MESSAGE:
            raise LimitExceeded("bytes of a message", size, MAX_MESSAGE)
        return HEADER_SIZE + size if len(self._buffer) >= HEADER_SIZE + size else None
