"""Kinds of pixels: of whole pages, of small rectangles, and of the parts of a mixed page."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrdpmux.codec.color import Words
from pyrdpmux.geometry import Rect
from pyrdpmux.graphics.classify import MAX_PARTS, Kind, classify, flat_color, split
from tests.graphics.masks import counted
from tests.graphics.scenes import STRANGE, picture


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("text", Kind.TEXT),
        ("gray text", Kind.TEXT),
        ("console", Kind.TEXT),
        ("photo", Kind.PICTURE),
        ("noise", Kind.PICTURE),
    ],
)
def test_pages_and_parts_of_them_are_told_apart(name: str, kind: Kind) -> None:
    page = picture(name)
    assert classify(page) is kind
    assert classify(page[:64, :640]) is kind
    assert classify(page[:20, 1:300]) is kind
    assert split(page, (0, 0)) == [(Rect(0, 0, 1920, 1080), kind)]


@pytest.mark.parametrize("shape", [(1, 1), (1, 700), (700, 1), (8, 8), (1080, 1921)])
def test_one_color_is_flat_at_any_size(shape: tuple[int, int]) -> None:
    page = np.full(shape, 0x102030, np.uint32)
    assert (classify(page), flat_color(page)) == (Kind.FLAT, 0x102030)
    assert split(page, (5, 70)) == [(Rect(5, 70, shape[1], shape[0]), Kind.FLAT)]
    page[shape[0] // 2, shape[1] // 2] ^= 1
    if page.size > 1:
        assert flat_color(page) is None
        assert classify(page) is not Kind.FLAT


def test_a_column_of_single_pixels_is_judged_by_what_is_above() -> None:
    assert classify(np.repeat(np.arange(9, dtype=np.uint32), 5)[:, None]) is Kind.TEXT
    assert classify(np.arange(45, dtype=np.uint32)[:, None]) is Kind.PICTURE


def test_lines_between_those_looked_at_count_in_small_areas() -> None:
    """A glyph's height is not a multiple of anything."""
    glyph = np.zeros((16, 8), np.uint32)
    glyph[1:8] = np.arange(56).reshape(7, 8)
    assert classify(glyph) is Kind.TEXT
    glyph[9:16] = glyph[1:8]
    assert classify(glyph) is Kind.PICTURE


def test_a_photo_beside_text_becomes_a_part_of_its_own() -> None:
    page = picture("gray text").copy()
    page[256:832, 640:1472] = picture("photo")[256:832, 640:1472]
    parts = split(page, (0, 0))
    assert [part for part in parts if part[1] is Kind.PICTURE] == [(Rect(640, 256, 832, 576), Kind.PICTURE)]
    assert len(parts) == 5
    assert {kind for _, kind in parts} == {Kind.TEXT, Kind.PICTURE}


def test_the_bars_beside_a_film_are_flat() -> None:
    film = np.zeros((720, 1280), np.uint32)
    film[128:576] = picture("photo")[128:576, :1280]
    assert split(film, (64, 128)) == [
        (Rect(64, 128, 1280, 128), Kind.FLAT),
        (Rect(64, 256, 1280, 448), Kind.PICTURE),
        (Rect(64, 704, 1280, 144), Kind.FLAT),
    ]


def test_the_grid_is_the_frames() -> None:
    page = np.zeros((300, 300), np.uint32)
    page[130:260] = np.random.default_rng(1).integers(0, 2**24, (130, 300))
    parts = dict(split(page, (10, 62)))
    assert [rect for rect, kind in parts.items() if kind is Kind.PICTURE] == [Rect(10, 192, 300, 128)]


def test_a_small_area_is_not_split() -> None:
    page = np.zeros((128, 127), np.uint32)
    page[:64] = picture("noise")[:64, :127]
    assert split(page, (0, 0)) == [(Rect(0, 0, 127, 128), classify(page))]


def test_an_icon_stays_with_its_text() -> None:
    page = picture("text").copy()
    page[320:384, 640:704] = picture("noise")[:64, :64]
    assert split(page, (0, 0)) == [(Rect(0, 0, 1920, 1080), Kind.TEXT)]


def test_a_thin_strip_of_a_photo_is_a_picture() -> None:
    """What a window exposes."""
    photo = picture("photo")
    assert split(photo[100:105, 200:900], (200, 100)) == [(Rect(200, 100, 700, 5), Kind.PICTURE)]
    assert split(photo[100:800, 200:203], (200, 100)) == [(Rect(200, 100, 3, 700), Kind.PICTURE)]


def test_a_patchwork_is_not_cut_into_too_many() -> None:
    tiles = np.indices((9, 15)).sum(axis=0) % 2 == 0
    page = np.where(tiles.repeat(128, 0).repeat(128, 1)[:1080], picture("photo"), np.uint32(0))
    assert tiles.size > 2 * MAX_PARTS
    assert split(page, (0, 0)) == [(Rect(0, 0, 1920, 1080), classify(page))]


@given(st.integers(1, 400), st.integers(1, 400), st.integers(0, 200), st.integers(0, 200), st.integers(0, 99))
@settings(max_examples=150, deadline=None)
def test_the_parts_cover_everything_once(height: int, width: int, x: int, y: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rough = (rng.random((7, 7)) < 0.5).repeat(64, 0).repeat(64, 1)[:height, :width]
    page: Words = np.where(rough, rng.integers(0, 2**24, (height, width)), seed % 3).astype(np.uint32)
    parts = split(page, (x, y))
    assert len(parts) <= MAX_PARTS
    assert (counted([rect for rect, _ in parts], (height, width), x, y) == 1).all()
    for rect, kind in parts:
        own = page[rect.y - y : rect.bottom - y, rect.x - x : rect.right - x]
        assert kind is classify(own)
        assert (kind is Kind.FLAT) == (len(np.unique(own)) == 1)


@pytest.mark.parametrize("name", list(STRANGE))
def test_strange_pictures_have_some_kind(name: str) -> None:
    page = STRANGE[name](333, 500)
    assert len(split(page, (3, 5))) == 1
    assert split(page[:0], (3, 5)) == []
