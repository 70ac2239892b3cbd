"""Messages and pages for the ClearCodec tests."""

import numpy as np

from bench import screens
from pyrdpmux.codec.clear.stream import BitmapStream, CompositePayload, Flags
from pyrdpmux.codec.color import Pixels
from pyrdpmux.wire import encode
from tests.rows import unhex


def message(
    residual: str = "", bands: str = "", subcodecs: str = "", number: int = 0, flags: int = 0
) -> bytes:
    """One without a glyph, layers in annotated hex."""
    payload = CompositePayload(unhex(residual), unhex(bands), unhex(subcodecs))
    return encode(BitmapStream(Flags(flags), number, None, payload))


def page(kind: str, height: int = 160, width: int = 400, seed: int = 0) -> Pixels:
    """The corner of a screen of bench, lines of another order for each seed."""
    lines = screens.SCREENS[kind](height, width).reshape(-1, 16, width, 4)
    order = np.random.default_rng(seed).permutation(len(lines)) if seed else np.arange(len(lines))
    return lines[order].reshape(height, width, 4)


def cleartype(height: int = 160, width: int = 400) -> Pixels:
    """Black on white with a coverage of its own for each channel, a third of a pixel apart."""
    gray = screens.SCREENS["gray text"](height, width * 3)[..., 0].astype(int)
    smooth = (gray[:, :-2] + gray[:, 1:-1] + gray[:, 2:]) // 3
    smooth = np.pad(smooth, ((0, 0), (0, 2)), constant_values=255)
    result = np.full((height, width, 4), 255, np.uint8)
    for channel in range(3):
        result[..., 2 - channel] = smooth[:, channel::3]
    return result
