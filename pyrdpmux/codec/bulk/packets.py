"""Bulk compression as a connection uses it: one type to send with, whatever type was agreed to receive."""

from collections.abc import Callable
from typing import Final

from pyrdpmux.codec.bulk.mppc import RDP4, RDP5, MppcCompressor, MppcDecompressor
from pyrdpmux.codec.bulk.ncrush import NcrushCompressor, NcrushDecompressor
from pyrdpmux.codec.bulk.packet import TYPE_MASK, CompressionType, Compressor, Decompressor, PacketFlags
from pyrdpmux.codec.bulk.xcrush import XcrushCompressor, XcrushDecompressor
from pyrdpmux.errors import DecodeError

#: one of them, or the packet does nothing to a history
_ACTING: Final = int(PacketFlags.COMPRESSED | PacketFlags.AT_FRONT | PacketFlags.FLUSHED)

_COMPRESSORS: Final[dict[CompressionType, Callable[[], Compressor]]] = {
    CompressionType.K8: lambda: MppcCompressor(RDP4),
    CompressionType.K64: lambda: MppcCompressor(RDP5),
    CompressionType.RDP6: NcrushCompressor,
    CompressionType.RDP61: XcrushCompressor,
}
_DECOMPRESSORS: Final[dict[int, Callable[[], Decompressor]]] = {
    CompressionType.K8: lambda: MppcDecompressor(RDP4),
    CompressionType.K64: lambda: MppcDecompressor(RDP5),
    CompressionType.RDP6: NcrushDecompressor,
    CompressionType.RDP61: XcrushDecompressor,
}


def compressor(compression_type: CompressionType) -> Compressor:
    """A new history to send with."""
    return _COMPRESSORS[compression_type]()


class PacketDecompressor:
    """The receiving end for every type up to ``max_type``, the one that the Client Info PDU offered.

    Histories are made when first needed, at most one per type.
    """

    def __init__(self, max_type: CompressionType = CompressionType.RDP61) -> None:
        self._max_type = max_type
        self._histories: dict[int, Decompressor] = {}

    def decompress(self, flags: int, data: bytes) -> bytes:
        """Raises DecodeError, nothing else."""
        if not flags & _ACTING:
            return data  # nothing happened to any history; the type may be anything
        number = flags & TYPE_MASK
        if number > self._max_type:
            raise DecodeError("BulkPacket.flags", f"type {number}, at most {int(self._max_type)} agreed", 0)
        if number not in self._histories:
            self._histories[number] = _DECOMPRESSORS[number]()
        return self._histories[number].decompress(flags, data)
