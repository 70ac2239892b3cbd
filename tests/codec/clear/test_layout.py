"""Where lines are found."""

import numpy as np

from pyrdpmux.codec.clear import layout
from pyrdpmux.codec.clear.layout import Block, Line


def canvas(height: int = 200, width: int = 300) -> np.ndarray[tuple[int, int], np.dtype[np.uint32]]:
    return np.full((height, width), 5, np.uint32)


def test_an_empty_page_has_nothing() -> None:
    found = layout.find(canvas())
    assert (found.background, found.lines, found.blocks, found.is_nested) == (5, [], [], False)


def test_lines_and_bands() -> None:
    words = canvas()
    words[10:20, 30:40] = 9
    words[15, 40 + layout.GAP] = 9
    words[12, 100] = 9
    words[199, 0:300] = 9
    found = layout.find(words)
    assert found.lines == [Line(10, 20, 5), Line(199, 200, 5)]
    assert found.line[0].tolist() == [0, 0, 1]
    assert found.starts[0].tolist() == [30, 100, 0]
    assert found.ends[0].tolist() == [41 + layout.GAP, 101, 300]


def test_a_window_falls_into_lines_of_its_own() -> None:
    words = canvas()
    words[20:180, 100:250] = 7
    words[30:40, 120:200] = 8
    words[60:70, 120:130] = 8
    found = layout.find(words)
    assert found.is_nested
    assert found.lines == [Line(30, 40, 7), Line(60, 70, 7)]
    assert not found.blocks


def test_a_scroll_bar_does_not_hide_lines() -> None:
    words = canvas()
    words[:, 290] = 3
    words[30:40, 20:200] = 8
    found = layout.find(words)
    assert found.lines == [Line(30, 40, 5)]


def test_what_cannot_be_cut_is_a_block() -> None:
    words = canvas()
    words[20:90, 20:90] = np.random.default_rng(1).integers(100, 1 << 24, (70, 70))
    assert layout.find(words).blocks == [Block(20, 20, 90, 90)]


def test_pictures_without_end_end() -> None:
    noise = np.random.default_rng(1).integers(0, 1 << 24, (300, 300)).astype(np.uint32)
    assert layout.find(noise).blocks
    stripes = np.arange(90000, dtype=np.uint32).reshape(300, 300) // 64
    layout.find(stripes)
    layout.find(stripes.T.copy())
