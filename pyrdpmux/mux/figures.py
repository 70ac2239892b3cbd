"""How the pictures of VMs come to viewers, and what that costs: snapshots for people who look.

All times are in seconds, and whatever is counted has been counted since the beginning, so that two snapshots
tell what was between them. ``pyrdpmux top`` shows them, ``pyrdpmux vms --json`` prints them, and the D-Bus
objects of consoles have them.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, Final

from pyrdpmux.graphics.pacing import PacerFigures
from pyrdpmux.graphics.tally import StepFigures

DIGITS: Final = 6
"""Behind the decimal point of what is told: microseconds."""


@dataclass(frozen=True, slots=True)
class WorkFigures:
    """What frames have cost."""

    frames: int = 0
    #: in threads, until they were ready to be sent
    seconds: float = 0.0
    #: before they are framed and encrypted; sent to each viewer
    bytes: int = 0
    #: by the names of :class:`~pyrdpmux.graphics.tally.Step`
    steps: Mapping[str, StepFigures] = field(default_factory=dict)

    def __add__(self, other: "WorkFigures") -> "WorkFigures":
        steps = dict(self.steps)
        for name, figures in other.steps.items():
            steps[name] = steps.get(name, StepFigures()) + figures
        return WorkFigures(
            self.frames + other.frames, self.seconds + other.seconds, self.bytes + other.bytes, steps
        )


@dataclass(frozen=True, slots=True)
class StreamFigures:
    """One stream of frames, which viewers share that are alike."""

    number: int
    width: int
    height: int
    way: str
    codecs: tuple[str, ...]
    viewers: int
    #: of its last frame
    latest_seconds: float
    work: WorkFigures


@dataclass(frozen=True, slots=True)
class ViewerFigures:
    """One viewer. ``way`` is None while it is sent no frames."""

    #: that it has a seat in
    stream: int | None
    #: how it is drawn to: EGFX, surface commands or bitmaps
    way: str | None
    #: of the graphics pipeline, where it has one
    version: str | None
    codecs: tuple[str, ...]
    is_minimized: bool
    #: of the event loop
    loop_seconds: float
    bytes_sent: int
    #: that wait on our side of its link
    unsent_bytes: int
    link: PacerFigures


@dataclass(frozen=True, slots=True)
class VmFigures:
    """One VM with its viewers."""

    #: of the event loop, without those of its viewers
    loop_seconds: float = 0.0
    #: of processors: what its source and its streams have taken in threads
    thread_seconds: float = 0.0
    streams: tuple[StreamFigures, ...] = ()
    #: all streams that are no more
    ended: WorkFigures = WorkFigures()
    viewers: tuple[ViewerFigures, ...] = ()

    @property
    def work(self) -> WorkFigures:
        """Of all its streams."""
        return sum([stream.work for stream in self.streams], self.ended)


def version_of(version: int) -> str:
    """Of a capability set of the graphics pipeline (MS-RDPEGFX 2.2.1.6), as people call it."""
    return f"{version >> 16}.{version >> 8 & 0xFF}"


def told(figures: Any) -> Any:
    """As JSON has it: objects, lists, numbers; null for what is not a number."""
    if is_dataclass(figures):
        return {each.name: told(getattr(figures, each.name)) for each in fields(figures)}
    if isinstance(figures, Mapping):
        return {name: told(value) for name, value in figures.items()}
    if isinstance(figures, tuple):
        return [told(value) for value in figures]
    if isinstance(figures, float):
        return round(figures, DIGITS) if math.isfinite(figures) else None
    return figures
