"""Streams of bitmaps and drawing orders, before a client that draws them: every frame, pixel by pixel."""

from dataclasses import replace
from itertools import count

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrdpmux.geometry import Rect
from pyrdpmux.graphics.tally import Step
from pyrdpmux.graphics.targets.bitmap_updates import BitmapUpdatesFormat
from pyrdpmux.rdp.pdu.orders.primary import MemBlt, OpaqueRect, ScrBlt
from pyrdpmux.rdp.pdu.orders.secondary import CacheBitmapRev2
from pyrdpmux.rdp.pdu.update import BitmapData
from tests.graphics.bitmap_session import CELLS, BitmapClient, BitmapSession, output_format
from tests.graphics.drawings import DRAWINGS, ROOMS, drawn, photo, text

DEPTHS = pytest.mark.parametrize("depth", [32, 24, 16, 15, 8])
ORDERS = pytest.mark.parametrize("has_orders", [True, False], ids=["orders", "bitmaps only"])

LARGE_CELLS = (*CELLS[:3], replace(CELLS[3], entries=90))


def sorts(session: BitmapSession) -> set[type]:
    """What the last frame consisted of."""
    return {type(piece) for piece in session.client.pieces}


@DEPTHS
@ORDERS
def test_whatever_is_there_is_shown(depth: int, has_orders: bool) -> None:
    session = BitmapSession(output_format(643, 401, depth, has_orders=has_orders))
    session.write(Rect(0, 0, 643, 401), text(643, 401))
    session.show()
    session.write(Rect(101, 53, 320, 240), photo(320, 240))
    session.show()
    assert not session.stream.planner.main.has_lossy
    assert (session.client.shown == session.wanted).all()


@DEPTHS
def test_scrolling_is_copied(depth: int) -> None:
    session = BitmapSession(output_format(640, 480, depth))
    page = text(640, 900)
    session.write(Rect(0, 0, 640, 480), page[:480])
    session.show()
    before = session.client.bytes
    for top in range(16, 160, 16):
        session.write(Rect(0, 0, 640, 480), page[top : top + 480])
        session.show()
        assert isinstance(session.client.pieces[0], ScrBlt)
    assert session.client.bytes - before < before


def test_without_orders_there_are_bitmaps_only() -> None:
    session = BitmapSession(output_format(640, 480, has_orders=False))
    page = text(640, 900)
    for top in (0, 16, 0):
        session.write(Rect(0, 0, 640, 480), page[top : top + 480])
        session.show()
        assert sorts(session) == {BitmapData}


@pytest.mark.parametrize(("depth", "fills"), [(32, True), (24, True), (16, False), (15, False), (8, False)])
def test_one_color_is_an_order_where_its_bytes_mean_the_same_to_all(depth: int, fills: bool) -> None:
    session = BitmapSession(output_format(640, 480, depth))
    session.write(Rect(0, 0, 640, 480), np.full((480, 640), 0xC08040, np.uint32))
    session.show()
    assert sorts(session) == ({OpaqueRect} if fills else {BitmapData})


@pytest.mark.parametrize("depth", [32, 24, 16, 8])
def test_what_comes_again_comes_out_of_the_cache(depth: int) -> None:
    session = BitmapSession(output_format(512, 320, depth, cells=LARGE_CELLS))
    slides = [photo(512, 320, seed) for seed in (1, 2)]
    sizes = []
    for number in (0, 1, 0, 1):
        before = session.client.bytes
        session.write(Rect(0, 0, 512, 320), slides[number])
        session.show()
        sizes.append(session.client.bytes - before)
    assert sorts(session) == {MemBlt}
    assert max(sizes[2:]) < 1000


def test_tiles_at_the_edges_are_kept_when_they_are_wanted_first() -> None:
    """They end where the picture does, so they are none of those that are painted."""
    session = BitmapSession(output_format(480, 300, cells=LARGE_CELLS))
    kinds = []
    for seed in (1, 2, 1, 2, 1, 2):
        session.write(Rect(0, 0, 480, 300), photo(480, 300, seed))
        session.show()
        kinds.append(sorts(session))
    assert kinds[2] == kinds[3] == {MemBlt, CacheBitmapRev2}
    assert kinds[4] == kinds[5] == {MemBlt}


def test_what_was_on_the_screen_before_is_kept_when_it_is_wanted_first() -> None:
    """Nothing of it is painted anyway when it is to be kept."""
    session = BitmapSession(output_format(640, 448))
    left, right = Rect(0, 0, 320, 448), Rect(320, 0, 320, 448)
    first = photo(320, 448, 1)
    for x in range(0, 320, 32):  # by so few pixels at a time that nothing is looked for in the cache
        for y in range(0, 448, 32):
            session.write(Rect(x, y, 32, 32), first[y : y + 32, x : x + 32])
            session.show()
    session.write(right, photo(320, 448, 2))
    session.show()
    session.write(Rect(0, 0, 640, 448), photo(640, 448, 3))
    session.show()
    kinds = []
    for words in (first, photo(320, 448, 4), first):
        session.write(left, words)
        session.show()
        kinds.append(sorts(session))
    assert MemBlt in kinds[2]
    assert CacheBitmapRev2 not in kinds[2]


def test_a_small_cache_is_overwritten() -> None:
    session = BitmapSession(output_format(480, 320, cells=(*CELLS[:2], replace(CELLS[2], entries=3))))
    for seed in (1, 2, 1, 3, 2, 1):
        session.write(Rect(0, 0, 480, 320), photo(480, 320, seed))
        session.show()


def test_tiles_that_are_too_large_for_an_order_are_no_less_shown() -> None:
    """QUIRK(rdesktop): no alpha plane may be left out, and no update is reassembled."""
    output = replace(output_format(320, 256, max_request_size=0), may_skip_alpha=False)
    session = BitmapSession(output)
    noise = np.random.default_rng(3).integers(0, 1 << 24, (256, 320), dtype=np.uint32)
    for words in (noise, text(320, 256), noise, text(320, 256), noise):
        session.write(Rect(0, 0, 320, 256), words)
        session.show()


def test_only_what_counts_keeps_clients_apart() -> None:
    output = output_format(640, 480)
    format = BitmapUpdatesFormat.of(output)
    assert BitmapUpdatesFormat.of(replace(output, max_pointer_side=96, max_request_size=1 << 21)) == format
    for other in (
        replace(output, can_copy=False),
        replace(output, can_fill=False),
        replace(output, bits_per_pixel=16),
        replace(output, bitmap_caches=CELLS[:3]),
        replace(output, bitmap_caches=(*CELLS[:3], replace(CELLS[3], needs_keys=False))),
        replace(output, omits_compression_header=True),
        replace(output, max_request_size=0),
    ):
        assert BitmapUpdatesFormat.of(other) != format


@given(
    drawings=DRAWINGS,
    width=st.integers(1, 330),
    height=st.integers(1, 250),
    depth=st.sampled_from([32, 24, 16, 15, 8]),
    has_orders=st.booleans(),
    room=ROOMS,
)
@settings(max_examples=60, deadline=None)
def test_whatever_is_drawn_is_shown(
    drawings: list[tuple[str, Rect, int, int, float]],
    width: int,
    height: int,
    depth: int,
    has_orders: bool,
    room: int | None,
) -> None:
    session = BitmapSession(output_format(width, height, depth, has_orders=has_orders))
    session.room = room
    for kind, rect, by, seed, seconds in drawings:
        rect = rect.clip(width, height)
        if not rect.is_empty:
            session.write(rect, drawn(session.surface.words, kind, rect, by, seed))
        session.show(seconds)
    session.rest()


# -- joining -----------------------------------------------------------------------------------------


def pair(depth: int = 32) -> tuple[BitmapSession, BitmapSession]:
    """Two sessions of one surface."""
    host, guest = (BitmapSession(output_format(330, 250, depth)) for _ in range(2))
    guest.surface = host.surface
    return host, guest


def show_both(host: BitmapSession, clients: list[BitmapClient], seconds: float = 0.02) -> None:
    host.now += seconds
    frame = host.stream.render(host.surface, host.now)
    for client in clients:
        client.take(frame)
        host.check(client)


@pytest.mark.parametrize("depth", [32, 16])
def test_who_joins_has_nothing_in_the_cache(depth: int) -> None:
    host, guest = pair(depth)
    everything = Rect(0, 0, 330, 250)
    for seed in (1, 2, 1, 2):
        host.write(everything, photo(330, 250, seed))
        host.show()
    guest.show()
    guest.write(everything, photo(330, 250, 3))
    guest.show()
    host.show()
    host.joined_by(guest)
    for seed in (1, 2, 3, 1, 2, 3):
        host.write(everything, photo(330, 250, seed))
        show_both(host, [host.client, guest.client])


@given(before=DRAWINGS, after=DRAWINGS)
@settings(max_examples=10, deadline=None)
def test_whenever_somebody_joins(
    before: list[tuple[str, Rect, int, int, float]], after: list[tuple[str, Rect, int, int, float]]
) -> None:
    host, guest = pair()
    for drawings, clients in ((before, [host.client]), (after, [host.client, guest.client])):
        for kind, rect, by, seed, seconds in drawings:
            rect = rect.clip(330, 250)
            if not rect.is_empty:
                host.write(rect, drawn(host.surface.words, kind, rect, by, seed))
            show_both(host, clients, seconds)
        if drawings is before:
            guest.show()
            host.joined_by(guest)


def test_who_leaves_goes_on_with_a_copy() -> None:
    host, guest = pair()
    everything = Rect(0, 0, 330, 250)
    for seed in (1, 2, 1):
        host.write(everything, photo(330, 250, seed))
        host.show()
    guest.client = host.client
    guest.stream = host.stream.clone()
    guest.now = host.now
    for seed in (2, 1, 2):
        guest.write(everything, photo(330, 250, seed))
        guest.show()


@pytest.mark.parametrize(("depth", "codec"), [(32, "planar"), (16, "interleaved")])
def test_counts_bitmaps_copies_and_what_comes_out_of_the_cache(depth: int, codec: str) -> None:
    session = BitmapSession(output_format(480, 320, depth))
    tally = session.stream.target.tally
    ticks = count()
    tally.clock = lambda: float(next(ticks))
    for seed in (1, 2, 1):
        session.write(Rect(0, 0, 480, 320), photo(480, 320, seed))
        session.show()
    page = text(480, 340)
    for top in (0, 16):
        session.write(Rect(0, 0, 480, 320), page[top : top + 320])
        session.show()
    figures = tally.figures()
    assert figures.keys() >= {Step.FIND, Step.BITMAPS, Step.RESTORE, Step.COPY}
    assert figures[Step.BITMAPS].pixels >= 2 * 480 * 320
    assert figures[Step.BITMAPS].seconds > 0 == figures[Step.COPY].seconds
    assert tally.bytes == figures[Step.BITMAPS].bytes
    assert session.client.bytes * 0.95 < tally.bytes < session.client.bytes
    assert session.stream.target.codecs == (codec,)


@DEPTHS
@ORDERS
@pytest.mark.parametrize(
    "rect", [Rect(0, 178, 1, 1), Rect(40, 0, 300, 1), Rect(0, 0, 1, 90), Rect(0, 0, 1, 1)]
)
def test_nothing_ends_in_the_first_column_or_row(depth: int, has_orders: bool, rect: Rect) -> None:
    """FreeRDP takes such a rectangle for an empty one, and does not draw it."""
    session = BitmapSession(output_format(640, 480, depth, has_orders=has_orders))
    session.write(Rect(0, 0, 640, 480), text(640, 480))
    session.show()
    session.write(rect, np.full((rect.height, rect.width), 0xFF0000, np.uint32))
    session.show()
    assert session.client.pieces
    for piece in session.client.pieces:
        match piece:
            case OpaqueRect():
                assert piece.left + piece.width > 1
                assert piece.top + piece.height > 1
            case BitmapData():
                assert piece.right > 0
                assert piece.bottom > 0
            case _:
                assert isinstance(piece, MemBlt | CacheBitmapRev2)
    assert (session.client.shown == session.wanted).all()
