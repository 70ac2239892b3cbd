"""Which parts of an exact picture go as color planes, and which as ClearCodec."""

from typing import Final

import numpy as np

from pyrdpmux.codec.clear.rlex import MAX_COLORS
from pyrdpmux.codec.clear.small import RAW_PIXELS
from pyrdpmux.codec.color import Words
from pyrdpmux.graphics.classify import Kind
from pyrdpmux.graphics.commands import Exact

LOW_PIXELS: Final = 1 << 14
"""Below which an area is of the kind that most of its pixels are of: strips of a photo may count as text."""
BUSY: Final = 0.3
"""Share of pixels that differ from the one before, from which on runs are no good."""
_SAMPLE: Final = 2 * (MAX_COLORS + 1)


def is_for_planes(command: Exact, picture: Words) -> bool:
    """Small pictures cost fewer bytes so, but more time than they are worth."""
    pixels = command.rect.pixels
    if pixels <= RAW_PIXELS or command.kind is Kind.FLAT:
        return False
    if command.kind is Kind.PICTURE:
        return True
    return pixels < LOW_PIXELS and has_colors_of_a_photo(picture[command.rect.slices])


def has_colors_of_a_photo(words: Words) -> bool:
    """Whether (h, w) uint32 have many pixels unlike the one before, and in more colors than palettes have."""
    flat = np.ascontiguousarray(words).reshape(-1)
    places = np.flatnonzero(flat[1:] != flat[:-1])
    if len(places) < BUSY * len(flat):
        return False
    step = max(1, len(places) // _SAMPLE)
    return len(set(flat[places[::step]].tolist())) > MAX_COLORS
