"""What stands in the way of a reader, put into recorded sessions: tags, offload, cuts, gaps, other files."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from pyrdpmux.harness.capture.byte_order import BIG, LITTLE, ByteOrder
from pyrdpmux.harness.capture.frame import FLAG_SYN, Segment, decode_segment
from pyrdpmux.harness.capture.packet import LinkType, Packet
from pyrdpmux.harness.capture.pcap import read_capture
from pyrdpmux.wire import Writer

FOLDER = Path(__file__).resolve().parents[3] / "fixtures" / "pcaps"
ETHERNET_SIZE = 14
IPV4_SIZE = 20


def recorded(name: str) -> list[Packet]:
    """The packets of a fixture: Ethernet and IPv4 without options."""
    return list(read_capture(FOLDER / f"{name}.pcap").packets)


def segment_of(packet: Packet) -> Segment:
    segment = decode_segment(packet)
    assert segment is not None
    return segment


# -- one packet --------------------------------------------------------------------------------------


def ip_of(packet: Packet) -> bytes:
    assert packet.link_type == LinkType.ETHERNET
    return packet.data[ETHERNET_SIZE:]


def tagged(*tags: bytes) -> Callable[[Packet], Packet]:
    """VLAN tags behind the addresses."""

    def change(packet: Packet) -> Packet:
        return replace(packet, data=packet.data[:12] + b"".join(tags) + packet.data[12:])

    return change


def without_ip_length(packet: Packet) -> Packet:
    at = ETHERNET_SIZE + 2
    return replace(packet, data=packet.data[:at] + b"\0\0" + packet.data[at + 2 :])


def in_ipv6(*, has_length: bool, extensions: bytes = b"", first: int = 6) -> Callable[[Packet], Packet]:
    def change(packet: Packet) -> Packet:
        ip = ip_of(packet)
        payload = extensions + ip[IPV4_SIZE:]
        w = Writer("ip6")
        w.u32_be("version", 6 << 28)
        w.u16_be("payload length", len(payload) if has_length else 0)
        w.u8("next header", first)
        w.u8("hop limit", 64)
        for start in (12, 16):
            w.raw("address", bytes.fromhex("20010db8") + bytes(8) + ip[start : start + 4])
        w.raw("payload", payload)
        return replace(packet, data=packet.data[:12] + b"\x86\xdd" + w.getvalue())

    return change


def cut(size: int) -> Callable[[Packet], Packet]:
    """The snapshot length of a capture."""

    def change(packet: Packet) -> Packet:
        missing = max(0, len(packet.data) - size)
        return replace(packet, data=packet.data[:size], missing_size=missing)

    return change


# -- all packets -------------------------------------------------------------------------------------


def without_syn(packets: Sequence[Packet]) -> list[Packet]:
    return [packet for packet in packets if not segment_of(packet).flags & FLAG_SYN]


def swapped(packets: Sequence[Packet]) -> list[Packet]:
    """Each pair of neighbors the other way round."""
    found = list(packets)
    found[:-1:2], found[1::2] = found[1::2], found[:-1:2]
    return found


def doubled(packets: Sequence[Packet]) -> list[Packet]:
    return [packet for packet in packets for _ in range(2)]


def fragmented(packets: Sequence[Packet], numbers: set[int]) -> list[Packet]:
    """The packets with these numbers as two IP fragments each, cut after 16 bytes of the TCP header."""
    found = []
    for number, packet in enumerate(packets, 1):
        if number not in numbers:
            found.append(packet)
            continue
        head, ip = packet.data[:ETHERNET_SIZE], ip_of(packet)
        for fragment, payload in ((0x2000, ip[20:36]), (0x0002, ip[36:])):
            w = Writer("ip")
            w.raw("version, type", ip[:2])
            w.u16_be("total length", IPV4_SIZE + len(payload))
            w.raw("identification", ip[4:6])
            w.u16_be("flags, fragment offset", fragment)
            w.raw("rest", ip[8:20])
            w.raw("payload", payload)
            found.append(replace(packet, data=head + w.getvalue()))
    return found


# -- files -------------------------------------------------------------------------------------------


def pcapng(packets: Sequence[Packet], *key_logs: str, order: ByteOrder = LITTLE) -> bytes:
    """A pcapng file with nanoseconds, its secrets between the first packets and the rest."""
    w = Writer("pcapng")
    _block(w, order, 0x0A0D0D0A, order.encoded(0x1A2B3C4D) + _words(order, 0, 1) + b"\xff" * 8)
    resolution = _words(order, 9, 1) + b"\x09\0\0\0"
    _block(w, order, 1, _words(order, packets[0].link_type, 0) + bytes(4) + resolution)
    for number, packet in enumerate(packets):
        if number == 5:
            for key_log in key_logs:
                data = key_log.encode("ascii")
                head = order.encoded(0x544C534B) + order.encoded(len(data))
                _block(w, order, 10, head + data)
        ticks = round(packet.time * 1e9)
        numbers = [
            0,
            ticks >> 32,
            ticks & 0xFFFFFFFF,
            len(packet.data),
            len(packet.data) + packet.missing_size,
        ]
        _block(w, order, 6, b"".join(map(order.encoded, numbers)) + packet.data)
    return w.getvalue()


def _words(order: ByteOrder, *values: int) -> bytes:
    w = Writer("words")
    for value in values:
        (w.u16_be if order is BIG else w.u16_le)("word", value)
    return w.getvalue()


def _block(w: Writer, order: ByteOrder, kind: int, body: bytes) -> None:
    padded = body + bytes(-len(body) % 4)
    for number in (kind, 12 + len(padded)):
        w.raw("type, length", order.encoded(number))
    w.raw("body", padded)
    w.raw("length", order.encoded(12 + len(padded)))


def exported(direction_client: bool, data: bytes, name: bytes = b"tpkt", port: int = 3389) -> bytes:
    """A message as Wireshark's "Export PDUs" writes it."""
    ours, theirs = (50000, port) if direction_client else (port, 50000)
    addresses = (b"\x0a\0\0\1", b"\x0a\0\0\2") if direction_client else (b"\x0a\0\0\2", b"\x0a\0\0\1")
    w = Writer("exported")
    tags = [(12, name), (20, addresses[0]), (21, addresses[1]), (24, b"\0\0\0\2")]
    for tag, value in tags:
        w.u16_be("tag", tag)
        w.u16_be("length", len(value))
        w.raw("value", value)
    for tag, number in ((25, ours), (26, theirs)):
        w.u16_be("tag", tag)
        w.u16_be("length", 4)
        w.u32_be("value", number)
    w.pad("end", 4)
    w.raw("data", data)
    return w.getvalue()
