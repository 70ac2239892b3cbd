"""What guests draw that is not as wild as :func:`tests.interop.client.colorful`."""

import numpy as np

from tests.interop.console import Bgrx


def page(width: int, height: int, seed: int = 1) -> Bgrx:
    """Lines of dark marks on white."""
    rng = np.random.default_rng(seed)
    picture = np.full((height, width, 4), 255, np.uint8)
    for top in range(2, height - 12, 16):
        ink = rng.random((12, width)) < 0.2
        ink[:, rng.random(width) < 0.4] = False
        picture[top : top + 12][ink] = 32
    return picture


def photo(width: int, height: int, seed: int = 1) -> Bgrx:
    """Waves with a little noise, as a camera has it."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    picture = np.zeros((height, width, 4), np.uint8)
    for channel in range(3):
        wave = 128 + 100 * np.sin(x / (37 + 9 * channel) + y / (53 - 7 * channel) + seed)
        picture[..., channel] = (wave + rng.normal(0, 4, wave.shape)).clip(0, 255)
    return picture
