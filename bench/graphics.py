"""What deciding costs before anything is encoded: ``python -m bench.graphics [workload ...]``.

Milliseconds of processor time for a frame of 1920x1080: the comparison, the search for moves, rectangles
around the rest, and their kinds; median and maximum over the frames, each the least of several rounds.
Behind each stands what the obvious way costs, as a multiple of ours: comparing bytes, phase correlation by
FFT (which says how far, not what), a bounding box per tile of 64x64, counting colors. ``predicted`` is the
short way of a steady scroll, which replaces comparison and search. ``left`` is the share of changed pixels
that no move explains, ``rects`` how many rectangles it makes.
"""

import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from bench.screens import SCREENS
from pyrdpmux.codec.color import Words
from pyrdpmux.codec.compare import TILE
from pyrdpmux.geometry import Rect
from pyrdpmux.graphics.classify import split
from pyrdpmux.graphics.moves import MoveFinder
from pyrdpmux.graphics.residual import Mask, changed_mask, changed_rects
from pyrdpmux.graphics.snapshot import Snapshot
from tests.graphics.scenes import damage

HEIGHT: Final = 1080
WIDTH: Final = 1920
FRAMES: Final = 12
ROUNDS: Final = 5
STEPS: Final = ("mask", "moves", "rects", "kinds")


def screen(name: str) -> Words:
    result: Words = SCREENS[name](HEIGHT, WIDTH).view("<u4")[..., 0] & np.uint32(0xFFFFFF)
    return result


def typing() -> Iterator[Words]:
    """A letter a frame at the end of a line."""
    frame, page = screen("text"), screen("text")
    frame[480:496, 800:] = frame[0, -1]
    for letter in range(FRAMES):
        x = 800 + 8 * letter
        frame[480:496, x : x + 8] = page[320:336, x - 700 : x - 692]
        yield frame.copy()


def scroll() -> Iterator[Words]:
    """A terminal over the whole screen, by a line of text a frame."""
    text = np.vstack([screen("text"), screen("text")[:, ::-1]])
    for step in range(FRAMES):
        yield text[16 * step : 16 * step + HEIGHT].copy()


def drag() -> Iterator[Words]:
    """A window of 900x650 over a photo, on a curve."""
    photo, page = screen("photo"), screen("gray text")
    for step in range(FRAMES):
        x, y = 300 + 9 * step + step * step // 3, 200 + int(40 * np.sin(step / 3))
        frame = photo.copy()
        frame[y : y + 650, x : x + 900] = page[:650, :900]
        yield frame


def video() -> Iterator[Words]:
    """1280x720 in which every pixel changes."""
    frame, noise = screen("desktop"), np.random.default_rng(1)
    photo = screen("photo")
    for step in range(FRAMES):
        film = photo[40 + 3 * step :, 5 * step :][:720, :1280]
        grain = noise.integers(0, 8, film.shape, dtype=np.uint32) * np.uint32(0x010101)
        frame[180:900, 320:1600] = film ^ grain
        yield frame.copy()


def slides() -> Iterator[Words]:
    """Pages that have nothing to do with each other."""
    for _, name in zip(
        range(FRAMES), ["text", "photo", "gray text", "desktop", "console", "gradient"] * 2, strict=True
    ):
        yield screen(name)


WORKLOADS: Final[dict[str, Callable[[], Iterator[Words]]]] = {
    work.__name__: work for work in (typing, scroll, drag, video, slides)
}


@dataclass
class Frame:
    """What one frame took, in seconds, and what came of it."""

    seconds: dict[str, float] = field(default_factory=dict)
    changed: int = 0
    left: int = 0
    rects: int = 0

    def timed(self, step: str, work: Callable[[], Any]) -> Any:
        start = time.thread_time()
        result = work()
        self.seconds[step] = min(self.seconds.get(step, np.inf), time.thread_time() - start)
        return result


def decide(frame: Frame, finder: MoveFinder, before: Words, now: Words, region: Rect) -> None:
    """As a planner would, with what changed reported as ``region``."""
    lines, columns = slice(region.y, region.bottom), slice(region.x, region.right)
    part = now[lines, columns]
    mask = frame.timed("mask", lambda: changed_mask(before[lines, columns], part))
    proofs = frame.timed("moves", lambda: finder.find_all(before, now, mask, region))
    rest = proofs[-1].mask if proofs else mask
    rects = frame.timed("rects", lambda: changed_rects(rest, region.x, region.y))
    frame.timed(
        "kinds",
        lambda: [split(now[r.y : r.bottom, r.x : r.right], (r.x, r.y)) for r in rects if r.pixels > 512],
    )
    frame.changed, frame.left, frame.rects = int(mask.sum()), int(rest.sum()), len(rects)


def predict(frame: Frame, finder: MoveFinder, before: Words, now: Words, region: Rect) -> None:
    """The short way of a steady scroll, in place of taking over, comparison and search."""
    snapshot, main = Snapshot(now.shape[1], now.shape[0]), before.copy()
    start = time.thread_time()
    move = finder.predict(before, now, region)
    if move is not None:
        snapshot.take_moved(now, main, region, move)
        took = time.thread_time() - start
        frame.seconds["predicted"] = min(frame.seconds.get("predicted", np.inf), took)


def obvious(frame: Frame, before: Words, now: Words, region: Rect) -> None:
    lines, columns = slice(region.y, region.bottom), slice(region.x, region.right)
    old, new = before[lines, columns], now[lines, columns]
    shape = (*old.shape, 4)
    bytes_of = [np.ascontiguousarray(words).view(np.uint8).reshape(shape) for words in (old, new)]
    mask = frame.timed("obvious mask", lambda: (bytes_of[0] != bytes_of[1]).any(axis=2))
    frame.timed("obvious moves", lambda: phase_correlation(old, new))
    frame.timed("obvious rects", lambda: boxes_of_tiles(mask))
    frame.timed("obvious kinds", lambda: np.unique(new))


def phase_correlation(old: Words, new: Words) -> tuple[int, ...]:
    one, other = (
        np.fft.rfft2((words >> np.uint32(8) & np.uint32(255)).astype(np.float32)) for words in (old, new)
    )
    cross = one.conj() * other
    peaks = np.fft.irfft2(cross / np.maximum(np.abs(cross), 1e-9))
    return tuple(int(place) for place in np.unravel_index(peaks.argmax(), peaks.shape))


def boxes_of_tiles(mask: Mask) -> list[Rect]:
    result = []
    for y in range(0, mask.shape[0], TILE):
        for x in range(0, mask.shape[1], TILE):
            tile: NDArray[np.bool_] = mask[y : y + TILE, x : x + TILE]
            rows, columns = np.flatnonzero(tile.any(axis=1)), np.flatnonzero(tile.any(axis=0))
            if len(rows):
                result.append(
                    Rect.from_corners(x + columns[0], y + rows[0], x + columns[-1] + 1, y + rows[-1] + 1)
                )
    return result


def measure(name: str) -> None:
    pictures = list(WORKLOADS[name]())
    regions = [damage(before, now)[1] for before, now in pairwise(pictures)]
    frames = [Frame() for _ in regions]
    for _ in range(ROUNDS):
        finder = MoveFinder()
        for frame, (before, now), region in zip(frames, pairwise(pictures), regions, strict=True):
            if region is not None:
                predict(frame, finder, before, now, region)
                decide(frame, finder, before, now, region)
    for frame, (before, now), region in zip(frames[:3], pairwise(pictures), regions, strict=False):
        obvious(frame, before, now, region)
    print(f"{name:8}", *[column(frames, step) for step in STEPS], end=" ")
    totals = [1e3 * sum(frame.seconds[step] for step in STEPS) for frame in frames]
    print(f"| all {np.median(totals):6.2f} {max(totals):6.2f}", end=" ")
    predicted = [frame.seconds["predicted"] for frame in frames if "predicted" in frame.seconds]
    print(f"| predicted {1e3 * float(np.median(predicted)) if predicted else 0:5.2f}", end=" ")
    left = sum(frame.left for frame in frames) / sum(frame.changed for frame in frames)
    print(f"| left {100 * left:5.1f} %, rects {np.median([frame.rects for frame in frames]):.0f}")


def column(frames: list[Frame], step: str) -> str:
    took = [1e3 * frame.seconds[step] for frame in frames]
    theirs = [1e3 * frame.seconds[f"obvious {step}"] for frame in frames[:3]]
    return f"| {step} {np.median(took):6.3f} {max(took):6.3f} x{np.median(theirs) / np.median(took[:3]):5.1f}"


def main(names: list[str]) -> None:
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    for name in names or WORKLOADS:
        measure(name)


if __name__ == "__main__":
    main(sys.argv[1:])
