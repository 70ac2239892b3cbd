"""The static virtual channels of one connection: messages out as chunks, chunks in as messages.

What both sides may do is agreed with the capability sets (MS-RDPBCGR 2.2.7.1.10): until then, and where a
side says nothing, chunks have 1,600 bytes and are not compressed.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from pyrdpmux.codec.bulk.packet import CompressionType, Compressor, Decompressor
from pyrdpmux.codec.bulk.packets import PacketDecompressor, compressor
from pyrdpmux.rdp.channels.static import (
    DEFAULT_CHUNK_SIZE,
    DEFAULT_MAX_MESSAGE_SIZE,
    ChannelFlags,
    ChannelPdu,
    ChannelPduHeader,
    ChannelReassembler,
    chunks,
)
from pyrdpmux.rdp.mcs.client_data import ChannelOptions
from pyrdpmux.rdp.pdu.capabilities.session import VirtualChannelCapability, VirtualChannelFlags

#: MS-RDPBCGR 2.2.7.1.10: the largest VCChunkSize
MAX_CHUNK_SIZE: Final = 16256
#: the compression flags of MS-RDPBCGR 2.2.6.1.1 are those of bulk compression (3.1.8.2.1), higher up
COMPRESSION_SHIFT: Final = 16
_FLAGS_MASK: Final = int(
    ChannelFlags.COMPRESSION_TYPE_MASK
    | ChannelFlags.PACKET_COMPRESSED
    | ChannelFlags.PACKET_AT_FRONT
    | ChannelFlags.PACKET_FLUSHED
)
_COMPRESSING: Final = ChannelOptions.COMPRESS | ChannelOptions.COMPRESS_RDP


@dataclass(frozen=True, slots=True)
class Agreement:
    """What capability sets have come to. A type of None: nothing is compressed in that direction."""

    chunk_size: int = DEFAULT_CHUNK_SIZE
    to_client: CompressionType | None = None
    to_server: CompressionType | None = None

    @classmethod
    def of(
        cls,
        server: VirtualChannelCapability | None,
        client: VirtualChannelCapability | None,
        client_type: CompressionType | None,
    ) -> "Agreement":
        """``client_type``: the highest one of the Client Info PDU, None where it offers no compression.

        The server's VCChunkSize counts where the client has that field, too (3.1.5.2.1); one that is out of
        its range is brought into it.
        """
        if server is None or client is None:
            return cls()
        chunk_size = DEFAULT_CHUNK_SIZE
        if server.chunk_size is not None and client.chunk_size is not None:
            chunk_size = min(max(server.chunk_size, DEFAULT_CHUNK_SIZE), MAX_CHUNK_SIZE)
        compresses_to_server = server.flags & VirtualChannelFlags.COMPR_CS_8K
        return cls(
            chunk_size,
            client_type if client.flags & VirtualChannelFlags.COMPR_SC else None,
            CompressionType.K8 if compresses_to_server else None,
        )


class StaticTraffic:
    """One side of it. Compression has one history per direction, whatever the channel (3.1.8).

    INVARIANT: holds an unfinished message of at most ``max_message`` bytes for each channel, and histories.
    """

    def __init__(self, max_message: int = DEFAULT_MAX_MESSAGE_SIZE) -> None:
        self._max_message = max_message
        self._reassemblers: dict[int, ChannelReassembler] = {}
        self._chunk_size = DEFAULT_CHUNK_SIZE
        self._compressor: Compressor | None = None
        self._decompressor: PacketDecompressor | None = None
        self._is_agreed = False

    def agree(
        self,
        chunk_size: int,
        sending: CompressionType | None,
        receiving: CompressionType | None,
        *,
        outgoing: Compressor | None = None,
        incoming: PacketDecompressor | None = None,
    ) -> None:
        """Once per connection: histories go on through a deactivation-reactivation.

        ``outgoing`` and ``incoming`` are those of the connection, where updates are compressed, too.
        """
        if self._is_agreed:
            return
        self._is_agreed = True
        self._chunk_size = chunk_size
        if sending is not None:
            self._compressor = outgoing or compressor(sending)
        if receiving is not None:
            self._decompressor = incoming or PacketDecompressor(receiving)

    # -- out -------------------------------------------------------------------------------------

    def send(self, message: bytes, options: ChannelOptions) -> Iterator[ChannelPdu]:
        """The chunks of ``message`` on a channel that the client defined with ``options``."""
        shows_protocol = bool(options & ChannelOptions.SHOW_PROTOCOL)
        for pdu in chunks(message, self._chunk_size, show_protocol=shows_protocol):
            yield self._compressed(pdu) if options & _COMPRESSING else pdu

    def is_alike(self, message: bytes, options: ChannelOptions) -> bool:
        """Nothing but its length decides about the envelope of ``message``: it is one chunk, as it is."""
        is_plain = self._compressor is None or not options & _COMPRESSING
        return is_plain and 0 < len(message) <= self._chunk_size

    def _compressed(self, pdu: ChannelPdu) -> ChannelPdu:
        if self._compressor is None or not pdu.data or len(pdu.data) > self._compressor.max_size:
            return pdu
        packet = self._compressor.compress(pdu.data)
        flags = pdu.header.flags | ChannelFlags(packet.flags << COMPRESSION_SHIFT)
        return ChannelPdu(ChannelPduHeader(pdu.header.length, flags), packet.data)

    # -- in --------------------------------------------------------------------------------------

    def receive(self, channel_id: int, pdu: ChannelPdu) -> bytes | None:
        """The message that ``pdu`` is or completes, None while chunks are missing. Raises PeerError."""
        reassembler = self._reassemblers.get(channel_id)
        if reassembler is None:
            reassembler = self._reassemblers[channel_id] = ChannelReassembler(self._max_message)
        return reassembler.feed(self._plain(pdu))

    def _plain(self, pdu: ChannelPdu) -> ChannelPdu:
        if self._decompressor is None:
            return pdu  # a compressed one is refused by the reassembler
        return decompressed(pdu, self._decompressor)


def decompressed(pdu: ChannelPdu, history: Decompressor) -> ChannelPdu:
    """The chunk as it was before its sender compressed it. Raises what ``history`` does.

    Every chunk of a direction has to come by here: one that is not compressed may empty the history.
    """
    flags = int(pdu.header.flags)
    data = history.decompress((flags & _FLAGS_MASK) >> COMPRESSION_SHIFT, pdu.data)
    if data is pdu.data and not flags & _FLAGS_MASK:
        return pdu
    return ChannelPdu(replace(pdu.header, flags=ChannelFlags(flags & ~_FLAGS_MASK)), data)
