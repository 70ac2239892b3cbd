"""TCP conversations out of captured packets: each becomes two byte streams with times."""

from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from pyrdpmux.errors import DecodeError
from pyrdpmux.harness.capture.errors import CaptureError
from pyrdpmux.harness.capture.pcap import LinkType, Packet
from pyrdpmux.wire import Reader

PROTOCOL_TCP: Final = 6
ETHERTYPE_IPV4: Final = 0x0800
ETHERTYPE_IPV6: Final = 0x86DD
FLAG_SYN: Final = 0x02
FLAG_ACK: Final = 0x10
SEQUENCE_SPACE: Final = 1 << 32

#: Bytes of each link layer in front of its two-byte protocol field, and after it.
LINK_LAYOUT: Final[dict[LinkType, tuple[int, int]]] = {
    LinkType.ETHERNET: (12, 0),
    LinkType.LINUX_SLL: (14, 0),
    LinkType.LINUX_SLL2: (0, 18),
}
#: Link types whose frames begin with the IP header, after so many bytes.
BARE_IP: Final[dict[LinkType, int]] = {
    LinkType.NULL: 4,
    LinkType.RAW: 0,
    LinkType.IPV4: 0,
    LinkType.IPV6: 0,
}

Address = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Segment:
    """One TCP segment with data or SYN."""

    time: float
    source: Address
    destination: Address
    sequence: int
    flags: int
    data: bytes


@dataclass(frozen=True, slots=True)
class Arrival:
    """Bytes before stream offset ``end`` had come with packet number ``number`` at ``time``."""

    end: int
    number: int
    time: float


@dataclass(slots=True)
class Stream:
    """All bytes of one direction, and when they came."""

    data: bytearray = field(default_factory=bytearray)
    arrivals: list[Arrival] = field(default_factory=list)

    def arrival_of(self, end: int) -> Arrival:
        """The packet that completed the bytes before offset ``end``."""
        at = bisect_left(self.arrivals, end, key=lambda arrival: arrival.end)
        return self.arrivals[at]


@dataclass(slots=True)
class Conversation:
    """One TCP connection. The client is who sent the SYN."""

    client: Address
    server: Address
    from_client: Stream = field(default_factory=Stream)
    from_server: Stream = field(default_factory=Stream)

    def __str__(self) -> str:
        return f"{self.client[0]}:{self.client[1]} -> {self.server[0]}:{self.server[1]}"


def conversations(packets: Iterable[Packet]) -> list[Conversation]:
    """All TCP connections whose beginning was captured, in their order."""
    found: list[Conversation] = []
    assemblers: dict[tuple[Address, Address], _Assembler] = {}
    for number, packet in enumerate(packets, 1):
        try:
            segment = decode_segment(packet)
        except DecodeError as error:
            raise CaptureError(f"packet {number}: {error}") from None
        if segment is None:
            continue
        here = (segment.source, segment.destination)
        if segment.flags & FLAG_SYN and not segment.flags & FLAG_ACK and here not in assemblers:
            conversation = Conversation(*here)
            found.append(conversation)
            assemblers[here] = _Assembler(conversation.from_client)
            assemblers[here[1], here[0]] = _Assembler(conversation.from_server)
        if here in assemblers:
            assemblers[here].add(segment, number)
    for (source, destination), assembler in assemblers.items():
        if assembler.pending:
            raise CaptureError(
                f"{source[0]}:{source[1]} -> {destination[0]}:{destination[1]}: "
                f"bytes are missing at stream offset {len(assembler.stream.data)}"
            )
    return found


class _Assembler:
    """Puts one direction's segments in order; what came twice counts once."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self.pending: dict[int, bytes] = {}
        self._first: int | None = None

    def add(self, segment: Segment, number: int) -> None:
        if segment.flags & FLAG_SYN:
            self._first = (segment.sequence + 1) % SEQUENCE_SPACE
            return
        if self._first is None or not segment.data:
            return
        offset = (segment.sequence - self._first) % SEQUENCE_SPACE
        if offset >= SEQUENCE_SPACE // 2:  # a keep-alive probe repeats the byte before
            return
        if len(segment.data) > len(self.pending.get(offset, b"")):
            self.pending[offset] = segment.data
        self._drain(number, segment.time)

    def _drain(self, number: int, time: float) -> None:
        data = self.stream.data
        for offset in sorted(self.pending):
            if offset > len(data):
                return
            fresh = self.pending.pop(offset)[len(data) - offset :]
            if fresh:
                data += fresh
                self.stream.arrivals.append(Arrival(len(data), number, time))


# -- headers -------------------------------------------------------------------------------------


def decode_segment(packet: Packet) -> Segment | None:
    """The TCP segment in a captured frame; None if it carries something else."""
    r = Reader(packet.data, "Frame")
    if packet.link_type in BARE_IP:
        r.pad("link", BARE_IP[packet.link_type])
    elif packet.link_type in LINK_LAYOUT:
        before, after = LINK_LAYOUT[packet.link_type]
        r.pad("link", before)
        protocol = r.u16_be("protocol")
        r.pad("link", after)
        if protocol not in (ETHERTYPE_IPV4, ETHERTYPE_IPV6):
            return None
    else:
        raise CaptureError(f"link type {packet.link_type} is not supported")
    version = r.peek_u8("version") >> 4
    if version == 4:
        return _read_ipv4(r, packet.time)
    return _read_ipv6(r, packet.time) if version == 6 else None


def _read_ipv4(r: Reader, time: float) -> Segment | None:
    header_size = (r.u8("version, IHL") & 0x0F) * 4
    r.pad("type of service", 1)
    total = r.u16_be("total length")
    r.pad("identification, flags", 4)
    r.pad("time to live", 1)
    protocol = r.u8("protocol")
    r.pad("checksum", 2)
    source, destination = (".".join(map(str, r.raw(name, 4))) for name in ("source", "destination"))
    r.pad("options", header_size - 20)
    if protocol != PROTOCOL_TCP:
        return None
    # Total length 0: the network card was to cut this one; everything is there.
    size = total - header_size if total else r.remaining
    return _read_tcp(r, time, source, destination, size)


def _read_ipv6(r: Reader, time: float) -> Segment | None:
    r.pad("version, class, flow label", 4)
    size = r.u16_be("payload length")
    next_header = r.u8("next header")
    r.pad("hop limit", 1)
    source, destination = (r.raw(name, 16).hex(":", 2) for name in ("source", "destination"))
    if next_header != PROTOCOL_TCP:
        return None
    return _read_tcp(r, time, source, destination, size)


def _read_tcp(r: Reader, time: float, source: str, destination: str, size: int) -> Segment:
    with r.region("tcp", size):
        source_port = r.u16_be("source port")
        destination_port = r.u16_be("destination port")
        sequence = r.u32_be("sequence number")
        r.pad("acknowledgment number", 4)
        header_size = (r.u8("data offset") >> 4) * 4
        flags = r.u8("flags")
        r.pad("window, checksum, urgent pointer, options", header_size - 14)
        data = r.rest("data")
    return Segment(time, (source, source_port), (destination, destination_port), sequence, flags, data)
