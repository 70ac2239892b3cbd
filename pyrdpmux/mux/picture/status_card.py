"""The card with a VM's status: a line or two, in the middle of the dimmed last picture."""

from collections.abc import Sequence

import numpy as np

from pyrdpmux.codec.color import Pixels
from pyrdpmux.mux.picture.font import CELL_HEIGHT, CELL_WIDTH, draw_text

BACKGROUND = (0x40, 0x30, 0x28)
BORDER = (0x90, 0x80, 0x70)
TEXT = (0xF0, 0xF0, 0xF0)
MARGIN = 2

MAX_DIMMED = 4096 * 2160
"""Pixels. A larger picture is not dimmed but black: half a second for 8K, whenever its VM says something."""


def status_picture(picture: Pixels, title: str, detail: str = "") -> Pixels:
    """A dimmed copy of the picture with the card in its middle."""
    height, width = picture.shape[:2]
    dimmed: Pixels = np.zeros((height, width, 4), np.uint8)
    if height * width <= MAX_DIMMED:
        np.right_shift(picture, 2, out=dimmed)
    _draw_card(dimmed, [line for line in (title, detail) if line])
    return dimmed


def _draw_card(picture: Pixels, lines: Sequence[str]) -> None:
    height, width = picture.shape[:2]
    scale = 2 if width >= 400 else 1
    columns = max(1, width // (CELL_WIDTH * scale) - 2 * MARGIN)
    lines = [line[:columns] for line in lines]
    card = _card(lines, scale)
    left, top = (width - card.shape[1]) // 2, (height - card.shape[0]) // 2
    target = picture[max(top, 0) :, max(left, 0) :]
    visible = card[: target.shape[0], : target.shape[1]]
    target[: visible.shape[0], : visible.shape[1]] = visible


def _card(lines: Sequence[str], scale: int) -> Pixels:
    cell_width, cell_height = CELL_WIDTH * scale, CELL_HEIGHT * scale
    columns = max(len(line) for line in lines) + 2 * MARGIN
    card: Pixels = np.zeros(((len(lines) + MARGIN) * cell_height, columns * cell_width, 4), np.uint8)
    card[..., :3] = BORDER
    card[scale:-scale, scale:-scale, :3] = BACKGROUND
    for number, line in enumerate(lines):
        left = (card.shape[1] - len(line) * cell_width) // 2
        draw_text(card, left, (number + 1) * cell_height, line, TEXT, scale)
    return card
