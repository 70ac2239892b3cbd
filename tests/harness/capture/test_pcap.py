"""Capture files: what we write we read, in every variant that others write."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrdpmux.errors import DecodeError
from pyrdpmux.harness.capture.errors import CaptureError
from pyrdpmux.harness.capture.packet import CaptureFile, LinkType, Packet
from pyrdpmux.harness.capture.pcap import decode_capture, read_capture, write_pcap
from pyrdpmux.harness.capture.stop import Stop, StopLayer
from pyrdpmux.wire import Writer
from tests.rows import unhex

PACKETS = (Packet(1.5, LinkType.ETHERNET, b"\x01\x02\x03", 7), Packet(2.000001, LinkType.ETHERNET, b""))


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.pcap"
    write_pcap(path, PACKETS)
    assert read_capture(path) == CaptureFile(PACKETS)


@pytest.mark.parametrize(
    ("name", "text", "link_type", "time"),
    [
        (
            "little-endian, microseconds",
            """d4c3b2a1 0200 0400 00000000 00000000 00000400 01000000
               01000000 20a10700 02000000 02000000 abcd""",
            LinkType.ETHERNET,
            1.5,
        ),
        (
            "big-endian, microseconds",
            """a1b2c3d4 0002 0004 00000000 00000000 00040000 00000071
               00000001 0007a120 00000002 00000002 abcd""",
            LinkType.LINUX_SLL,
            1.5,
        ),
        (
            "little-endian, nanoseconds",
            """4d3cb2a1 0200 0400 00000000 00000000 00000400 65000000
               01000000 0065cd1d 02000000 02000000 abcd""",
            LinkType.RAW,
            1.5,
        ),
        (
            "link type with a frame check sequence in its upper bits",
            """d4c3b2a1 0200 0400 00000000 00000000 00000400 01000050
               01000000 00000000 02000000 02000000 abcd""",
            LinkType.ETHERNET,
            1.0,
        ),
    ],
)
def test_pcap_variants(name: str, text: str, link_type: LinkType, time: float) -> None:
    assert decode_capture(unhex(text)) == CaptureFile((Packet(time, link_type, b"\xab\xcd"),))


SECTION_LE = "0a0d0d0a 1c000000 4d3c2b1a 0100 0000 ffffffffffffffff 1c000000"
SECTION_BE = "0a0d0d0a 0000001c 1a2b3c4d 0001 0000 ffffffffffffffff 0000001c"
INTERFACE_LE = "01000000 14000000 0100 0000 00000400 14000000"
INTERFACE_BE_NANOSECONDS = "00000001 00000020 0001 0000 00040000 0009 0001 09000000 0000 0000 00000020"
ENHANCED_LE = "06000000 24000000 00000000 00000000 60e31600 02000000 02000000 abcd0000 24000000"
ENHANCED_BE = "00000006 00000024 00000000 00000000 59682f00 00000002 00000002 abcd0000 00000024"
SIMPLE_LE = "03000000 14000000 02000000 abcd0000 14000000"
UNKNOWN_LE = "05000000 10000000 01020304 10000000"


@pytest.mark.parametrize(
    ("blocks", "time"),
    [
        ([SECTION_LE, INTERFACE_LE, ENHANCED_LE], 1.5),
        ([SECTION_BE, INTERFACE_BE_NANOSECONDS, ENHANCED_BE], 1.5),
        ([SECTION_LE, INTERFACE_LE, UNKNOWN_LE, SIMPLE_LE], 0.0),
        ([SECTION_LE, INTERFACE_LE, SECTION_BE, INTERFACE_BE_NANOSECONDS, ENHANCED_BE], 1.5),
    ],
    ids=["little-endian", "big-endian, nanoseconds", "simple packet after an unknown block", "two sections"],
)
def test_pcapng_variants(blocks: list[str], time: float) -> None:
    packet = Packet(time, LinkType.ETHERNET, b"\xab\xcd")
    assert decode_capture(unhex("\n".join(blocks))) == CaptureFile((packet,))


OBSOLETE_LE = "02000000 24000000 0000 0000 00000000 60e31600 02000000 02000000 abcd0000 24000000"
KEY_LOG = b"CLIENT_RANDOM " + b"ab" * 32 + b" " + b"cd" * 48 + b"\n"


def secrets_block(kind: int = 0x544C534B) -> bytes:
    w = Writer("block")
    padded = KEY_LOG + bytes(-len(KEY_LOG) % 4)
    w.u32_le("block type", 10)
    w.u32_le("block total length", 20 + len(padded))
    w.u32_le("Secrets Type", kind)
    w.u32_le("Secrets Length", len(KEY_LOG))
    w.raw("Secrets Data", padded)
    w.u32_le("block total length", 20 + len(padded))
    return w.getvalue()


def test_secrets_of_tls_are_there() -> None:
    data = unhex(SECTION_LE) + secrets_block() + secrets_block(0x57474B4C) + unhex(INTERFACE_LE)
    assert decode_capture(data) == CaptureFile((), (KEY_LOG.decode(),))


def test_the_obsolete_packet_block() -> None:
    (packet,) = decode_capture(unhex(f"{SECTION_LE} {INTERFACE_LE} {OBSOLETE_LE}")).packets
    assert packet == Packet(1.5, LinkType.ETHERNET, b"\xab\xcd")


def test_a_simple_packet_block_is_cut_by_the_interface() -> None:
    interface = INTERFACE_LE.replace("00000400", "01000000")
    simple = "03000000 14000000 05000000 ab000000 14000000"
    (packet,) = decode_capture(unhex(f"{SECTION_LE} {interface} {simple}")).packets
    assert packet == Packet(0.0, LinkType.ETHERNET, b"\xab", 4)


PCAP_LE = "d4c3b2a1 0200 0400 00000000 00000000 00000400 01000000"
RECORD_LE = "01000000 20a10700 02000000 02000000 abcd"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (f"{SECTION_LE} {ENHANCED_LE}", "Interface ID: 0, only 0 described"),
        (f"{SECTION_LE} {INTERFACE_LE[:-8]}15000000", "trailing"),
        ("0a0d0d0a 1c000000 00000000 0100 0000 ffffffffffffffff 1c000000", "byte-order magic: 00000000"),
        ("0a0d0d0a 04000000 4d3c2b1a", "negative size"),
        (f"{PCAP_LE} 00000000 00000000 ffffff7f ffffff7f", "incl_len: 2147483647, at most 262144 allowed"),
        (f"{SECTION_LE} 01000000 1c000000 0100 0000 00000400 0900 0100 ff000000 1c000000", "exponent 127"),
        (f"{SECTION_LE} 0a000000 14000000 4b534c54 ffffffff 14000000", "Secrets Length: 4294967295"),
    ],
)
def test_a_broken_file_is_read_up_to_there(text: str, reason: str) -> None:
    file = decode_capture(unhex(text))
    assert file.packets == ()
    (stop,) = file.stops
    assert stop.layer is StopLayer.FILE
    assert reason in stop.reason
    assert stop.number == 1


@pytest.mark.parametrize("missing", range(1, 18))
def test_a_file_that_is_cut_in_mid_record_is_read_up_to_there(missing: int) -> None:
    data = unhex(f"{PCAP_LE} {RECORD_LE} {RECORD_LE}")
    file = decode_capture(data[:-missing])
    assert file.packets == (Packet(1.5, LinkType.ETHERNET, b"\xab\xcd"),)
    (stop,) = file.stops
    assert (stop.number, stop.time) == (2, 1.5)
    assert "cut or broken" in stop.reason


def test_no_more_packets_than_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyrdpmux.harness.capture.pcap.MAXIMUM_PACKETS", 1)
    file = decode_capture(unhex(f"{PCAP_LE} {RECORD_LE} {RECORD_LE}"))
    assert len(file.packets) == 1
    assert file.stops == (Stop(StopLayer.FILE, "only the first 1 packets are read"),)


def test_no_more_bytes_than_the_limit(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    path = tmp_path / "large.pcap"
    path.write_bytes(unhex(f"{PCAP_LE} {RECORD_LE} {RECORD_LE}"))
    monkeypatch.setattr("pyrdpmux.harness.capture.pcap.MAXIMUM_FILE_SIZE", len(unhex(PCAP_LE)) + 20)
    file = read_capture(path)
    assert len(file.packets) == 1
    assert "only the first 44 bytes" in file.stops[0].reason


def test_a_file_that_is_no_capture_is_named(tmp_path: Path) -> None:
    path = tmp_path / "broken.pcap"
    path.write_bytes(b"no capture")
    with pytest.raises(CaptureError, match=r"broken\.pcap: Capture\.magic.*offset 0"):
        read_capture(path)
    with pytest.raises(CaptureError, match=r"missing\.pcap: No such file"):
        read_capture(tmp_path / "missing.pcap")
    with pytest.raises(DecodeError, match="neither pcap nor pcapng"):
        decode_capture(b"\0\1\2\3")


MAGICS = [unhex(SECTION_LE), unhex(SECTION_BE), unhex("d4c3b2a1"), unhex("a1b23c4d"), b""]


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(MAGICS), st.binary(max_size=200))
def test_garbage_raises_decode_errors_only(start: bytes, rest: bytes) -> None:
    with contextlib.suppress(DecodeError):
        decode_capture(start + rest)
