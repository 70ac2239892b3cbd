"""Small pictures and mutations for the codec tests."""

import random
from collections.abc import Callable, Iterator

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from bench import screens
from pyrdpmux.codec.color import Pixels
from pyrdpmux.errors import DecodeError

KINDS = ("random", "two values", "blocks", "flat", "black", "sparse", "steps", "columns")


def picture(height: int, width: int, kind: str, seed: int = 0) -> Pixels:
    """(height, width, 4) BGRX of one kind of content; the fourth byte is arbitrary."""
    rng = np.random.default_rng(seed)
    shape = (height, width, 4)
    random_pixels = rng.integers(0, 256, shape, dtype=np.uint8)
    match kind:
        case "random":
            return random_pixels
        case "two values":
            return np.where(rng.random(shape) < 0.5, 0, 200).astype(np.uint8)
        case "blocks":
            return random_pixels[::4].repeat(4, 0)[:height, ::7].repeat(7, 1)[:, :width].copy()
        case "flat":
            return np.full(shape, rng.integers(0, 256), np.uint8)
        case "black":
            return np.zeros(shape, np.uint8)
        case "sparse":
            return np.where(rng.random((height, width, 1)) < 0.05, random_pixels, np.uint8(77))
        case "steps":
            return np.cumsum(rng.random(shape) < 0.1, axis=1).astype(np.uint8)
        case _:
            return np.broadcast_to(random_pixels[:1], shape).copy()


sizes = st.tuples(st.integers(1, 70), st.integers(1, 70)) | st.sampled_from(
    [(1, 4096), (4096, 1), (2, 4096), (64, 64), (56, 64), (9, 1024)]
)


@st.composite
def tiles(draw: st.DrawFn) -> NDArray[np.uint8]:
    """(n, h, w, 4) tiles of mixed kinds."""
    height, width = draw(sizes)
    kinds = draw(st.lists(st.sampled_from(KINDS), min_size=1, max_size=3))
    seed = draw(st.integers(0, 1 << 16))
    return np.stack([picture(height, width, kind, seed + i) for i, kind in enumerate(kinds)])


def screen_tiles(name: str, count: int = 8) -> NDArray[np.uint8]:
    """(count, 64, 64, 4) of one of bench's screens."""
    frame = screens.SCREENS[name](128, 64 * count // 2)
    return frame.reshape(2, 64, count // 2, 64, 4).swapaxes(1, 2).reshape(count, 64, 64, 4)


def attempt(decode: Callable[[bytes], Pixels], data: bytes) -> Pixels | None:
    """What ``decode`` makes of doubtful data: pixels, or None after a DecodeError within the data."""
    try:
        return decode(data)
    except DecodeError as caught:
        error = caught
    assert 0 <= error.offset <= len(data), error
    return None


def mutations(data: bytes, count: int, seed: int = 0) -> Iterator[bytes]:
    """Truncations, changed bytes, insertions and deletions."""
    rng = random.Random(seed)
    for _ in range(count):
        changed = bytearray(data)
        for _ in range(rng.choice([1, 1, 2, 5])):
            at = rng.randrange(len(changed) + 1)
            match rng.randrange(4):
                case 0:
                    changed[at : at + 1] = rng.randbytes(1)
                case 1:
                    del changed[at : at + rng.randrange(4)]
                case 2:
                    changed[at:at] = rng.choice([b"\0", b"\xff", b"\xf0\xff\xff", rng.randbytes(3)])
                case _:
                    changed = changed[: max(1, at)]
        yield bytes(changed)
