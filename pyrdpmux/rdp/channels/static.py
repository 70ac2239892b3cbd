"""Static virtual channels: messages cut into chunks, each with a header, and put together again."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Self

from pyrdpmux.errors import DecodeError, EncodeError, LimitExceeded, SequenceError
from pyrdpmux.wire import OpenIntFlag, Reader, Writer, frame_offset

#: CHANNEL_CHUNK_LENGTH, where the capability sets do not name another size.
DEFAULT_CHUNK_SIZE: Final = 1600
#: Clipboard and drive redirection send megabytes; a channel that needs more says so itself.
DEFAULT_MAX_MESSAGE_SIZE: Final = 16 * 1024 * 1024

COMPRESSION_TYPE_SHIFT: Final = 16
#: of a Channel PDU Header, and of its flags to what follows it
HEADER_SIZE: Final = 8
FLAGS_TO_DATA: Final = 4


class ChannelFlags(OpenIntFlag):
    """flags of MS-RDPBCGR 2.2.6.1.1; bits 16 to 19 are the compression type."""

    FIRST = 0x00000001
    LAST = 0x00000002
    SHOW_PROTOCOL = 0x00000010
    SUSPEND = 0x00000020
    RESUME = 0x00000040
    SHADOW_PERSISTENT = 0x00000080
    COMPRESSION_TYPE_MASK = 0x000F0000
    PACKET_COMPRESSED = 0x00200000
    PACKET_AT_FRONT = 0x00400000
    PACKET_FLUSHED = 0x00800000


@dataclass(frozen=True, slots=True)
class ChannelPduHeader:
    """MS-RDPBCGR 2.2.6.1.1 Channel PDU Header (CHANNEL_PDU_HEADER).

    ``length`` is that of the whole message, uncompressed; a chunk's own length is nowhere but in MCS.
    """

    length: int
    flags: ChannelFlags = ChannelFlags.FIRST | ChannelFlags.LAST

    @property
    def compression_type(self) -> int:
        """PACKET_COMPR_TYPE_*: 0 for 8K, 1 for 64K, 2 for RDP6, 3 for RDP61."""
        return (self.flags & ChannelFlags.COMPRESSION_TYPE_MASK) >> COMPRESSION_TYPE_SHIFT

    @classmethod
    def read(cls, r: Reader) -> Self:
        return cls(r.u32_le("length"), ChannelFlags(r.u32_le("flags")))

    def write(self, w: Writer) -> None:
        w.u32_le("length", self.length)
        w.u32_le("flags", self.flags)


@dataclass(frozen=True, slots=True)
class ChannelPdu:
    """MS-RDPBCGR 2.2.6.1 Virtual Channel PDU: one chunk, after the MCS and security headers."""

    header: ChannelPduHeader
    data: bytes

    @property
    def is_compressed(self) -> bool:
        return bool(self.header.flags & ChannelFlags.PACKET_COMPRESSED)

    @classmethod
    def read(cls, r: Reader) -> Self:
        header = r.structure(ChannelPduHeader, "channelPduHeader")
        return cls(header, r.payload("virtualChannelData"))

    def write(self, w: Writer) -> None:
        w.structure(self.header, "channelPduHeader")
        w.raw("virtualChannelData", self.data)


def chunks(
    message: bytes, chunk_size: int = DEFAULT_CHUNK_SIZE, *, show_protocol: bool = False
) -> Iterator[ChannelPdu]:
    """``message`` as the chunks to send in order, one at least.

    ``show_protocol``: the client asked for headers (CHANNEL_OPTION_SHOW_PROTOCOL). A message of several
    chunks shows them in any case (3.1.5.2.1), or its receiver could not put them together.
    """
    if chunk_size < 1:  # a peer's VCChunkSize may say so
        raise EncodeError("ChannelPdu.virtualChannelData", f"chunks of {chunk_size} bytes")
    size = len(message)
    always = ChannelFlags.SHOW_PROTOCOL if show_protocol or size > chunk_size else ChannelFlags(0)
    for at in range(0, max(size, 1), chunk_size):
        flags = always
        if at == 0:
            flags |= ChannelFlags.FIRST
        if at + chunk_size >= size:
            flags |= ChannelFlags.LAST
        yield ChannelPdu(ChannelPduHeader(size, flags), message[at : at + chunk_size])


#: asked for with each chunk: as numbers, at a tenth of what flags take
_FIRST: Final = int(ChannelFlags.FIRST)
_LAST: Final = int(ChannelFlags.LAST)
_COMPRESSED: Final = int(ChannelFlags.PACKET_COMPRESSED)


class ChannelReassembler:
    """One channel's incoming messages, within ``max_size`` bytes each.

    INVARIANT: holds no more than the announced length, which is at most ``max_size``, in however many chunks.
    """

    def __init__(self, max_size: int = DEFAULT_MAX_MESSAGE_SIZE) -> None:
        self._max_size = max_size
        self._length: int | None = None
        #: together: each object for itself is some hundred bytes more than a chunk need have
        self._received = bytearray()

    def __repr__(self) -> str:
        state = "idle" if self._length is None else f"{len(self._received)} of {self._length} bytes"
        return f"<{type(self).__name__} {state}>"

    def feed(self, pdu: ChannelPdu) -> bytes | None:
        """The message that ``pdu`` is or completes, None while chunks are missing.

        SUSPEND and RESUME are the caller's to see; such a PDU's data, if any, is treated like another's.
        """
        flags = int(pdu.header.flags)
        if flags & _COMPRESSED:
            at = frame_offset(pdu.data, HEADER_SIZE) - FLAGS_TO_DATA
            raise DecodeError("ChannelPdu.channelPduHeader.flags", "compressed, which was not offered", at)
        if flags & _FIRST:
            self._begin(pdu.header.length)
            if flags & _LAST and len(pdu.data) == pdu.header.length:
                self._length = None
                return pdu.data  # a message of one chunk still knows its place in the frame
        elif self._length is None:
            if flags & _LAST:
                raise SequenceError(repr(self), "LAST chunk", ("FIRST chunk",))
            return self._check_stray(pdu.data)
        at = frame_offset(pdu.data, HEADER_SIZE)
        self._append(pdu.data, at)
        return self._finish(at - HEADER_SIZE) if flags & _LAST else None

    def _begin(self, length: int) -> None:
        if self._length is not None:
            raise SequenceError(repr(self), "FIRST chunk", ("next chunk", "LAST chunk"))
        if length > self._max_size:
            raise LimitExceeded("channel message", length, self._max_size)
        self._length = length

    def _check_stray(self, data: bytes) -> bytes:
        """3.1.5.2.2: neither FIRST nor LAST and no message begun, so it is a message by itself."""
        if len(data) > self._max_size:
            raise LimitExceeded("channel message", len(data), self._max_size)
        return data

    def _append(self, data: bytes, at: int) -> None:
        size = len(self._received) + len(data)
        if self._length is not None and size > self._length:
            raise DecodeError(
                "ChannelPdu.virtualChannelData", f"{size} bytes of {self._length} announced", at
            )
        self._received += data

    def _finish(self, at: int) -> bytes:
        if len(self._received) != self._length:
            reason = f"{self._length} announced, {len(self._received)} sent"
            raise DecodeError("ChannelPdu.channelPduHeader.length", reason, at)
        message = bytes(self._received)
        self._length = None
        self._received = bytearray()
        return message
