import numpy as np

from pyrdpmux.mux.picture.font import CELL_HEIGHT, CELL_WIDTH, draw_text, glyph, text_mask


def picture(mask: np.ndarray) -> list[str]:
    return ["".join(["#" if ink else "." for ink in row]) for row in mask]


def test_a_glyph() -> None:
    assert picture(glyph("g")) == [
        "......",
        "......",
        "......",
        ".####.",
        "#...#.",
        "#...#.",
        ".####.",
        "....#.",
        ".###..",
        "......",
    ]


def test_every_printable_character_has_its_own() -> None:
    shapes = {glyph(chr(code)).tobytes() for code in range(0x20, 0x7F)}
    assert len(shapes) == 0x7F - 0x20
    assert glyph("é").tobytes() not in shapes
    assert glyph("\0").tobytes() == glyph("é").tobytes()


def test_a_line_scales() -> None:
    assert text_mask("").shape == (CELL_HEIGHT, 0)
    assert text_mask("ab").shape == (CELL_HEIGHT, 2 * CELL_WIDTH)
    doubled = text_mask("a", 2)
    assert (doubled[::2, ::2] == glyph("a")).all()
    assert (doubled[1::2, 1::2] == glyph("a")).all()


def test_draws_what_fits() -> None:
    pixels = np.zeros((12, 8, 4), np.uint8)
    draw_text(pixels, 2, 1, "HH", (1, 2, 3))
    ink = pixels[..., 1] == 2
    assert (ink[1:11, 2:8] == text_mask("HH")[:, :6]).all()
    assert pixels[ink].tolist() == [[1, 2, 3, 0]] * int(ink.sum())


def test_draws_over_the_left_and_top_edge() -> None:
    pixels = np.zeros((4, 4, 4), np.uint8)
    draw_text(pixels, -2, -3, "H", (9, 9, 9))
    assert ((pixels[..., 0] == 9) == text_mask("H")[3:7, 2:6]).all()


def test_draws_nothing_outside() -> None:
    pixels = np.zeros((4, 4, 4), np.uint8)
    draw_text(pixels, 10, 0, "H", (9, 9, 9))
    draw_text(pixels, 0, -50, "H", (9, 9, 9))
    assert not pixels.any()
