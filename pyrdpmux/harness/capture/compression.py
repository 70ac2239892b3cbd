"""Bulk compression in captures: one history a direction, for updates, share data and channels alike."""

from typing import Final

from pyrdpmux.codec.bulk.packet import PacketFlags
from pyrdpmux.codec.bulk.packets import PacketDecompressor
from pyrdpmux.errors import DecodeError, LimitExceeded
from pyrdpmux.wire import frame_offset

#: What one connection's compressed data may become, with all its layers kept.
MAXIMUM_EXPANDED_SIZE: Final = 512 * 1024 * 1024


class Budget:
    """How much decompressed data is still kept of one connection."""

    def __init__(self, size: int = MAXIMUM_EXPANDED_SIZE) -> None:
        self._size = size
        self._left = size

    def spend(self, size: int) -> None:
        """LimitExceeded when all of it is gone."""
        if size > self._left:
            needed = self._size - self._left + size
            self._left = 0
            raise LimitExceeded("MAXIMUM_EXPANDED_SIZE", needed, self._size)
        self._left -= size


class History:
    """One direction's receiving end (MS-RDPBCGR 3.1.8.3)."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._decompressor = PacketDecompressor()
        self._is_lost = False

    def lose(self) -> None:
        """Packets are missing, so that the history is wrong until the sender flushes its own."""
        self._is_lost = True

    def decompress(self, flags: int, data: bytes) -> bytes:
        """Plain data. Raises PeerError; ``flags`` is the type with PacketFlags."""
        if self._is_lost and flags & PacketFlags.FLUSHED:
            self._decompressor = PacketDecompressor()
            self._is_lost = False
        if self._is_lost and flags & PacketFlags.COMPRESSED:
            reason = "the history is not known behind what is missing"
            raise DecodeError("BulkPacket", reason, frame_offset(data))
        try:
            plain = self._decompressor.decompress(flags, data)
        except DecodeError as error:
            self._is_lost = True
            raise DecodeError(error.path, error.reason, frame_offset(data) + error.offset) from None
        self._budget.spend(len(plain))
        return plain
