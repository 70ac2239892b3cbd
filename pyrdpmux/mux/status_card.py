"""What a viewer sees instead of a VM: a card with a line or two, over the dimmed last picture."""

import numpy as np

from pyrdpmux.mux.font import CELL_HEIGHT, CELL_WIDTH, draw_text
from pyrdpmux.mux.region import Rect
from pyrdpmux.mux.screen import Pixels, Screen

BACKGROUND = (0x40, 0x30, 0x28)
BORDER = (0x90, 0x80, 0x70)
TEXT = (0xF0, 0xF0, 0xF0)
MARGIN = 2


def show_status(screen: Screen, title: str, detail: str = "") -> None:
    """Dim the screen and put the card in its middle."""
    picture: Pixels = (screen.pixels >> 2).astype(np.uint8)
    _draw_card(picture, [line for line in (title, detail) if line])
    screen.write(Rect(0, 0, screen.width, screen.height), picture)


def _draw_card(picture: Pixels, lines: list[str]) -> None:
    height, width = picture.shape[:2]
    scale = 2 if width >= 400 else 1
    columns = max(1, width // (CELL_WIDTH * scale) - 2 * MARGIN)
    lines = [line[:columns] for line in lines]
    card = _card(lines, scale)
    left, top = (width - card.shape[1]) // 2, (height - card.shape[0]) // 2
    target = picture[max(top, 0) :, max(left, 0) :]
    visible = card[: target.shape[0], : target.shape[1]]
    target[: visible.shape[0], : visible.shape[1]] = visible


def _card(lines: list[str], scale: int) -> Pixels:
    cell_width, cell_height = CELL_WIDTH * scale, CELL_HEIGHT * scale
    columns = max(len(line) for line in lines) + 2 * MARGIN
    card: Pixels = np.zeros(((len(lines) + MARGIN) * cell_height, columns * cell_width, 4), np.uint8)
    card[..., :3] = BORDER
    card[scale:-scale, scale:-scale, :3] = BACKGROUND
    for number, line in enumerate(lines):
        left = (card.shape[1] - len(line) * cell_width) // 2
        draw_text(card, left, (number + 1) * cell_height, line, TEXT, scale)
    return card
