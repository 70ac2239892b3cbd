"""What the frames of a stream were made of, and what each step of making them took: for people who look."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from pyrdpmux.graphics.classify import Kind
from pyrdpmux.graphics.commands import (
    BoxFrame,
    CloseBox,
    Command,
    Copy,
    Exact,
    Fill,
    Lossy,
    OpenBox,
    Restore,
    Store,
)
from pyrdpmux.graphics.surface import TILE

Clock = Callable[[], float]
"""Seconds, on any clock that does not go back."""


class Step(Enum):
    """A step in the making of a frame: those that encode are told apart by what they encode."""

    FIND = "find"
    """What has changed, where it is to be had, and of which kind it is."""
    COPY = "copy"
    FILL = "fill"
    STORE = "store"
    RESTORE = "restore"
    TEXT = "text"
    """Exact, also what has one color."""
    PICTURE = "picture"
    """Exact."""
    LOSSY = "lossy"
    VIDEO = "video"
    BITMAPS = "bitmaps"
    """For clients without codecs, whatever is on them."""
    COMPRESS = "compress"
    """Everything together, after all other steps."""


@dataclass(frozen=True, slots=True)
class StepFigures:
    """All of one step so far."""

    count: int = 0
    #: that are shown by it
    pixels: int = 0
    #: of the messages: before they are compressed, but for COMPRESS
    bytes: int = 0
    seconds: float = 0.0

    def __add__(self, other: "StepFigures") -> "StepFigures":
        return StepFigures(
            self.count + other.count,
            self.pixels + other.pixels,
            self.bytes + other.bytes,
            self.seconds + other.seconds,
        )


class _Sum:
    __slots__ = ("bytes", "count", "pixels", "seconds")

    def __init__(self) -> None:
        self.count = self.pixels = self.bytes = 0
        self.seconds = 0.0


class Tally:
    """Counts for one target. Written by one thread at a time, read by any: figures may be a step behind."""

    def __init__(self) -> None:
        #: nothing takes time unless there is a clock, which is given by who has one
        self.clock: Clock = _stopped
        #: as they leave the target
        self.bytes = 0
        self._sums: Final = {step: _Sum() for step in Step}

    def took(self, step: Step, since: float) -> None:
        """Time only, from ``since`` on :attr:`clock` until now."""
        self._sums[step].seconds += self.clock() - since

    def add(
        self, step: Step, since: float | None = None, *, count: int = 1, pixels: int = 0, size: int = 0
    ) -> None:
        """So many messages of ``size`` bytes together; and their time, if it is worth to be taken."""
        found = self._sums[step]
        found.count += count
        found.pixels += pixels
        found.bytes += size
        if since is not None:
            found.seconds += self.clock() - since

    def figures(self) -> dict[Step, StepFigures]:
        """Of the steps that there were."""
        return {
            step: StepFigures(found.count, found.pixels, found.bytes, found.seconds)
            for step, found in self._sums.items()
            if found.count or found.seconds
        }


def step_of(command: Command) -> Step:
    """What carries out this command, where there is a way for each."""
    if isinstance(command, Exact):
        return Step.PICTURE if command.kind is Kind.PICTURE else Step.TEXT
    return _STEPS[type(command)]


_STEPS: Final[dict[type[Command], Step]] = {
    Copy: Step.COPY,
    Fill: Step.FILL,
    Store: Step.STORE,
    Restore: Step.RESTORE,
    Lossy: Step.LOSSY,
    OpenBox: Step.VIDEO,
    CloseBox: Step.VIDEO,
    BoxFrame: Step.VIDEO,
}


def shown_pixels(command: Command) -> int:
    """That it shows, or keeps."""
    match command:
        case Copy(source=rect) | Store(rect=rect) | Exact(rect=rect):
            return rect.pixels
        case Fill(rects=rects) | Lossy(rects=rects) | BoxFrame(changed=rects):
            return sum(rect.pixels for rect in rects)
        case Restore(points=points):
            return len(points) * TILE * TILE
        case _:
            return 0


def _stopped() -> float:
    return 0.0
