"""Capture files: what we write we read, in every variant that others write."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrdpmux.errors import DecodeError
from pyrdpmux.harness.capture.errors import CaptureError
from pyrdpmux.harness.capture.pcap import LinkType, Packet, decode_packets, read_packets, write_pcap
from tests.rows import unhex

PACKETS = [Packet(1.5, LinkType.ETHERNET, b"\x01\x02\x03"), Packet(2.000001, LinkType.ETHERNET, b"")]


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.pcap"
    write_pcap(path, PACKETS)
    assert read_packets(path) == PACKETS


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
    assert decode_packets(unhex(text)) == [Packet(time, link_type, b"\xab\xcd")]


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
    assert decode_packets(unhex("\n".join(blocks))) == [Packet(time, LinkType.ETHERNET, b"\xab\xcd")]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("00112233", "neither pcap nor pcapng"),
        (f"{SECTION_LE} {ENHANCED_LE}", "Interface ID: 0, only 0 described"),
        (f"{SECTION_LE} {INTERFACE_LE[:-8]}15000000", "trailing"),
        ("0a0d0d0a 1c000000 00000000 0100 0000 ffffffffffffffff 1c000000", "byte-order magic: 00000000"),
        ("0a0d0d0a 04000000 4d3c2b1a", "negative size"),
        (
            "d4c3b2a1 0200 0400 00000000 00000000 00000400 01000000 00000000 00000000 02000000 09000000 abcd",
            "orig_len: 9, but only 2 bytes were captured",
        ),
        (
            "d4c3b2a1 0200 0400 00000000 00000000 00000400 01000000 00000000 00000000 ffffff7f ffffff7f",
            "incl_len: 2147483647, at most 262144 allowed",
        ),
    ],
)
def test_complaints_say_what_is_wrong(text: str, complaint: str) -> None:
    with pytest.raises(DecodeError, match=complaint):
        decode_packets(unhex(text))


def test_a_complaint_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "broken.pcap"
    path.write_bytes(b"no capture")
    with pytest.raises(CaptureError, match=r"broken\.pcap: Capture\.magic.*offset 0"):
        read_packets(path)
    with pytest.raises(CaptureError, match=r"missing\.pcap: No such file"):
        read_packets(tmp_path / "missing.pcap")


MAGICS = [unhex(SECTION_LE), unhex(SECTION_BE), unhex("d4c3b2a1"), unhex("a1b23c4d"), b""]


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(MAGICS), st.binary(max_size=200))
def test_garbage_raises_decode_errors_only(start: bytes, rest: bytes) -> None:
    with contextlib.suppress(DecodeError):
        decode_packets(start + rest)
