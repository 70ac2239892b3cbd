"""Messages of a dynamic channel: cut into blocks, compressed where agreed, and put together again."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from pyrdpmux.codec.bulk.zgfx import RDP8_LITE, ZgfxCompressor, ZgfxDecompressor
from pyrdpmux.errors import DecodeError, LimitExceeded, SequenceError
from pyrdpmux.rdp.channels.dynamic.header import WIDTHS, width_code
from pyrdpmux.rdp.channels.dynamic.pdu import Data, DataCompressed, DataFirst, DataFirstCompressed, DataPdu
from pyrdpmux.wire import encode, frame_offset

#: MS-RDPEDYC 1.3.3.2: "a maximum PDU size of 1,600 bytes"
MAX_PDU_SIZE: Final = 1600
#: 3.1.5.1.1: a longer message begins with a Data First, even where its block would fit a Data
MAX_SINGLE_MESSAGE: Final = 1590
#: 2.2.3.3: descriptor and header of a segment that could not be compressed
_SEGMENT_OVERHEAD: Final = 2
#: no channel of ours has a longer one; where graphics are raw pixels, that is a surface of 2048x2048
DEFAULT_MAX_MESSAGE_SIZE: Final = 16 * 1024 * 1024


class MessageSender:
    """One channel's outgoing messages. ``compresses``: both sides have agreed on version 3."""

    def __init__(self, channel_id: int, *, compresses: bool = False) -> None:
        self._channel_id = channel_id
        self._compressor = ZgfxCompressor(RDP8_LITE) if compresses else None

    def pdus(self, message: bytes) -> Iterator[DataPdu]:
        """``message`` as the PDUs to send in order, one at least, each of at most MAX_PDU_SIZE bytes."""
        header = 1 + WIDTHS[width_code(self._channel_id)]
        room = MAX_PDU_SIZE - header
        if self._compressor is not None:
            room -= _SEGMENT_OVERHEAD
        size = len(message)
        at = 0
        if size > MAX_SINGLE_MESSAGE:
            at = room - WIDTHS[width_code(size)]
            yield self._first(size, message[:at])
        while at < size or not size:
            yield self._block(message[at : at + room])
            at += room
            if not size:
                return

    def encoded(self, message: bytes) -> list[bytes]:
        """The bytes of :meth:`pdus`: a picture of megabytes is thousands of blocks, behind two headers."""
        if self._compressor is not None:
            return [encode(pdu) for pdu in self.pdus(message)]
        size = len(message)
        first, header = _headers(self._channel_id, size)
        begin, room = MAX_PDU_SIZE - len(first), MAX_PDU_SIZE - len(header)
        blocks = [header + message[at : at + room] for at in range(begin, size, room)]
        return [first + message[:begin], *blocks]

    def _first(self, size: int, block: bytes) -> DataPdu:
        if self._compressor is None:
            return DataFirst(self._channel_id, size, block)
        return DataFirstCompressed(self._channel_id, size, self._compressor.compress(block))

    def _block(self, block: bytes) -> DataPdu:
        if self._compressor is None:
            return Data(self._channel_id, block)
        return DataCompressed(self._channel_id, self._compressor.compress(block))


@lru_cache(maxsize=256)
def _headers(channel_id: int, size: int) -> tuple[bytes, bytes]:
    """In front of the first block of a message of this size, and of each that follows.

    A frame goes to all who share a stream, mostly by channels of the same number.
    """
    header = encode(Data(channel_id, b""))
    is_single = size <= MAX_SINGLE_MESSAGE
    return header if is_single else encode(DataFirst(channel_id, size, b"")), header


class MessageReceiver:
    """One channel's incoming messages, within ``max_size`` bytes each.

    INVARIANT: beside 16 KB of history for compressed data, it holds no more than the announced length, which
    is at most ``max_size``.
    """

    def __init__(self, max_size: int = DEFAULT_MAX_MESSAGE_SIZE) -> None:
        self._max_size = max_size
        self._length: int | None = None
        self._received = bytearray()
        self._decompressor: ZgfxDecompressor | None = None

    def __repr__(self) -> str:
        state = "idle" if self._length is None else f"{len(self._received)} of {self._length} bytes"
        return f"<{type(self).__name__} {state}>"

    def feed(self, pdu: DataPdu) -> bytes | None:
        """The message that ``pdu`` is or completes, None while blocks are missing. Raises PeerError.

        Compressed and other blocks may be mixed (2.2.3); only the former are history to what follows.
        """
        block = self._plain(pdu)
        if isinstance(pdu, DataFirst | DataFirstCompressed):
            self._begin(pdu.length)
        elif self._length is None:
            self._check_size(len(block))
            return block
        return self._append(block)

    def _plain(self, pdu: DataPdu) -> bytes:
        if isinstance(pdu, DataFirst | Data):
            return pdu.data
        if self._decompressor is None:
            self._decompressor = ZgfxDecompressor(RDP8_LITE, max_message=RDP8_LITE.segment_size)
        return self._decompressor.decompress(pdu.data)

    def _begin(self, length: int) -> None:
        if self._length is not None:
            raise SequenceError(repr(self), "Data First", ("Data",))
        self._check_size(length)
        self._length = length

    def _check_size(self, size: int) -> None:
        if size > self._max_size:
            raise LimitExceeded("dynamic channel message", size, self._max_size)

    def _append(self, block: bytes) -> bytes | None:
        assert self._length is not None
        size = len(self._received) + len(block)
        if size > self._length:
            raise DecodeError(
                "DynamicPdu.Data", f"{size} bytes of {self._length} announced", frame_offset(block)
            )
        self._received += block
        if size < self._length:
            return None
        message = bytes(self._received)
        self._length = None
        self._received = bytearray()
        return message
