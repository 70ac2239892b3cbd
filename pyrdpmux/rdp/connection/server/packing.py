"""Updates made small by bulk compression (MS-RDPBCGR 3.1.8) where that may take its time: in a thread, say.

What was packed belongs to the history that the client has, too: ``ServerConnection.send_packed`` sends it
before more is packed. If it does not, that is lost, and the history begins anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from pyrdpmux.codec.bulk.mppc import RDP4, RDP5, MppcCompressor
from pyrdpmux.codec.bulk.packet import Compressed, CompressionType, PacketFlags
from pyrdpmux.rdp.fastpath.fragment import fragment
from pyrdpmux.rdp.fastpath.update import FastPathUpdate, UpdateBody, encode_update

MAX_TYPE: Final = CompressionType.K64
"""Who knows more knows this, too. What more saves of bitmaps is less than a tenth, in twice the time."""


@dataclass(frozen=True, slots=True)
class PackedUpdates:
    """Of one :meth:`UpdatePacker.pack`, which has this ``number``."""

    updates: tuple[FastPathUpdate, ...]
    number: int
    #: bytes of their data before and now
    plain_size: int
    size: int


class UpdatePacker:
    """The history of one connection's updates. Not for several threads at the same time."""

    def __init__(self, offered: CompressionType) -> None:
        """``offered``: the highest type that the client knows."""
        self._compressor = MppcCompressor(RDP5 if offered >= MAX_TYPE else RDP4)
        self._packed = 0
        self._sent = 0

    def pack(self, bodies: Sequence[UpdateBody], max_request_size: int | None) -> PackedUpdates:
        """``max_request_size``: of the client's fragments (2.2.7.2.6). EncodeError for what exceeds it."""
        if self._sent != self._packed:
            self._compressor.flush()
            self._sent = self._packed
        self._packed += 1
        updates = [part for body in bodies for part in fragment(encode_update(body), max_request_size)]
        fit = [at for at, update in enumerate(updates) if 0 < len(update.data) <= self._compressor.max_size]
        packets = self._compressor.compress_all([updates[at].data for at in fit])
        plain_size = sum(len(update.data) for update in updates)
        for at, packet in zip(fit, packets, strict=True):
            updates[at] = with_packet(updates[at], packet)
        size = sum(len(update.data) for update in updates)
        return PackedUpdates(tuple(updates), self._packed, plain_size, size)

    def sent(self, packed: PackedUpdates) -> bool:
        """They are about to be sent; False: the history has gone on without them, and they are of no use."""
        if packed.number != self._packed:
            return False
        self._sent = packed.number
        return True


def with_packet(update: FastPathUpdate, packet: Compressed) -> FastPathUpdate:
    """``update`` with its data compressed (2.2.9.1.2.1); itself, if the packet leaves the history alone."""
    if not packet.flags & (PacketFlags.COMPRESSED | PacketFlags.AT_FRONT | PacketFlags.FLUSHED):
        return update
    return replace(update, data=packet.data, compression_flags=packet.flags)
