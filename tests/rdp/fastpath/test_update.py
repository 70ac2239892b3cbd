"""Fast-path output: the PDU, the update in it, and what each update code means."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrdpmux.errors import DecodeError, EncodeError, PeerError
from pyrdpmux.rdp.fastpath.header import FastPathFlags
from pyrdpmux.rdp.fastpath.surface import FrameAction, FrameMarker, SurfaceCommands
from pyrdpmux.rdp.fastpath.update import (
    MAX_UPDATES,
    CompressedUpdate,
    FastPathOutput,
    FastPathUpdate,
    Fragmentation,
    UnknownFastPathUpdate,
    UpdateBody,
    UpdateCode,
    decode_update,
    decode_updates,
    encode_update,
    encode_updates,
)
from pyrdpmux.rdp.pdu.pointer import (
    CachedPointer,
    ColorPointer,
    LargePointer,
    NewPointer,
    PointerPosition,
    SystemPointer,
    SystemPointerType,
)
from pyrdpmux.rdp.pdu.update import (
    BitmapData,
    BitmapFlags,
    BitmapUpdate,
    OrdersUpdate,
    PaletteEntry,
    PaletteUpdate,
    SynchronizeUpdate,
)
from pyrdpmux.wire import decode, encode
from tests.rows import Row, row_tests, unhex

MSTSC = Path(__file__).parents[3] / "../shared/vectors/mstsc"

CACHED = FastPathUpdate(UpdateCode.CACHED, b"\2\0")
SHAPE = ColorPointer(0, 0, 0, 1, 1, b"\0\0\0\0", b"\0\0")

ROWS = [
    Row("cached pointer (shared/vectors Example_1)", FastPathOutput((CACHED,)), "00 07 0a 0200 0200"),
    Row(
        "two updates in one PDU (2.2.9.1.2, constructed)",
        FastPathOutput((CACHED, FastPathUpdate(UpdateCode.PTR_NULL, b"")), FastPathFlags.SECURE_CHECKSUM),
        """40 0a
           0a 0200 0200             # cached pointer 2
           05 0000                  # hidden""",
    ),
    Row("no update at all (constructed)", FastPathOutput(()), "00 02"),
    Row(
        "a PDU with a length as FreeRDP writes it (constructed)",
        FastPathOutput((CACHED,), has_long_length=True),
        "00 8008 0a 0200 0200",
    ),
    Row(
        "first fragment (2.2.9.1.2.1, constructed)",
        FastPathUpdate(UpdateCode.SURFCMDS, b"\1\2\3", Fragmentation.FIRST),
        "24 0300 010203",
    ),
    Row(
        "last fragment, compressed (2.2.9.1.2.1, constructed)",
        FastPathUpdate(UpdateCode.BITMAP, b"\1", Fragmentation.LAST, 0x21),
        "91 21 0100 01",
    ),
    Row("of an unknown code (constructed)", FastPathUpdate(UpdateCode(13), b"\1"), "0d 0100 01"),
]

TestRows = row_tests(ROWS)

BITMAP = BitmapUpdate((BitmapData(0, 0, 0, 0, 1, 1, 32, BitmapFlags(0), b"\1\2\3\4"),))

BODIES: list[tuple[UpdateBody, str]] = [
    (OrdersUpdate(1, b"\x09\x08"), "00 0400 0100 0908"),
    (BITMAP, "01 1a00 0100 0100 0000 0000 0000 0000 0100 0100 2000 0000 0400 01020304"),
    (PaletteUpdate((PaletteEntry(1, 2, 3),)), "02 0b00 0200 0000 01000000 010203"),
    (SynchronizeUpdate(), "03 0000"),
    (SurfaceCommands((FrameMarker(FrameAction.BEGIN, 1),)), "04 0800 0400 0000 01000000"),
    (SystemPointer(SystemPointerType.NULL), "05 0000"),
    (SystemPointer(SystemPointerType.DEFAULT), "06 0000"),
    (UnknownFastPathUpdate(UpdateCode(7), b"\1"), "07 0100 01"),
    (PointerPosition(1, 2), "08 0400 0100 0200"),
    (SHAPE, "09 1400 0000 0000 0000 0100 0100 0200 0400 00000000 0000"),
    (CachedPointer(2), "0a 0200 0200"),
    (NewPointer(24, SHAPE), "0b 1600 1800 0000 0000 0000 0100 0100 0200 0400 00000000 0000"),
    (
        LargePointer(32, 1, 0, 0, 1, 1, b"\0\0\0\xff", b"\0\0"),
        "0c 1a00 2000 0100 0000 0000 0100 0100 02000000 04000000 000000ff 0000",
    ),
    (CompressedUpdate(UpdateCode.BITMAP, b"\1\2", 0x21), "81 21 0200 0102"),
]


@pytest.mark.parametrize(("body", "hex_text"), BODIES, ids=lambda value: type(value).__name__)
def test_each_update_code_has_its_body(body: UpdateBody, hex_text: str) -> None:
    update = encode_update(body)
    assert encode(update).hex(" ") == unhex(hex_text).hex(" ")
    assert decode_update(update) == body


OPAQUE = OrdersUpdate | SurfaceCommands | UnknownFastPathUpdate | CompressedUpdate
STRICT = [body for body, _ in BODIES if not isinstance(body, OPAQUE)]


@pytest.mark.parametrize("body", STRICT, ids=lambda value: type(value).__name__)
def test_a_body_that_ends_early_is_a_decode_error(body: UpdateBody) -> None:
    update = encode_update(body)
    for size in range(len(update.data)):
        with pytest.raises(DecodeError) as caught:
            decode_update(FastPathUpdate(update.update_code, update.data[:size]))
        assert caught.value.path.startswith(f"FastPathUpdate.{update.update_code.name}.")
        assert 0 <= caught.value.offset <= size


def test_bodies_may_not_have_bytes_left_over() -> None:
    with pytest.raises(DecodeError, match="1 bytes too many"):
        decode_update(FastPathUpdate(UpdateCode.PTR_NULL, b"\0"))
    with pytest.raises(DecodeError, match="1 bytes too many"):
        decode_update(FastPathUpdate(UpdateCode.CACHED, b"\2\0\0"))


def test_a_synchronize_update_may_be_padded_as_in_the_slow_path() -> None:
    assert decode_update(FastPathUpdate(UpdateCode.SYNCHRONIZE, b"\0\0")) == SynchronizeUpdate()
    with pytest.raises(DecodeError):
        decode_update(FastPathUpdate(UpdateCode.SYNCHRONIZE, b"\0\0\0"))


def test_compression_flags_without_compression_leave_the_data_plain() -> None:
    # A server that compresses sends what does not shrink like this, with FLUSHED perhaps.
    update = FastPathUpdate(UpdateCode.CACHED, b"\2\0", compression_flags=0x81)
    assert not update.is_compressed
    assert decode_update(update) == CachedPointer(2)
    assert update.size == len(encode(update)) == 6


def test_a_fragment_means_nothing_by_itself() -> None:
    with pytest.raises(DecodeError, match="FIRST fragment, expected a whole update"):
        decode_update(FastPathUpdate(UpdateCode.BITMAP, b"", Fragmentation.FIRST))


def test_bodies_decode_after_decryption() -> None:
    updates = (CACHED, FastPathUpdate(UpdateCode.PTR_DEFAULT, b""))
    assert encode_updates(updates) == unhex("0a 0200 0200 06 0000")
    assert decode_updates(encode_updates(updates)) == updates


def test_the_number_of_updates_is_bounded() -> None:
    hidden = unhex("05 0000")
    assert len(decode_updates(hidden * MAX_UPDATES)) == MAX_UPDATES
    with pytest.raises(DecodeError, match=f"more than {MAX_UPDATES} updates"):
        decode_updates(hidden * (MAX_UPDATES + 1))


def test_an_encrypted_pdu_is_not_read_as_a_plain_one() -> None:
    with pytest.raises(DecodeError, match="no keys"):
        decode(FastPathOutput, unhex("80 0f 0000000000000000 0a 0200 0200"))


def test_what_does_not_fit_is_not_encoded() -> None:
    with pytest.raises(EncodeError, match="updateHeader"):
        encode(FastPathUpdate(UpdateCode(16), b""))
    with pytest.raises(EncodeError, match="size"):
        encode(FastPathUpdate(UpdateCode.BITMAP, bytes(0x10000)))
    with pytest.raises(EncodeError, match="updateCode"):
        encode_update(SystemPointer(SystemPointerType(1)))


@pytest.mark.skipif(not MSTSC.exists(), reason=f"{MSTSC} is not there")
def test_every_recorded_unit_re_encodes_identically() -> None:
    counts: dict[str, int] = {}
    for path in MSTSC.glob("*.jsonl"):
        for line in path.read_text().splitlines():
            unit = json.loads(line)
            if (unit["kind"], unit["dir"]) != ("fp", "s2c"):
                continue
            pdu = decode(FastPathOutput, bytes.fromhex(unit["hex"]))
            assert encode(pdu).hex() == unit["hex"]
            for update in pdu.updates:
                body = decode_update(update)
                assert encode_update(body) == update
                counts[type(body).__name__] = counts.get(type(body).__name__, 0) + 1
    assert counts == {"NewPointer": 15, "CachedPointer": 4}


UPDATES = st.builds(
    FastPathUpdate,
    st.integers(0, 15).map(UpdateCode),
    st.binary(max_size=40),
    st.sampled_from(Fragmentation),
    st.none() | st.integers(0, 0xFF),
)


@given(st.lists(UPDATES, max_size=6), st.sampled_from([FastPathFlags(0), FastPathFlags.SECURE_CHECKSUM]))
@settings(max_examples=50)
def test_round_trip(updates: list[FastPathUpdate], flags: FastPathFlags) -> None:
    pdu = FastPathOutput(tuple(updates), flags)
    assert decode(FastPathOutput, encode(pdu)) == pdu


@given(st.integers(0, 15).map(UpdateCode), st.binary(max_size=80))
@settings(max_examples=100)
def test_garbage_in_an_update_raises_only_peer_errors(code: UpdateCode, data: bytes) -> None:
    try:
        body = decode_update(FastPathUpdate(code, data))
    except PeerError:
        return
    assert decode_update(encode_update(body)) == body


@given(st.binary(max_size=60))
@settings(max_examples=50)
def test_garbage_in_a_pdu_raises_only_peer_errors(body: bytes) -> None:
    try:
        pdu = decode(FastPathOutput, bytes([0, len(body) + 2]) + body)
    except PeerError:
        return
    assert decode(FastPathOutput, encode(pdu)) == pdu
