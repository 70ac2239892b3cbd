"""The zlib streams of a connection: one for each encoding that has one, as long as the connection lasts."""

import zlib
from typing import Final

from pyrdpmux.errors import LimitExceeded
from pyrdpmux.rfb.limits import COMPRESSED_CHUNK
from pyrdpmux.rfb.steps import PAUSE, Step, take_u32, wrong

INFLATED_AT_ONCE: Final = 1 << 16


class CompressedStream:
    """Plain bytes of the rectangle at hand, inflated as they are asked for: a bomb never goes off."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._inflater = zlib.decompressobj()
        self._plain = bytearray()
        self._compressed = b""
        self._left = 0

    def begin(self, plain_size: int) -> Step[None]:
        """A rectangle that cannot be larger than ``plain_size``."""
        maximum = 2 * plain_size + INFLATED_AT_ONCE
        self._left = yield from take_u32()
        if self._left > maximum:
            raise LimitExceeded(f"{self._name}.length", self._left, maximum)

    def take(self, size: int) -> Step[bytes]:
        """The next plain bytes."""
        window = yield from self.look(size)
        if len(window) < size:
            raise wrong(f"{self._name}.data", f"need {size} bytes, {len(window)} left")
        self.advance(size)
        return window

    def look(self, size: int) -> Step[bytes]:
        """As :meth:`take`, without moving on; less if the rectangle has no more."""
        while len(self._plain) < size:
            if self._inflate():
                yield PAUSE
            elif not self._left:
                break
            else:
                self._compressed = yield min(self._left, COMPRESSED_CHUNK)
                self._left -= len(self._compressed)
        return bytes(self._plain[:size])

    def advance(self, size: int) -> None:
        del self._plain[:size]

    def finish(self) -> Step[None]:
        """The rectangle is complete: its end must be reached too."""
        yield from self.look(1)
        if self._plain:
            raise wrong(f"{self._name}.data", "more than the rectangle takes")

    def _inflate(self) -> bool:
        """False if there is nothing to be had from what has come so far."""
        try:
            plain = self._inflater.decompress(self._compressed, INFLATED_AT_ONCE)
        except zlib.error as error:
            raise wrong(f"{self._name}.data", str(error)) from error
        self._compressed = self._inflater.unconsumed_tail
        self._plain += plain
        return bool(plain)
