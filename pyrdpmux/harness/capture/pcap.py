"""Capture files: pcap (both byte orders, micro- and nanoseconds) and pcapng, read; pcap, written."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pyrdpmux.errors import DecodeError
from pyrdpmux.harness.capture.errors import CaptureError
from pyrdpmux.wire import OpenIntEnum, Reader, Writer

MAGIC_MICROSECONDS: Final = 0xA1B2C3D4
MAGIC_NANOSECONDS: Final = 0xA1B23C4D
BLOCK_SECTION: Final = 0x0A0D0D0A
BLOCK_INTERFACE: Final = 1
BLOCK_SIMPLE_PACKET: Final = 3
BLOCK_ENHANCED_PACKET: Final = 6
BYTE_ORDER_MAGIC: Final = 0x1A2B3C4D
#: type, length, and the length again
BLOCK_MINIMUM: Final = 12
SECTION_MINIMUM: Final = BLOCK_MINIMUM + 4
OPTION_END: Final = 0
OPTION_TIME_RESOLUTION: Final = 9
#: tcpdump's own default snapshot length; loopback frames stay below 64 KiB
MAXIMUM_PACKET_SIZE: Final = 262_144
MAXIMUM_INTERFACES: Final = 256


class LinkType(OpenIntEnum):
    """LINKTYPE_ values of tcpdump.org."""

    NULL = 0
    ETHERNET = 1
    RAW = 101
    LINUX_SLL = 113
    IPV4 = 228
    IPV6 = 229
    LINUX_SLL2 = 276


@dataclass(frozen=True, slots=True)
class Packet:
    """One captured frame; ``time`` in seconds since 1970."""

    time: float
    link_type: LinkType
    data: bytes


def read_packets(path: Path) -> list[Packet]:
    """All packets of a pcap or pcapng file. CaptureError names the file and the offset."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CaptureError(f"{path}: {error.strerror}") from None
    try:
        return decode_packets(data)
    except DecodeError as error:
        raise CaptureError(f"{path}: {error}") from None


def decode_packets(data: bytes) -> list[Packet]:
    """All packets of a capture file's bytes."""
    r = Reader(data, "Capture")
    magic = r.u32_le("magic")
    if magic == BLOCK_SECTION:
        return list(_read_pcapng(Reader(data, "Pcapng")))
    for number, ticks in ((MAGIC_MICROSECONDS, 1e6), (MAGIC_NANOSECONDS, 1e9)):
        for endian in (_LITTLE, _BIG):
            if data[:4] == _u32(endian, number):
                return list(_read_pcap(r, endian, ticks))
    raise r.error("magic", f"{magic:#010x} is neither pcap nor pcapng")


def write_pcap(path: Path, packets: Iterable[Packet], link_type: LinkType = LinkType.ETHERNET) -> None:
    """A little-endian pcap file with microseconds."""
    w = Writer("Pcap")
    w.u32_le("magic", MAGIC_MICROSECONDS)
    w.u16_le("version_major", 2)
    w.u16_le("version_minor", 4)
    w.pad("thiszone, sigfigs", 8)
    w.u32_le("snaplen", MAXIMUM_PACKET_SIZE)
    w.u32_le("network", link_type)
    for packet in packets:
        ticks = round(packet.time * 1e6)
        w.u32_le("ts_sec", ticks // 1_000_000)
        w.u32_le("ts_usec", ticks % 1_000_000)
        w.u32_le("incl_len", len(packet.data))
        w.u32_le("orig_len", len(packet.data))
        w.raw("data", packet.data)
    path.write_bytes(w.getvalue())


# -- byte order ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Endian:
    """How this file writes its numbers."""

    u16: Callable[[Reader, str], int]
    u32: Callable[[Reader, str], int]
    put_u32: Callable[[Writer, str, int], None]


_LITTLE: Final = _Endian(Reader.u16_le, Reader.u32_le, Writer.u32_le)
_BIG: Final = _Endian(Reader.u16_be, Reader.u32_be, Writer.u32_be)


def _u32(endian: _Endian, value: int) -> bytes:
    w = Writer("magic")
    endian.put_u32(w, "magic", value)
    return w.getvalue()


# -- pcap ----------------------------------------------------------------------------------------


def _read_pcap(r: Reader, endian: _Endian, ticks: float) -> Iterator[Packet]:
    r.pad("version, thiszone, sigfigs", 12)
    r.pad("snaplen", 4)
    # The upper bits of the link type's field tell about frame check sequences.
    link_type = LinkType(endian.u32(r, "network") & 0x0FFFFFFF)
    while r.remaining:
        seconds = endian.u32(r, "ts_sec")
        fraction = endian.u32(r, "ts_usec")
        captured = _packet_size(r, endian, "incl_len")
        original = endian.u32(r, "orig_len")
        if original > captured:
            raise r.error("orig_len", f"{original}, but only {captured} bytes were captured")
        yield Packet(seconds + fraction / ticks, link_type, r.raw("data", captured))


def _packet_size(r: Reader, endian: _Endian, field: str) -> int:
    size = endian.u32(r, field)
    if size > MAXIMUM_PACKET_SIZE:
        raise r.error(field, f"{size}, at most {MAXIMUM_PACKET_SIZE} allowed")
    return size


# -- pcapng --------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Interface:
    link_type: LinkType
    ticks: float = 1e6


@dataclass(slots=True)
class _Section:
    endian: _Endian
    interfaces: list[_Interface] = field(default_factory=list)


def _read_pcapng(r: Reader) -> Iterator[Packet]:
    section = _Section(_LITTLE)
    while r.remaining:
        kind = section.endian.u32(r, "block type")
        if kind == BLOCK_SECTION:  # a palindrome, readable before the byte order is known
            length = r.raw("block total length", 4)
            section = _Section(_section_byte_order(r))
            size = section.endian.u32(Reader(length, "block total length"), "length")
            packet = None
            r.pad("section header", size - SECTION_MINIMUM)
        else:
            size = section.endian.u32(r, "block total length")
            with r.region(f"block[{kind:#x}]", size - BLOCK_MINIMUM):
                packet = _read_block(r, kind, section)
        trailer = section.endian.u32(r, "block total length (trailing)")
        if trailer != size:
            raise r.error("block total length (trailing)", f"{trailer}, at the start it was {size}")
        if packet is not None:
            yield packet


def _section_byte_order(r: Reader) -> _Endian:
    magic = r.raw("byte-order magic", 4)
    for endian in (_LITTLE, _BIG):
        if magic == _u32(endian, BYTE_ORDER_MAGIC):
            return endian
    raise r.error("byte-order magic", f"{magic.hex()} is unknown")


def _read_block(r: Reader, kind: int, section: _Section) -> Packet | None:
    packet = None
    if kind == BLOCK_INTERFACE:
        _read_interface(r, section)
    elif kind == BLOCK_ENHANCED_PACKET:
        packet = _read_enhanced_packet(r, section)
    elif kind == BLOCK_SIMPLE_PACKET:
        packet = _read_simple_packet(r, section)
    r.pad("options", r.remaining)
    return packet


def _read_interface(r: Reader, section: _Section) -> None:
    if len(section.interfaces) >= MAXIMUM_INTERFACES:
        raise r.error("interface", f"more than {MAXIMUM_INTERFACES} of them")
    endian = section.endian
    interface = _Interface(LinkType(endian.u16(r, "LinkType")))
    r.pad("Reserved, SnapLen", 6)
    while r.remaining >= 4:
        code = endian.u16(r, "option code")
        size = endian.u16(r, "option length")
        if code == OPTION_END:
            break
        value = r.raw("option value", size)
        r.pad("option padding", -size % 4)
        if code == OPTION_TIME_RESOLUTION and value:
            interface.ticks = float(2 ** (value[0] & 0x7F)) if value[0] & 0x80 else 10.0 ** value[0]
    section.interfaces.append(interface)


def _interface(r: Reader, section: _Section, number: int) -> _Interface:
    if number >= len(section.interfaces):
        raise r.error("Interface ID", f"{number}, only {len(section.interfaces)} described")
    return section.interfaces[number]


def _read_enhanced_packet(r: Reader, section: _Section) -> Packet:
    endian = section.endian
    interface = _interface(r, section, endian.u32(r, "Interface ID"))
    high = endian.u32(r, "Timestamp (High)")
    low = endian.u32(r, "Timestamp (Low)")
    captured = _packet_size(r, endian, "Captured Packet Length")
    original = endian.u32(r, "Original Packet Length")
    if original > captured:
        raise r.error("Original Packet Length", f"{original}, but only {captured} bytes were captured")
    return Packet((high << 32 | low) / interface.ticks, interface.link_type, r.raw("Packet Data", captured))


def _read_simple_packet(r: Reader, section: _Section) -> Packet:
    interface = _interface(r, section, 0)
    size = _packet_size(r, section.endian, "Original Packet Length")
    return Packet(0.0, interface.link_type, r.raw("Packet Data", size))
