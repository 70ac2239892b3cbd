"""Capture files: pcap (both byte orders, micro- and nanoseconds) and pcapng, read; pcap, written."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from pyrdpmux.errors import DecodeError
from pyrdpmux.harness.capture.byte_order import BIG, LITTLE, MAXIMUM_PACKET_SIZE, ByteOrder
from pyrdpmux.harness.capture.errors import CaptureError
from pyrdpmux.harness.capture.packet import CaptureFile, LinkType, Packet
from pyrdpmux.harness.capture.pcapng import BLOCK_SECTION, read_pcapng
from pyrdpmux.harness.capture.stop import Stop, StopLayer
from pyrdpmux.wire import Reader, Writer

MAGIC_MICROSECONDS: Final = 0xA1B2C3D4
MAGIC_NANOSECONDS: Final = 0xA1B23C4D
#: What is behind them is reported and not read: memory is bounded by about four times the file's size.
MAXIMUM_FILE_SIZE: Final = 512 * 1024 * 1024
MAXIMUM_PACKETS: Final = 2_000_000
#: One connection's secrets are a line or five.
MAXIMUM_KEY_LOGS: Final = 1024


def read_capture(path: Path) -> CaptureFile:
    """What can be read of a pcap or pcapng file. CaptureError if it is neither, or not readable."""
    try:
        with path.open("rb") as file:
            data = file.read(MAXIMUM_FILE_SIZE)
            is_whole = not file.read(1)
    except OSError as error:
        raise CaptureError(f"{path}: {error.strerror}") from None
    try:
        capture = decode_capture(data)
    except DecodeError as error:
        raise CaptureError(f"{path}: {error}") from None
    if is_whole:
        return capture
    stop = Stop(StopLayer.FILE, f"only the first {MAXIMUM_FILE_SIZE} bytes are read", is_end=True)
    return CaptureFile(capture.packets, capture.key_logs, (stop,))


def decode_capture(data: bytes) -> CaptureFile:
    """What can be read of a capture file's bytes. DecodeError if they are no such file at all."""
    content = _reader(data)
    packets: list[Packet] = []
    key_logs: list[str] = []
    stops: tuple[Stop, ...] = ()
    try:
        for item in content:
            if isinstance(item, str):
                key_logs = [*key_logs, item][-MAXIMUM_KEY_LOGS:]
            elif len(packets) < MAXIMUM_PACKETS:
                packets.append(item)
            else:
                stops = (Stop(StopLayer.FILE, f"only the first {MAXIMUM_PACKETS} packets are read"),)
                break
    except DecodeError as error:
        time = packets[-1].time if packets else 0.0
        stops = (Stop(StopLayer.FILE, f"cut or broken: {error}", len(packets) + 1, time),)
    return CaptureFile(tuple(packets), tuple(key_logs), stops)


def _reader(data: bytes) -> Iterator[Packet | str]:
    r = Reader(data, "Capture")
    magic = r.u32_le("magic")
    if magic == BLOCK_SECTION:
        return read_pcapng(Reader(data, "Pcapng"))
    for number, ticks in ((MAGIC_MICROSECONDS, 1e6), (MAGIC_NANOSECONDS, 1e9)):
        for order in (LITTLE, BIG):
            if data[:4] == order.encoded(number):
                return _read_pcap(r, order, ticks)
    raise r.error("magic", f"{magic:#010x} is neither pcap nor pcapng")


def _read_pcap(r: Reader, order: ByteOrder, ticks: float) -> Iterator[Packet]:
    r.pad("version, thiszone, sigfigs", 12)
    r.pad("snaplen", 4)
    # The upper bits of the link type's field tell about frame check sequences.
    link_type = LinkType(order.u32(r, "network") & 0x0FFFFFFF)
    while r.remaining:
        seconds = order.u32(r, "ts_sec")
        fraction = order.u32(r, "ts_usec")
        captured = order.packet_size(r, "incl_len")
        original = order.u32(r, "orig_len")
        time = seconds + fraction / ticks
        yield Packet(time, link_type, r.raw("data", captured), max(0, original - captured))


def write_pcap(path: Path, packets: Iterable[Packet], link_type: LinkType = LinkType.ETHERNET) -> None:
    """A little-endian pcap file with microseconds."""
    path.write_bytes(encode_pcap(packets, link_type))


def encode_pcap(packets: Iterable[Packet], link_type: LinkType = LinkType.ETHERNET) -> bytes:
    """The bytes of such a file."""
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
        w.u32_le("orig_len", len(packet.data) + packet.missing_size)
        w.raw("data", packet.data)
    return w.getvalue()
