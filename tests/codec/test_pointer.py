"""Pointer masks: against FreeRDP's recorded cursors and a Windows server's, and by round trip."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrdpmux.codec.color import Pixels
from pyrdpmux.codec.pointer import decode_pointer, encode_pointer, premultiply
from pyrdpmux.errors import DecodeError, EncodeError, PeerError
from pyrdpmux.rdp.fastpath.update import FastPathOutput, UpdateCode, decode_update
from pyrdpmux.rdp.pdu.pointer import NewPointer
from pyrdpmux.wire import decode

SHARED = Path(__file__).parents[2] / "../shared/vectors"
CURSORS = SHARED / "freerdp/c-arrays"
MSTSC = SHARED / "mstsc/Example_1_Win10_X64_WS2016_X64_Domain.pdus.jsonl"

BLUE = (200, 0, 0, 255)
CLEAR = (0, 0, 0, 0)


def image_of(*rows: tuple[tuple[int, int, int, int], ...]) -> Pixels:
    return np.array(rows, np.uint8)


def test_24_bpp_masks_are_bottom_up_and_padded_to_two_bytes() -> None:
    image = image_of((BLUE, CLEAR, BLUE), (CLEAR, CLEAR, BLUE))
    xor_mask, and_mask = encode_pointer(image, 24)
    assert xor_mask.hex(" ") == "00 00 00 00 00 00 c8 00 00 00 c8 00 00 00 00 00 c8 00 00 00"
    assert and_mask.hex(" ") == "c0 00 40 00"
    assert (decode_pointer(3, 2, 24, xor_mask, and_mask) == image).all()


def test_32_bpp_keeps_alpha_and_marks_what_is_less_than_half_opaque() -> None:
    image = image_of(((1, 2, 3, 127), (4, 5, 6, 128)))
    xor_mask, and_mask = encode_pointer(image, 32)
    assert xor_mask == image.tobytes()
    assert and_mask == b"\x80\x00"
    assert (decode_pointer(2, 1, 32, xor_mask, and_mask) == image).all()


def test_32_bpp_without_any_alpha_goes_by_the_and_mask() -> None:
    image = decode_pointer(2, 1, 32, bytes([9, 8, 7, 0, 0, 0, 0, 0]), b"\x40\x00")
    assert image.tolist() == [[[9, 8, 7, 255], [0, 0, 0, 0]]]


def test_1_bpp_is_top_down_and_knows_four_colors() -> None:
    image = decode_pointer(2, 2, 1, b"\x40\0\x40\0", b"\x00\0\xc0\0")
    assert image.tolist() == [
        [[0, 0, 0, 255], [255, 255, 255, 255]],
        [[0, 0, 0, 0], [255, 255, 255, 255]],  # the last one inverts: checkered
    ]


def test_16_bpp_has_five_bits_each() -> None:
    image = decode_pointer(1, 1, 16, b"\x1f\x04", b"")
    assert image.tolist() == [[[255, 0, 8, 255]]]


def test_premultiply() -> None:
    image = premultiply(image_of(((255, 100, 0, 128), (255, 100, 0, 255), (255, 100, 0, 0))))
    assert image.tolist() == [[[128, 50, 0, 128], [255, 100, 0, 255], [0, 0, 0, 0]]]


@pytest.mark.skipif(not CURSORS.exists(), reason=f"{CURSORS} is not there")
@pytest.mark.parametrize("number", range(6))
def test_freerdps_cursors(number: int) -> None:
    width, height = (9, 16) if number == 0 else (24, 24)
    name = f"cursor_dump_{number:08}"
    xor_mask = (CURSORS / f"{name}.xormask.bin").read_bytes()
    and_mask = (CURSORS / f"{name}.andmask.bin").read_bytes()
    expected = np.fromfile(CURSORS / f"{name}.{name}_image_bgra32.bin", np.uint8)
    image = decode_pointer(width, height, 24, xor_mask, and_mask)
    assert (image == expected.reshape(height, width, 4)).all()


@pytest.mark.skipif(not MSTSC.exists(), reason=f"{MSTSC} is not there")
def test_a_windows_servers_alpha_pointers_encode_identically() -> None:
    count = 0
    for line in MSTSC.read_text().splitlines():
        unit = json.loads(line)
        if (unit["kind"], unit["dir"]) != ("fp", "s2c"):
            continue
        for update in decode(FastPathOutput, bytes.fromhex(unit["hex"])).updates:
            body = decode_update(update)
            if (
                update.update_code is UpdateCode.POINTER
                and isinstance(body, NewPointer)
                and body.xor_bpp == 32
            ):
                shape = body.shape
                image = decode_pointer(shape.width, shape.height, 32, shape.xor_mask, shape.and_mask)
                assert (image[:, :, :3] <= image[:, :, 3:]).all(), "not premultiplied"
                assert encode_pointer(image, 32) == (shape.xor_mask, shape.and_mask)
                count += 1
    assert count == 13


@pytest.mark.parametrize(
    ("width", "height", "depth", "xor_size", "and_size", "message"),
    [
        (0, 1, 32, 4, 2, "pointer.width"),
        (385, 1, 32, 2000, 50, "pointer.width"),
        (2, 2, 8, 100, 100, "pointer.xorBpp"),
        (2, 2, 24, 11, 4, "pointer.xorMaskData: 11 bytes, expected 12"),
        (2, 2, 24, 12, 3, "pointer.andMaskData: 3 bytes, expected 4"),
    ],
)
def test_what_does_not_fit_is_refused(
    width: int, height: int, depth: int, xor_size: int, and_size: int, message: str
) -> None:
    with pytest.raises(DecodeError, match=message):
        decode_pointer(width, height, depth, bytes(xor_size), bytes(and_size))


def test_only_24_and_32_bpp_are_encoded() -> None:
    with pytest.raises(EncodeError, match="xorBpp"):
        encode_pointer(image_of((BLUE,)), 8)


@given(
    st.integers(1, 40),
    st.integers(1, 40),
    st.sampled_from([24, 32]),
    st.binary(min_size=64, max_size=64),
)
@settings(max_examples=50, deadline=None)
def test_round_trip(width: int, height: int, depth: int, noise: bytes) -> None:
    image = np.resize(np.frombuffer(noise, np.uint8), (height, width, 4)).copy()
    if depth == 24:
        image[:, :, 3] = np.where(image[:, :, 3] < 128, np.uint8(0), np.uint8(255))
        image[image[:, :, 3] == 0] = 0
    else:
        image[0, 0, 3] = 1  # without alpha anywhere it would be read as an old-style pointer
    assert (decode_pointer(width, height, depth, *encode_pointer(image, depth)) == image).all()


@given(st.integers(-1, 400), st.integers(-1, 400), st.integers(0, 33), st.binary(), st.binary())
@settings(max_examples=100, deadline=None)
def test_garbage_raises_only_peer_errors(
    width: int, height: int, depth: int, xor: bytes, and_: bytes
) -> None:
    try:
        image = decode_pointer(width, height, depth, xor, and_)
    except PeerError:
        return
    assert image.shape == (height, width, 4)
