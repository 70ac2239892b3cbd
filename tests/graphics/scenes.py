"""Frames before and after something moved, (h, w) uint32, made from the pictures of the benchmarks."""

from collections.abc import Callable
from functools import cache
from typing import Final

import numpy as np

from bench import screens
from pyrdpmux.codec.color import Words
from pyrdpmux.geometry import Rect
from pyrdpmux.graphics.proofs import Move, Proof
from pyrdpmux.graphics.residual import Mask, changed_mask

Frames = tuple[Words, Words]
FULL: Final = Rect(0, 0, 1920, 1080)


@cache
def picture(name: str, height: int = 1080, width: int = 1920) -> Words:
    """One of bench.screens, its fourth byte 0."""
    result: Words = screens.SCREENS[name](height, width).view("<u4")[..., 0] & np.uint32(0xFFFFFF)
    result.flags.writeable = False
    return result


def damage(before: Words, now: Words) -> tuple[Mask, Rect]:
    """What changed, as (mask, region): the region is the bounding box."""
    mask = changed_mask(before, now)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return mask[:0, :0], Rect(0, 0, 0, 0)
    region = Rect.from_corners(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
    return mask[region.y : region.bottom, region.x : region.right], region


def window(seed: int, jump: int, content: str = "gray text", wallpaper: str = "photo") -> tuple[Frames, Move]:
    """A window of any size that jumps by up to so many pixels."""
    rng = np.random.default_rng(seed)
    back, page = picture(wallpaper), picture(content)
    height, width = back.shape
    w, h = int(rng.integers(width // 10, width // 2)), int(rng.integers(height // 7, height * 2 // 3))
    while True:
        x, y = int(rng.integers(0, width - w)), int(rng.integers(0, height - h))
        dx, dy = (int(step) for step in rng.integers(-jump, jump + 1, 2))
        if (dx, dy) != (0, 0) and 0 <= x + dx <= width - w and 0 <= y + dy <= height - h:
            break
    before, now = back.copy(), back.copy()
    before[y : y + h, x : x + w] = page[:h, :w]
    now[y + dy : y + dy + h, x + dx : x + dx + w] = page[:h, :w]
    return (before, now), Move(Rect(x, y, w, h), x + dx, y + dy)


def scroll(step: int, start: int = 600, pane: Rect = FULL) -> Frames:
    """A pane that shows a long text, scrolled up by so many lines (down, if negative)."""
    text = np.vstack([picture("text"), picture("gray text"), picture("console")])
    frames = []
    for line in (start, start + step):
        frame = picture("desktop").copy()
        frame[pane.y : pane.bottom, pane.x : pane.right] = text[line : line + pane.height, : pane.width]
        frames.append(frame)
    return frames[0], frames[1]


def after(picture: Words, proof: Proof, now: Words) -> Words:
    """What a client shows after a move and after painting what is still wrong."""
    result = picture.copy()
    source, target = proof.move.source, proof.move.destination
    result[target.y : target.bottom, target.x : target.right] = picture[
        source.y : source.bottom, source.x : source.right
    ]
    region = proof.region
    shown, true = (frame[region.y : region.bottom, region.x : region.right] for frame in (result, now))
    assert (proof.mask == (shown != true)).all(), "the mask is not what is wrong"
    shown[proof.mask] = true[proof.mask]
    return result


STRANGE: dict[str, Callable[[int, int], Words]] = {
    "one color": lambda h, w: np.full((h, w), 0x123456, np.uint32),
    "noise": lambda h, w: np.random.default_rng(h).integers(0, 2**24, (h, w), dtype=np.uint32),
    "upright stripes": lambda h, w: np.tile(np.arange(w, dtype=np.uint32) % 7 * 0x111111, (h, 1)),
    "level stripes": lambda h, w: np.tile((np.arange(h, dtype=np.uint32) % 5 * 99)[:, None], (1, w)),
    "checkers": lambda h, w: np.indices((h, w)).sum(axis=0).astype(np.uint32) % 2 * 0xFFFFFF,
    "slant": lambda h, w: np.indices((h, w)).sum(axis=0).astype(np.uint32) % 64 * 0x010305,
}
"""Pictures in which everything, or nothing, looks like everything else."""
