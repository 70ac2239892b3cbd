"""What a server may ask of us: pixels and rectangles per update, and how much is done between two yields."""

import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pyrdpmux.errors import LimitExceeded
from pyrdpmux.rfb.client import WORKED, RfbClient
from pyrdpmux.rfb.encodings import Encoding
from pyrdpmux.rfb.events import CursorChanged, Event, Painted, UpdateFinished, UpdateStarted
from pyrdpmux.rfb.limits import (
    KEPT_CURSOR_SIDE,
    OVERDRAW,
    PIXELS_PER_RECTANGLE,
    SMALL_COUNT,
    SMALL_UPDATE,
    STEP_PIXELS,
)
from tests.rfb.encoders import ZlibEncoder, pixel, rectangle, u32, update
from tests.rfb.scripted import connected_client, events_of


def steps_of(client: RfbClient, data: bytes) -> tuple[list[Event], int]:
    """What it tells, and in how many steps."""
    client.receive_data(data)
    events: list[Event] = []
    count = 0
    while (step := client.step()) is not None:
        count += 1
        if step is not WORKED and not isinstance(step, UpdateStarted):
            events.append(step)
    return events, count


def copy_of(width: int, height: int) -> bytes:
    return rectangle(Encoding.COPY_RECT, bytes(4), width=width, height=height)


def test_an_update_paints_its_framebuffer_a_few_times_at_most() -> None:
    side = 2048
    full = copy_of(side, side)
    events = events_of(connected_client(side, side), update(*[full] * OVERDRAW))
    assert isinstance(events[-1], UpdateFinished)
    client = connected_client(side, side)
    with pytest.raises(LimitExceeded) as caught:
        events_of(client, update(*[full] * (OVERDRAW + 1)))
    assert caught.value.limit == "FramebufferUpdate.pixels"
    assert caught.value.maximum == OVERDRAW * side * side + SMALL_UPDATE
    # and each update anew
    client = connected_client(side, side)
    assert len(events_of(client, update(*[full] * OVERDRAW) * 3)) == 3 * (OVERDRAW + 1)


@pytest.mark.parametrize(
    "one",
    [
        copy_of(64, 48),
        rectangle(Encoding.RAW, bytes(64 * 48 * 4), width=64, height=48),
        rectangle(
            Encoding.RRE,
            u32(1) + pixel(0) + pixel(1) + bytes.fromhex("0000 0000 0001 0001"),
            width=64,
            height=48,
        ),
        rectangle(Encoding.CURSOR, bytes(64 * 48 * 4 + 8 * 48), width=64, height=48),
        rectangle(Encoding.DESKTOP_SIZE, b"", width=64, height=48),
    ],
    ids=["copy", "raw", "rre", "cursor", "size"],
)
def test_everything_that_is_painted_counts(one: bytes) -> None:
    """Of a small framebuffer, so much as a small update may have; a new size and a pointer count as well."""
    allowed = (OVERDRAW * 64 * 48 + SMALL_UPDATE) // (64 * 48)
    with pytest.raises(LimitExceeded, match=r"FramebufferUpdate\.pixels"):
        events_of(connected_client(), update(*[one] * (allowed + 1)))
    fewer = allowed // 2
    assert isinstance(events_of(connected_client(), update(*[one] * fewer))[-1], UpdateFinished)


def test_boxes_of_rre_count_too() -> None:
    box = pixel(1) + bytes.fromhex("0000 0000 0400 0400")
    one = rectangle(Encoding.RRE, u32(3) + pixel(0) + box * 3, width=1024, height=1024)
    client = connected_client(1024, 1024)
    assert isinstance(events_of(client, update(one))[-1], UpdateFinished)
    with pytest.raises(LimitExceeded, match=r"FramebufferUpdate\.pixels"):
        events_of(client, update(one, one))


def test_the_number_of_rectangles_has_a_bound() -> None:
    maximum = 64 * 48 // PIXELS_PER_RECTANGLE + SMALL_COUNT
    nothing = rectangle(Encoding.QEMU_LED_STATE, b"\0")
    assert len(events_of(connected_client(), update(*[nothing] * maximum))) == maximum + 1
    with pytest.raises(LimitExceeded, match=rf"number-of-rectangles: {maximum + 1}, at most {maximum}"):
        events_of(connected_client(), update(*[nothing] * (maximum + 1)))


def hextile(width: int, height: int) -> bytes:
    tiles = -(-width // 16) * -(-height // 16)
    return rectangle(Encoding.HEXTILE, b"\2" + pixel(5) + bytes(tiles - 1), width=width, height=height)


def zlib_rectangle(width: int, height: int) -> bytes:
    body = ZlibEncoder().deflate(bytes(width * height * 4))
    return rectangle(Encoding.ZLIB, body, width=width, height=height)


def zrle(width: int, height: int) -> bytes:
    tiles = -(-width // 64) * -(-height // 64)
    body = ZlibEncoder().deflate(b"\1\5\0\0" * tiles)
    return rectangle(Encoding.ZRLE, body, width=width, height=height)


def raw(width: int, height: int) -> bytes:
    return rectangle(Encoding.RAW, bytes(width * height * 4), width=width, height=height)


def rre(width: int, height: int) -> bytes:
    box = pixel(1) + b"".join([bytes([value >> 8, value & 255]) for value in (0, 0, width, height)])
    return rectangle(Encoding.RRE, u32(1) + pixel(0) + box, width=width, height=height)


@pytest.mark.parametrize("encode", [raw, rre, hextile, zlib_rectangle, zrle])
def test_a_large_rectangle_is_painted_in_small_steps(encode: Callable[[int, int], bytes]) -> None:
    width, height = 4096, 1024
    events, steps = steps_of(connected_client(width, height), update(encode(width, height)))
    painted = [event.pixels.size // 4 for event in events if isinstance(event, Painted)]
    assert sum(painted) == width * height
    assert max(painted) <= STEP_PIXELS
    assert steps >= 2 * width * height // STEP_PIXELS


def test_what_is_inflated_is_inflated_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Never more at once than a piece, neither of what comes nor of what it becomes."""
    sizes: list[tuple[int, int]] = []

    class Noted:
        def __init__(self, inflater: Any) -> None:
            self._inflater = inflater

        def decompress(self, data: bytes, size: int) -> bytes:
            sizes.append((len(data), size))
            plain: bytes = self._inflater.decompress(data, size)
            return plain

        @property
        def unconsumed_tail(self) -> bytes:
            tail: bytes = self._inflater.unconsumed_tail
            return tail

    plain_object = zlib.decompressobj
    monkeypatch.setattr("zlib.decompressobj", lambda: Noted(plain_object()))
    noise = np.random.default_rng(0).integers(0, 256, 512 * 512 * 4, np.uint8).tobytes()
    body = ZlibEncoder().deflate(noise)
    client = connected_client(512, 512)
    _, steps = steps_of(client, update(rectangle(Encoding.ZLIB, body, width=512, height=512)))
    assert max(size for size, _ in sizes) <= 1 << 14
    assert max(size for _, size in sizes) <= 1 << 16
    assert steps >= len(body) >> 14


def test_a_huge_pointer_is_cut_while_it_is_read() -> None:
    body = bytes(1024 * 1024 * 4) + b"\xff" * (128 * 1024)
    events, steps = steps_of(
        connected_client(), update(rectangle(Encoding.CURSOR, body, x=9, y=8, width=1024, height=1024))
    )
    [cursor, _] = events
    assert isinstance(cursor, CursorChanged)
    assert cursor.image.shape == (KEPT_CURSOR_SIDE, KEPT_CURSOR_SIDE, 4)
    assert (cursor.image[..., 3] == 255).all()
    assert steps > 100
