"""Every encoding, from an encoder written against the specification alone, in every cut."""

import contextlib
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrdpmux.errors import DecodeError, LimitExceeded, PeerError
from pyrdpmux.geometry import Rect
from pyrdpmux.rfb.client import RfbClient
from pyrdpmux.rfb.encodings import Encoding
from pyrdpmux.rfb.events import Copied, CursorChanged, Event, Painted, UpdateFinished
from tests.rfb.encoders import (
    HextileEncoder,
    Picture,
    Server,
    ZlibEncoder,
    cpixel,
    picture_rectangle,
    pixel,
    rectangle,
    u32,
    update,
    zrle_tile,
)
from tests.rfb.scripted import connected_client, events_of

PICTURE_ENCODINGS = [Encoding.RAW, Encoding.RRE, Encoding.HEXTILE, Encoding.ZLIB, Encoding.ZRLE]
each_encoding = pytest.mark.parametrize("encoding", PICTURE_ENCODINGS, ids=lambda encoding: encoding.name)


def picture_of(width: int, height: int, colors: int, seed: int = 0, run: int = 1) -> Picture:
    """Random pixels of so many colors, in runs."""
    random = np.random.default_rng(seed)
    palette = random.integers(0, 1 << 24, colors, dtype=np.uint32)
    indexes = random.integers(0, colors, -(-width * height // run))
    return np.repeat(palette[indexes], run)[: width * height].reshape(height, width)


def shown(events: list[Event], width: int, height: int) -> Picture:
    """The picture that the events paint."""
    screen = np.zeros((height, width, 4), np.uint8)
    for event in events:
        if isinstance(event, Painted):
            rows, columns = event.pixels.shape[:2]
            screen[event.y : event.y + rows, event.x : event.x + columns] = event.pixels
    assert not screen[:, :, 3].any()
    return screen.view("<u4")[:, :, 0]


@each_encoding
@pytest.mark.parametrize("colors", [1, 2, 3, 4, 5, 16, 17, 127, 200, 5000])
@pytest.mark.parametrize(("width", "height", "run"), [(1, 1, 1), (70, 67, 1), (33, 80, 300), (65, 17, 3)])
def test_a_picture_arrives(encoding: Encoding, colors: int, width: int, height: int, run: int) -> None:
    picture = picture_of(width, height, colors, run=run)
    client = connected_client()
    events = events_of(client, update(Server().rectangle(encoding, picture)))
    assert isinstance(events[-1], UpdateFinished)
    assert (shown(events, width, height) == picture).all()


@each_encoding
def test_it_arrives_at_its_place_and_several_share_a_stream(encoding: Encoding) -> None:
    server = Server()
    first, second = picture_of(20, 10, 3), picture_of(10, 20, 30, seed=1)
    client = connected_client()
    sent = update(server.rectangle(encoding, first, 5, 7), server.rectangle(encoding, second, 40, 20))
    expected = np.zeros((48, 64), np.uint32)
    expected[7:17, 5:25] = first
    expected[20:40, 40:50] = second
    assert (shown(events_of(client, sent), 64, 48) == expected).all()
    again = events_of(client, update(server.rectangle(encoding, second)))
    assert (shown(again, 10, 20) == second).all()


@each_encoding
def test_however_it_is_cut(encoding: Encoding) -> None:
    """A truncation is never an error, only something to wait for; and byte by byte gives the same."""
    picture = picture_of(40, 35, 6)
    data = update(Server().rectangle(encoding, picture))
    client = connected_client()
    events: list[Event] = []
    for at in range(len(data)):
        assert not any(isinstance(event, UpdateFinished) for event in events)
        events += events_of(client, data[at : at + 1])
    assert isinstance(events[-1], UpdateFinished)
    assert (shown(events, 40, 35) == picture).all()


@each_encoding
@pytest.mark.parametrize(("width", "height"), [(0, 0), (0, 5), (5, 0)])
def test_an_empty_rectangle_paints_nothing(encoding: Encoding, width: int, height: int) -> None:
    body = {
        Encoding.RRE: u32(0) + pixel(0),
        Encoding.ZLIB: ZlibEncoder().deflate(b""),
        Encoding.ZRLE: ZlibEncoder().deflate(b""),
    }.get(encoding, b"")
    events = events_of(connected_client(), update(rectangle(encoding, body, width=width, height=height)))
    assert [type(event) for event in events] == [UpdateFinished]


@given(
    encoding=st.sampled_from(PICTURE_ENCODINGS),
    data=st.binary(max_size=300),
    width=st.integers(0, 40),
    height=st.integers(0, 40),
)
@settings(max_examples=100, deadline=None)
def test_garbage_is_a_peer_error_or_not_yet_complete(
    encoding: Encoding, data: bytes, width: int, height: int
) -> None:
    client = connected_client()
    with contextlib.suppress(PeerError):
        events_of(client, update(rectangle(encoding, data, width=width, height=height)))


@given(data=st.binary(max_size=400), subencoding=st.integers(0, 255))
@settings(max_examples=100, deadline=None)
def test_garbage_within_zrle(data: bytes, subencoding: int) -> None:
    client = connected_client()
    body = ZlibEncoder().deflate(bytes([subencoding]) + data)
    with contextlib.suppress(PeerError):
        events_of(client, update(rectangle(Encoding.ZRLE, body, width=9, height=9)))


@given(encoding=st.sampled_from(PICTURE_ENCODINGS), at=st.integers(0, 10_000), bits=st.integers(1, 255))
@settings(max_examples=100, deadline=None)
def test_a_flipped_byte_is_a_peer_error_or_another_picture(encoding: Encoding, at: int, bits: int) -> None:
    data = bytearray(update(Server().rectangle(encoding, picture_of(20, 20, 5))))
    data[1 + at % (len(data) - 1)] ^= bits
    client = connected_client()
    with contextlib.suppress(PeerError):
        events_of(client, bytes(data))


# -- single cases ------------------------------------------------------------------------------------


def complaint_of(client: RfbClient, data: bytes) -> str:
    with pytest.raises(PeerError) as caught:
        events_of(client, data)
    return str(caught.value)


def test_the_specification_example_of_hextile_colors() -> None:
    """Colors carry over from tile to tile, in each rectangle from the start."""
    body = (
        b"\x06"
        + pixel(0x112233)
        + pixel(0x445566)  # background and foreground, no boxes
        + b"\x08\x01\x00\x00"  # one box of one pixel, both colors as before
        + b"\x00"  # all background
    )
    events = events_of(connected_client(), update(rectangle(Encoding.HEXTILE, body, width=48, height=1)))
    row = shown(events, 48, 1)[0]
    assert [hex(color) for color in row[[0, 15, 16, 17, 47]]] == [
        "0x112233",
        "0x112233",
        "0x445566",
        "0x112233",
        "0x112233",
    ]


def test_a_hextile_box_may_not_leave_its_tile() -> None:
    body = b"\x0a" + pixel(0) + b"\x01\x40\x10"
    data = update(rectangle(Encoding.HEXTILE, body, width=5, height=1))
    assert complaint_of(connected_client(), data) == (
        "Hextile.subrect: 4,0 to 6,1 in a tile of 5x1 (offset 0)"
    )


def test_an_rre_box_may_not_leave_its_rectangle() -> None:
    for box in ("0001000000010001", "0000000100010001"):
        body = u32(1) + pixel(0) + pixel(1) + bytes.fromhex(box)
        assert "reaches beyond 1" in complaint_of(
            connected_client(), update(rectangle(Encoding.RRE, body, width=1, height=1))
        )


def test_rre_has_bounds() -> None:
    too_many = update(rectangle(Encoding.RRE, u32(26), width=5, height=5))
    assert complaint_of(connected_client(), too_many) == (
        "RRE.number-of-subrectangles: 26, at most 25 allowed"
    )
    boxes = (pixel(1) + bytes.fromhex("0000000000050005")) * 5
    repainted = update(rectangle(Encoding.RRE, u32(5) + pixel(0) + boxes, width=5, height=5))
    assert complaint_of(connected_client(), repainted) == "RRE.subrectangles: 125, at most 100 allowed"


def test_a_compressed_rectangle_says_how_long_it_is() -> None:
    for encoding in (Encoding.ZLIB, Encoding.ZRLE):
        data = update(rectangle(encoding, u32(1 << 30), width=5, height=5))
        assert "length" in complaint_of(connected_client(), data)


def test_a_bomb_does_not_go_off() -> None:
    for encoding in (Encoding.ZLIB, Encoding.ZRLE):
        body = ZlibEncoder().deflate(bytes(1 << 24))
        data = update(rectangle(encoding, body, width=16, height=16))
        assert "more than the rectangle takes" in complaint_of(connected_client(), data)


def test_a_compressed_rectangle_that_is_too_short() -> None:
    data = update(rectangle(Encoding.ZLIB, ZlibEncoder().deflate(bytes(99)), width=5, height=5))
    assert complaint_of(connected_client(), data) == "Zlib.data: need 100 bytes, 99 left (offset 0)"


def test_no_zlib_at_all() -> None:
    data = update(rectangle(Encoding.ZLIB, u32(4) + b"\xff\xff\xff\xff", width=5, height=5))
    assert "incorrect header check" in complaint_of(connected_client(), data)


def test_a_stream_that_ended() -> None:
    compressed = zlib.compress(bytes(4))
    body = u32(len(compressed)) + compressed
    client = connected_client()
    first = update(rectangle(Encoding.ZLIB, body, width=1, height=1))
    assert len(events_of(client, first)) == 2
    assert "need 4 bytes, 0 left" in complaint_of(client, first)


@pytest.mark.parametrize("subencoding", [17, 100, 127, 129])
def test_zrle_subencodings_without_meaning(subencoding: int) -> None:
    body = ZlibEncoder().deflate(bytes([subencoding]) + bytes(1000))
    data = update(rectangle(Encoding.ZRLE, body, width=8, height=8))
    assert complaint_of(connected_client(), data) == (
        f"ZRLE.subencoding: {subencoding} is not used (offset 0)"
    )


@pytest.mark.parametrize(
    ("tile", "complaint"),
    [
        (b"\x80" + cpixel(1) + b"\x04", "ZRLE.run: runs of 5 pixels in a tile of 4"),
        (b"\x80" + cpixel(1) + b"\xff\xff", "ZRLE.data: ends within a run"),
        (b"\x82" + cpixel(1) + cpixel(2) + b"\x82\x03", "ZRLE.index: 2 in a palette of 2"),
        (b"\x03" + cpixel(1) * 3 + b"\xc0\x00", "ZRLE.index: 3 in a palette of 3"),
        (b"\x00" + bytes(11), "ZRLE.data: need 12 bytes, 11 left"),
        (b"\x01" + cpixel(1) + b"\x00", "ZRLE.data: more than the rectangle takes"),
    ],
)
def test_zrle_tiles_that_make_no_sense(tile: bytes, complaint: str) -> None:
    data = update(rectangle(Encoding.ZRLE, ZlibEncoder().deflate(tile), width=2, height=2))
    assert complaint_of(connected_client(), data).startswith(complaint)


def test_our_encoders_use_every_subencoding() -> None:
    """So that the tests above have met them all."""
    used = {
        zrle_tile(picture_of(64, 64, colors, run=run))[0]
        for colors in (1, 2, 4, 16, 100, 300, 5000)
        for run in (1, 3, 30)
    }
    assert {0, 1, 2, 4, 16, 128} <= used
    assert any(subencoding > 129 for subencoding in used)
    masks = {
        HextileEncoder().tile(picture_of(16, 16, colors, run=run))[0]
        for colors in (1, 2, 4, 300)
        for run in (1, 30)
    }
    assert {1, 2, 14, 26} <= masks


def test_a_copy() -> None:
    body = bytes.fromhex("0001 0002")
    events = events_of(
        connected_client(), update(rectangle(Encoding.COPY_RECT, body, x=10, y=20, width=3, height=4))
    )
    assert events == [Copied(Rect(1, 2, 3, 4), Rect(10, 20, 3, 4)), UpdateFinished()]


def test_no_picture_is_larger_than_a_screen() -> None:
    for encoding in (*PICTURE_ENCODINGS, Encoding.COPY_RECT):
        for width, height in ((8193, 1), (1, 65535), (8000, 8000)):
            data = update(rectangle(encoding, b"", width=width, height=height))
            with pytest.raises(LimitExceeded):
                events_of(connected_client(), data)


def test_the_last_rectangle_ends_an_update_of_unknown_length() -> None:
    picture = picture_of(2, 2, 2)
    data = b"\0\0\xff\xff" + Server().rectangle(Encoding.RAW, picture)
    data += rectangle(Encoding.LAST_RECT, b"")
    assert [type(event) for event in events_of(connected_client(), data)] == [Painted, UpdateFinished]


def test_an_encoding_that_nobody_asked_for() -> None:
    with pytest.raises(DecodeError, match="encoding-type: 7 is none that we asked for"):
        events_of(connected_client(), update(rectangle(7, b"", width=1, height=1)))


# -- pointers ------------------------------------------------------------------------------------------


def cursor_of(client: RfbClient, data: bytes) -> CursorChanged:
    [cursor, finished] = events_of(client, update(data))
    assert isinstance(cursor, CursorChanged)
    assert isinstance(finished, UpdateFinished)
    return cursor


def test_a_cursor() -> None:
    picture = picture_of(9, 2, 30)
    mask = bytes.fromhex("ff80 0100")
    body = picture_rectangle(
        Encoding.CURSOR, b"".join([pixel(int(c)) for c in picture.ravel()]) + mask, picture, 3, 1
    )
    cursor = cursor_of(connected_client(), body)
    assert (cursor.hot_x, cursor.hot_y) == (3, 1)
    assert cursor.image[:, :, 3].tolist() == [[255] * 9, [0] * 7 + [255, 0]]
    assert (cursor.image.view("<u4")[:, :, 0] & 0xFFFFFF == picture).all()


def test_an_x_cursor() -> None:
    body = bytes.fromhex("ff0000 0000ffa0 40e0 c0")
    cursor = cursor_of(connected_client(), rectangle(Encoding.X_CURSOR, body, width=3, height=2))
    red, blue = [0, 0, 255, 255], [255, 0, 0, 255]
    assert cursor.image[0].tolist() == [red, blue, red]
    assert cursor.image[1].tolist() == [blue, red, [255, 0, 0, 0]]


def test_a_cursor_with_alpha_is_straightened() -> None:
    body = u32(0) + bytes.fromhex("40 20 10 80  00 00 00 00  ff 80 00 ff")
    cursor = cursor_of(connected_client(), rectangle(Encoding.CURSOR_WITH_ALPHA, body, width=3, height=1))
    assert cursor.image[0].tolist() == [[31, 63, 127, 128], [0, 0, 0, 0], [0, 128, 255, 255]]


def test_qemu_sends_blue_first_and_mostly_straight_alpha() -> None:
    client = connected_client(name=b"QEMU (vm1)")
    straight = u32(0) + bytes.fromhex("10 20 ff 80  00 00 00 00")
    cursor = cursor_of(client, rectangle(Encoding.CURSOR_WITH_ALPHA, straight, width=2, height=1))
    assert cursor.image[0].tolist() == [[0x10, 0x20, 0xFF, 0x80], [0, 0, 0, 0]]
    multiplied = u32(0) + bytes.fromhex("10 20 40 80")
    cursor = cursor_of(client, rectangle(Encoding.CURSOR_WITH_ALPHA, multiplied, width=1, height=1))
    assert cursor.image[0].tolist() == [[31, 63, 127, 128]]


@pytest.mark.parametrize(
    "encoding", [Encoding.CURSOR, Encoding.X_CURSOR, Encoding.CURSOR_WITH_ALPHA], ids=lambda e: e.name
)
def test_no_cursor_is_a_clear_one(encoding: Encoding) -> None:
    body = u32(0) if encoding == Encoding.CURSOR_WITH_ALPHA else b""
    cursor = cursor_of(connected_client(), rectangle(encoding, body))
    assert cursor.image.tolist() == [[[0, 0, 0, 0]]]


def test_a_cursor_has_bounds() -> None:
    for encoding in (Encoding.CURSOR, Encoding.X_CURSOR):
        with pytest.raises(LimitExceeded):
            events_of(connected_client(), update(rectangle(encoding, b"", width=1025, height=1)))
    compressed = update(rectangle(Encoding.CURSOR_WITH_ALPHA, u32(16), width=1, height=1))
    assert "only raw is expected" in complaint_of(connected_client(), compressed)
