"""What guests draw, as far as a stream is concerned."""

import numpy as np
from hypothesis import strategies as st

from pyrdpmux.codec.color import Words
from pyrdpmux.geometry import Rect
from tests.graphics.model import part


def text(width: int, height: int, seed: int = 1) -> Words:
    """Lines of dark marks on white."""
    rng = np.random.default_rng(seed)
    page = np.full((height, width), 0xFFFFFF, np.uint32)
    for top in range(2, height - 12, 16):
        ink = rng.random((12, width)) < 0.2
        ink[:, rng.random(width) < 0.4] = False
        page[top : top + 12][ink] = 0x202020
    return page


def photo(width: int, height: int, seed: int = 1) -> Words:
    """A picture with noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    waves = [(128 + 100 * np.sin(x / (37 + 9 * c) + y / (53 - 7 * c) + seed)) for c in range(3)]
    channels = [(wave + rng.normal(0, 4, wave.shape)).clip(0, 255).astype(np.uint32) for wave in waves]
    result: Words = channels[0] | channels[1] << 8 | channels[2] << 16
    return result


RECTS = st.builds(
    Rect, st.integers(-20, 300), st.integers(-20, 200), st.integers(1, 320), st.integers(1, 240)
)
ROOMS = st.sampled_from([None, 0, 2000, 30_000])
"""Bytes of a frame."""

DRAWINGS = st.lists(
    st.tuples(
        st.sampled_from(["text", "photo", "flat", "scroll", "noise", "pixel"]),
        st.builds(
            Rect, st.integers(-20, 300), st.integers(-20, 200), st.integers(1, 320), st.integers(1, 240)
        ),
        st.integers(-40, 40),
        st.integers(0, 5),
        st.sampled_from([0.001, 0.016, 0.3, 1.2]),
    ),
    min_size=1,
    max_size=12,
)


def drawn(words: Words, kind: str, rect: Rect, by: int, seed: int) -> Words:
    """What this drawing leaves in its rectangle."""
    match kind:
        case "text":
            return text(rect.width, rect.height, seed)
        case "photo":
            return photo(rect.width, rect.height, seed)
        case "flat":
            return np.full((rect.height, rect.width), seed * 0x112233, np.uint32)
        case "scroll":
            return np.roll(words[part(rect)], by, axis=0)
        case "noise":
            rng = np.random.default_rng(seed)
            return rng.integers(0, 1 << 24, (rect.height, rect.width), dtype=np.uint32)
    result = words[part(rect)].copy()
    result[0, 0] ^= np.uint32(0x010203)
    return result
