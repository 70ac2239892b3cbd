"""Static channels: the header, chunks at the edges, bounded reassembly, and every recorded mstsc PDU."""

import json
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrdpmux.errors import DecodeError, EncodeError, LimitExceeded, PeerError, SequenceError
from pyrdpmux.rdp.channels.static import (
    DEFAULT_CHUNK_SIZE,
    ChannelFlags,
    ChannelPdu,
    ChannelPduHeader,
    ChannelReassembler,
    chunks,
)
from pyrdpmux.wire import decode, encode
from tests.rows import Row, row_tests, unhex

MSTSC = Path(__file__).parents[3] / "../shared/vectors/mstsc"

FIRST, LAST, SHOW = ChannelFlags.FIRST, ChannelFlags.LAST, ChannelFlags.SHOW_PROTOCOL
NONE = ChannelFlags(0)

ROWS = [
    Row(
        "clipboard monitor ready (MS-RDPBCGR 4.4, decrypted)",
        ChannelPdu(ChannelPduHeader(8, FIRST | LAST), unhex("0300 0100 00000000")),
        "08000000 03000000 0300010000000000",
        valid_prefixes=tuple(range(8, 16)),
        refuses_trailing=False,
    ),
    Row(
        "header of a compressed chunk (2.2.6.1.1, constructed)",
        ChannelPduHeader(
            4000,
            ChannelFlags.PACKET_COMPRESSED | ChannelFlags.PACKET_FLUSHED | ChannelFlags(0x00010000) | FIRST,
        ),
        "a00f0000 0100a100",
    ),
    Row(
        "header with unknown flags (constructed)",
        ChannelPduHeader(0, ChannelFlags(0x80000400)),
        "00000000 00040080",
    ),
]

TestRows = row_tests(ROWS)


def chunk(data: bytes, flags: ChannelFlags, length: int | None = None) -> ChannelPdu:
    return ChannelPdu(ChannelPduHeader(len(data) if length is None else length, flags), data)


def shape(message: bytes, chunk_size: int) -> list[tuple[int, int, ChannelFlags]]:
    """Announced length, chunk size and flags of each chunk."""
    return [(pdu.header.length, len(pdu.data), pdu.header.flags) for pdu in chunks(message, chunk_size)]


def test_a_message_that_fits_is_one_chunk() -> None:
    assert shape(b"", 10) == [(0, 0, FIRST | LAST)]
    assert shape(bytes(10), 10) == [(10, 10, FIRST | LAST)]
    assert next(chunks(b"x", show_protocol=True)).header.flags == FIRST | LAST | SHOW


def test_the_specifications_example_of_chunks() -> None:
    # 3.1.5.2.2.1, but with SHOW_PROTOCOL, which 3.1.5.2.1 demands of chunked data
    assert shape(bytes(2062), 1000) == [
        (2062, 1000, FIRST | SHOW),
        (2062, 1000, SHOW),
        (2062, 62, LAST | SHOW),
    ]


def test_the_last_chunk_is_never_empty() -> None:
    assert shape(bytes(20), 10) == [(20, 10, FIRST | SHOW), (20, 10, LAST | SHOW)]
    assert [len(pdu.data) for pdu in chunks(bytes(3300))] == [DEFAULT_CHUNK_SIZE, DEFAULT_CHUNK_SIZE, 100]


def test_chunks_have_a_size() -> None:
    with pytest.raises(EncodeError, match="chunks of 0 bytes"):
        list(chunks(b"x", 0))


def test_messages_come_together_one_after_the_other() -> None:
    reassembler = ChannelReassembler()
    assert reassembler.feed(chunk(b"one", FIRST | LAST)) == b"one"
    assert reassembler.feed(chunk(b"tw", FIRST, 3)) is None
    assert repr(reassembler) == "<ChannelReassembler 2 of 3 bytes>"
    assert reassembler.feed(chunk(b"o", LAST, 3)) == b"two"
    assert repr(reassembler) == "<ChannelReassembler idle>"
    assert reassembler.feed(chunk(b"", FIRST | LAST)) == b""


def test_a_chunk_that_is_neither_first_nor_last_is_a_message_of_its_own() -> None:
    # 3.1.5.2.2, where no message has begun
    assert ChannelReassembler().feed(chunk(b"x", SHOW)) == b"x"
    with pytest.raises(LimitExceeded):
        ChannelReassembler(2).feed(chunk(b"xyz", NONE))


def test_chunks_out_of_order_are_refused() -> None:
    with pytest.raises(SequenceError, match="LAST"):
        ChannelReassembler().feed(chunk(b"x", LAST))
    reassembler = ChannelReassembler()
    reassembler.feed(chunk(b"x", FIRST, 5))
    with pytest.raises(SequenceError, match="FIRST"):
        reassembler.feed(chunk(b"x", FIRST, 5))


@pytest.mark.parametrize(
    ("second", "message"),
    [
        (chunk(b"abcd", LAST, 5), "6 bytes of 5 announced"),
        (chunk(b"ab", LAST, 5), "5 announced, 4 sent"),
    ],
)
def test_the_announced_length_is_binding(second: ChannelPdu, message: str) -> None:
    reassembler = ChannelReassembler()
    reassembler.feed(chunk(b"xx", FIRST, 5))
    with pytest.raises(DecodeError, match=message):
        reassembler.feed(second)


def test_a_message_is_bounded_before_it_comes() -> None:
    with pytest.raises(LimitExceeded) as caught:
        ChannelReassembler(1000).feed(chunk(b"x", FIRST, 1001))
    assert str(caught.value) == "channel message: 1001, at most 1000 allowed"


def test_chunks_of_one_byte_cost_no_more_than_the_message() -> None:
    reassembler = ChannelReassembler(1 << 16)
    head = (1 << 16).to_bytes(4, "little")
    reassembler.feed(ChannelPdu(ChannelPduHeader(1 << 16, ChannelFlags.FIRST), b""))
    tracemalloc.start()
    try:
        for _ in range(20_000):
            reassembler.feed(decode(ChannelPdu, head + bytes(4) + b"x"))
        assert tracemalloc.get_traced_memory()[0] < 5 * 20_000
    finally:
        tracemalloc.stop()


def test_compressed_chunks_are_refused_but_kept_by_the_pdu() -> None:
    pdu = chunk(b"\1\2", FIRST | LAST | ChannelFlags.PACKET_COMPRESSED | ChannelFlags(0x00020000))
    assert pdu.is_compressed
    assert pdu.header.compression_type == 2
    assert decode(ChannelPdu, encode(pdu)) == pdu
    with pytest.raises(DecodeError, match="compressed"):
        ChannelReassembler().feed(pdu)


def recorded_pdus(path: Path) -> Iterator[tuple[str, int, bytes]]:
    """Direction, channel and payload of each MCS Send Data to a static channel of a recorded session.

    The sessions' I/O channel is 1003 and their message channel 1008: what lies between is static channels.
    """
    for line in path.read_text().splitlines():
        unit = json.loads(line)
        data = bytes.fromhex(unit["hex"])[7:]  # after TPKT and X.224
        if unit["kind"] != "tpkt" or data[:1] not in (b"\x64", b"\x68"):
            continue
        channel = int.from_bytes(data[3:5], "big")
        if 1003 < channel < 1008:
            yield unit["dir"], channel, data[8:] if data[6] & 0x80 else data[7:]


@pytest.mark.skipif(not MSTSC.exists(), reason=f"{MSTSC} is not there")
def test_every_recorded_pdu_re_encodes_identically_and_is_a_message() -> None:
    count = 0
    reassemblers: dict[tuple[Path, str, int], ChannelReassembler] = {}
    for path in sorted(MSTSC.glob("*.jsonl")):
        for direction, channel, data in recorded_pdus(path):
            pdu = decode(ChannelPdu, data)
            assert encode(pdu) == data
            reassembler = reassemblers.setdefault((path, direction, channel), ChannelReassembler())
            assert reassembler.feed(pdu) == pdu.data
            count += 1
    assert count == 295


@given(st.binary(max_size=5000), st.integers(1, 2000), st.booleans())
@settings(max_examples=50)
def test_cut_and_put_together(message: bytes, chunk_size: int, show_protocol: bool) -> None:
    reassembler = ChannelReassembler(5000)
    pdus = [encode(pdu) for pdu in chunks(message, chunk_size, show_protocol=show_protocol)]
    *missing, last = [reassembler.feed(decode(ChannelPdu, pdu)) for pdu in pdus]
    assert missing == [None] * len(missing)
    assert last == message


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 9), st.binary(max_size=9)), max_size=8))
@settings(max_examples=100)
def test_any_sequence_raises_only_peer_errors(sequence: list[tuple[int, int, bytes]]) -> None:
    reassembler = ChannelReassembler(8)
    for flags, length, data in sequence:
        try:
            message = reassembler.feed(chunk(data, ChannelFlags(flags), length))
        except PeerError:
            return
        assert message is None or len(message) <= 8
