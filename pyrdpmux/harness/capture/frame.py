"""One captured frame: link layer, VLAN tags, IPv4 or IPv6, TCP."""

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Final

from pyrdpmux.harness.capture.errors import CaptureError
from pyrdpmux.harness.capture.packet import LinkType, Packet
from pyrdpmux.wire import Reader

PROTOCOL_TCP: Final = 6
FLAG_SYN: Final = 0x02
FLAG_ACK: Final = 0x10
ETHERTYPE_IPV4: Final = 0x0800
ETHERTYPE_IPV6: Final = 0x86DD
#: IEEE 802.1Q, 802.1ad (QinQ), and what was used for the latter before it had a number
VLAN_TAGS: Final = frozenset({0x8100, 0x88A8, 0x9100})
MAXIMUM_VLAN_TAGS: Final = 4
#: RFC 8200 4.3 to 4.6 and RFC 6275: hop-by-hop, routing, destination, mobility; sizes in units of 8 bytes
IPV6_EXTENSIONS: Final = frozenset({0, 43, 60, 135})
IPV6_FRAGMENT: Final = 44
IPV6_AUTHENTICATION: Final = 51
MAXIMUM_EXTENSIONS: Final = 8
#: more fragments, and the offset
IPV4_FRAGMENT_BITS: Final = 0x3FFF
IPV6_FRAGMENT_BITS: Final = 0xFFF9

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
    """One TCP segment; ``missing_size`` bytes of it, behind ``data``, were not captured."""

    time: float
    source: Address
    destination: Address
    sequence: int
    acknowledgment: int
    flags: int
    data: bytes
    missing_size: int = 0


def decode_segment(packet: Packet) -> Segment | None:
    """The TCP segment in a captured frame; None if it carries something else.

    Raises DecodeError for headers that do not parse, CaptureError for what is not supported: an unknown
    link type, a fragment of an IP packet.
    """
    r = Reader(packet.data, "Frame")
    if packet.link_type in BARE_IP:
        r.pad("link", BARE_IP[packet.link_type])
    elif packet.link_type in LINK_LAYOUT:
        if not _read_link(r, *LINK_LAYOUT[packet.link_type]):
            return None
    else:
        raise CaptureError(f"link type {packet.link_type} is not supported")
    version = r.peek_u8("version") >> 4
    if version == 4:
        return _read_ipv4(r, packet)
    return _read_ipv6(r, packet) if version == 6 else None


def _read_link(r: Reader, before: int, after: int) -> bool:
    """Whether IP follows."""
    r.pad("link", before)
    protocol = r.u16_be("protocol")
    r.pad("link", after)
    for _ in range(MAXIMUM_VLAN_TAGS):
        if protocol not in VLAN_TAGS:
            break
        r.pad("tag control information", 2)
        protocol = r.u16_be("protocol")
    return protocol in (ETHERTYPE_IPV4, ETHERTYPE_IPV6)


def _read_ipv4(r: Reader, packet: Packet) -> Segment | None:
    header_size = (r.u8("version, IHL") & 0x0F) * 4
    r.pad("type of service", 1)
    total = r.u16_be("total length")
    r.pad("identification", 2)
    fragment = r.u16_be("flags, fragment offset")
    r.pad("time to live", 1)
    protocol = r.u8("protocol")
    r.pad("checksum", 2)
    source, destination = (str(ip_address(r.raw(name, 4))) for name in ("source", "destination"))
    r.pad("options", header_size - 20)
    if protocol != PROTOCOL_TCP:
        return None
    if fragment & IPV4_FRAGMENT_BITS:
        raise CaptureError("a fragment of an IPv4 packet: not put together")
    # Total length 0: the network card was to cut this one (segmentation offload); everything is there.
    size = total - header_size if total else r.remaining + packet.missing_size
    return _read_tcp(r, packet.time, source, destination, size)


def _read_ipv6(r: Reader, packet: Packet) -> Segment | None:
    r.pad("version, class, flow label", 4)
    size = r.u16_be("payload length")
    next_header = r.u8("next header")
    r.pad("hop limit", 1)
    source, destination = (str(ip_address(r.raw(name, 16))) for name in ("source", "destination"))
    # Payload length 0: segmentation offload here, too, or a jumbogram.
    end = size or r.remaining + packet.missing_size
    start = r.offset
    next_header = _read_extensions(r, next_header)
    if next_header != PROTOCOL_TCP:
        return None
    return _read_tcp(r, packet.time, source, destination, end - (r.offset - start))


def _read_extensions(r: Reader, next_header: int) -> int:
    """The protocol behind all extension headers."""
    for _ in range(MAXIMUM_EXTENSIONS):
        if next_header in IPV6_EXTENSIONS:
            next_header = _read_extension(r, lambda units: (units + 1) * 8)
        elif next_header == IPV6_AUTHENTICATION:
            next_header = _read_extension(r, lambda units: (units + 2) * 4)
        elif next_header == IPV6_FRAGMENT:
            next_header = r.u8("next header")
            r.pad("reserved", 1)
            fragment = r.u16_be("fragment offset, flags")
            r.pad("identification", 4)
            if fragment & IPV6_FRAGMENT_BITS and next_header == PROTOCOL_TCP:
                raise CaptureError("a fragment of an IPv6 packet: not put together")
        else:
            return next_header
    raise CaptureError(f"more than {MAXIMUM_EXTENSIONS} IPv6 extension headers")


def _read_extension(r: Reader, size_of: Callable[[int], int]) -> int:
    next_header = r.u8("next header")
    r.pad("extension header", size_of(r.u8("extension length")) - 2)
    return next_header


def _read_tcp(r: Reader, time: float, source: str, destination: str, size: int) -> Segment:
    captured = min(size, r.remaining)
    with r.region("tcp", captured):
        source_port = r.u16_be("source port")
        destination_port = r.u16_be("destination port")
        sequence = r.u32_be("sequence number")
        acknowledgment = r.u32_be("acknowledgment number")
        header_size = (r.u8("data offset") >> 4) * 4
        flags = r.u8("flags")
        r.pad("window, checksum, urgent pointer, options", header_size - 14)
        data = r.rest("data")
    return Segment(
        time,
        (source, source_port),
        (destination, destination_port),
        sequence,
        acknowledgment,
        flags,
        data,
        size - captured,
    )
