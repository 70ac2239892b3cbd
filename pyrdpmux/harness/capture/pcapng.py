"""pcapng files: sections, interfaces, packets and TLS secrets; other blocks are passed over."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from pyrdpmux.harness.capture.byte_order import BIG, LITTLE, ByteOrder
from pyrdpmux.harness.capture.packet import LinkType, Packet
from pyrdpmux.wire import Reader

BLOCK_SECTION: Final = 0x0A0D0D0A
BLOCK_INTERFACE: Final = 1
BLOCK_PACKET: Final = 2
BLOCK_SIMPLE_PACKET: Final = 3
BLOCK_ENHANCED_PACKET: Final = 6
BLOCK_DECRYPTION_SECRETS: Final = 10
BYTE_ORDER_MAGIC: Final = 0x1A2B3C4D
#: "TLSK": a key log in NSS format
SECRETS_TLS_KEY_LOG: Final = 0x544C534B
#: type, length, and the length again
BLOCK_MINIMUM: Final = 12
SECTION_MINIMUM: Final = BLOCK_MINIMUM + 4
OPTION_END: Final = 0
OPTION_TIME_RESOLUTION: Final = 9
#: 10^-15 s; finer clocks do not exist
MAXIMUM_TIME_EXPONENT: Final = 63
MAXIMUM_INTERFACES: Final = 256
#: Secrets of a long capture are kilobytes.
MAXIMUM_KEY_LOG_SIZE: Final = 16 * 1024 * 1024


@dataclass(slots=True)
class _Interface:
    link_type: LinkType
    snapshot_size: int
    ticks: float = 1e6


@dataclass(slots=True)
class _Section:
    order: ByteOrder
    interfaces: list[_Interface] = field(default_factory=list)

    def interface(self, r: Reader, number: int) -> _Interface:
        if number >= len(self.interfaces):
            raise r.error("Interface ID", f"{number}, only {len(self.interfaces)} described")
        return self.interfaces[number]


def read_pcapng(r: Reader) -> Iterator[Packet | str]:
    """Packets, and key logs as texts, in the order of the file. DecodeError where it is broken."""
    section = _Section(LITTLE)
    while r.remaining:
        kind = section.order.u32(r, "block type")
        if kind == BLOCK_SECTION:  # a palindrome, readable before the byte order is known
            length = r.raw("block total length", 4)
            section = _Section(_section_byte_order(r))
            size = section.order.u32(Reader(length, "block total length"), "length")
            content = None
            r.pad("section header", size - SECTION_MINIMUM)
        else:
            size = section.order.u32(r, "block total length")
            with r.region(f"block[{kind:#x}]", size - BLOCK_MINIMUM):
                content = _read_block(r, kind, section)
        trailer = section.order.u32(r, "block total length (trailing)")
        if trailer != size:
            raise r.error("block total length (trailing)", f"{trailer}, at the start it was {size}")
        if content is not None:
            yield content


def _section_byte_order(r: Reader) -> ByteOrder:
    magic = r.raw("byte-order magic", 4)
    for order in (LITTLE, BIG):
        if magic == order.encoded(BYTE_ORDER_MAGIC):
            return order
    raise r.error("byte-order magic", f"{magic.hex()} is unknown")


def _read_block(r: Reader, kind: int, section: _Section) -> Packet | str | None:
    content: Packet | str | None = None
    if kind == BLOCK_INTERFACE:
        _read_interface(r, section)
    elif kind in (BLOCK_ENHANCED_PACKET, BLOCK_PACKET):
        content = _read_packet(r, section, is_enhanced=kind == BLOCK_ENHANCED_PACKET)
    elif kind == BLOCK_SIMPLE_PACKET:
        content = _read_simple_packet(r, section)
    elif kind == BLOCK_DECRYPTION_SECRETS:
        content = _read_secrets(r, section.order)
    r.pad("options", r.remaining)
    return content


def _read_interface(r: Reader, section: _Section) -> None:
    if len(section.interfaces) >= MAXIMUM_INTERFACES:
        raise r.error("interface", f"more than {MAXIMUM_INTERFACES} of them")
    order = section.order
    link_type = LinkType(order.u16(r, "LinkType"))
    r.pad("Reserved", 2)
    interface = _Interface(link_type, order.u32(r, "SnapLen"))
    while r.remaining >= 4:
        code = order.u16(r, "option code")
        size = order.u16(r, "option length")
        if code == OPTION_END:
            break
        value = r.raw("option value", size)
        r.pad("option padding", -size % 4)
        if code == OPTION_TIME_RESOLUTION and value:
            exponent = value[0] & 0x7F
            if exponent > MAXIMUM_TIME_EXPONENT:
                raise r.error("if_tsresol", f"exponent {exponent}, at most {MAXIMUM_TIME_EXPONENT} allowed")
            interface.ticks = float(2**exponent) if value[0] & 0x80 else 10.0**exponent
    section.interfaces.append(interface)


def _read_packet(r: Reader, section: _Section, *, is_enhanced: bool) -> Packet:
    order = section.order
    if is_enhanced:
        interface = section.interface(r, order.u32(r, "Interface ID"))
    else:
        interface = section.interface(r, order.u16(r, "Interface ID"))
        r.pad("Drops Count", 2)
    high = order.u32(r, "Timestamp (High)")
    low = order.u32(r, "Timestamp (Low)")
    captured = order.packet_size(r, "Captured Packet Length")
    original = order.u32(r, "Original Packet Length")
    data = r.raw("Packet Data", captured)
    time = (high << 32 | low) / interface.ticks
    return Packet(time, interface.link_type, data, max(0, original - captured))


def _read_simple_packet(r: Reader, section: _Section) -> Packet:
    interface = section.interface(r, 0)
    original = section.order.u32(r, "Original Packet Length")
    captured = min(original, interface.snapshot_size or original, r.remaining)
    return Packet(0.0, interface.link_type, r.raw("Packet Data", captured), original - captured)


def _read_secrets(r: Reader, order: ByteOrder) -> str | None:
    kind = order.u32(r, "Secrets Type")
    size = order.u32(r, "Secrets Length")
    if size > MAXIMUM_KEY_LOG_SIZE:
        raise r.error("Secrets Length", f"{size}, at most {MAXIMUM_KEY_LOG_SIZE} allowed")
    data = r.raw("Secrets Data", size)
    return data.decode("ascii", "replace") if kind == SECRETS_TLS_KEY_LOG else None
