"""What the compressors of RDP 4.0 to 6.1 have in common: packets with flags (MS-RDPBCGR 3.1.8.2.1).

The low four bits of the flags are the compression type, the others say what became of the history. They
travel in the header of the PDU that carries the data.
"""

from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import Final, Protocol

TYPE_MASK: Final = 0x0F


class CompressionType(IntEnum):
    """MS-RDPBCGR 2.2.8.1.1.1.2 compressedType, the type; each type implies its predecessors."""

    K8 = 0
    K64 = 1
    RDP6 = 2
    RDP61 = 3


class PacketFlags(IntFlag):
    """MS-RDPBCGR 3.1.8.2.1 Setting the Compression Flags."""

    COMPRESSED = 0x20
    AT_FRONT = 0x40
    FLUSHED = 0x80


@dataclass(frozen=True, slots=True)
class Compressed:
    """What to send: ``flags`` include the type. Without ``COMPRESSED``, ``data`` is the original."""

    flags: int
    data: bytes


class Compressor(Protocol):
    """The sending end of one history."""

    @property
    def max_size(self) -> int:
        """The largest packet it takes; send a larger one without compression."""

    def compress(self, data: bytes) -> Compressed: ...


class Decompressor(Protocol):
    """The receiving end of one history."""

    def decompress(self, flags: int, data: bytes) -> bytes:
        """Raises DecodeError, nothing else; the history is of no further use then."""
