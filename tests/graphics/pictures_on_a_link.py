"""A stream of a real picture over a link in a model: true sizes of frames, and no clock but the model's."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from pyrdpmux.codec.color import Words
from pyrdpmux.geometry import Rect
from pyrdpmux.graphics.pacer import Pacer
from pyrdpmux.graphics.planner import FINE_PIXELS
from pyrdpmux.graphics.stream import Frame, Stream, Target
from pyrdpmux.graphics.surface import Surface
from pyrdpmux.graphics.targets.pieces import size_of
from tests.graphics.links import Network, at_once, never

BYTES_PER_PIXEL = 2

WINDOW = 64 * 1024
"""Bytes that TCP has under way; more of them wait in our socket."""


@dataclass
class Shown:
    """A frame at the client."""

    #: of the last change in it
    number: int
    at: float
    size: int
    #: nothing of it was left to the next
    is_whole: bool


class PictureNetwork(Network):
    """``changes`` says when what is drawn where; a frame is made when the pacer says so, as a viewer's is."""

    def __init__(
        self, megabits: float, round_trip: float, target: Target[Any], size: tuple[int, int]
    ) -> None:
        acknowledges = isinstance(target.opening(), bytes)
        super().__init__(
            megabits,
            round_trip,
            Pacer(acknowledges=acknowledges),
            encode=0.01,
            acknowledging=at_once if acknowledges else never,
            auto_detect=10.0,
        )
        self.surface = Surface(*size)
        self.stream = Stream(*size, target)
        self.shown: list[Shown] = []
        #: when each change was drawn
        self.drawn: list[float] = []
        self._is_due = True

    def draw(self, rect: Rect, words: Words) -> None:
        """Now."""
        self.surface.words[rect.slices] = words
        self.surface.touch([rect])
        self._is_due = True
        self._at(self.now, self._consider)

    def play(self, seconds: float, changes: Iterator[tuple[float, list[tuple[Rect, Words]]]]) -> None:
        """``changes``: times, and what is drawn then."""
        end = self.now + seconds
        for at, patches in changes:
            if at > end:
                break
            self.run(at - self.now)
            for rect, words in patches:
                self.draw(rect, words)
            self.drawn.append(self.now)
        self.run(max(end - self.now, 0.0))

    def lags(self) -> list[float]:
        """Seconds until each change, or a later one, was shown; those that never were, until now."""
        result, at = [], self.now
        times = {shown.number: shown.at for shown in reversed(self.shown)}
        for number in range(len(self.drawn), 0, -1):
            at = min(at, times.get(number, self.now))
            result.append(at - self.drawn[number - 1])
        return result

    # -- what the model asks -------------------------------------------------------------------------

    def _consider(self) -> None:
        if self._is_encoding:
            return
        outstanding = self._unacknowledged()
        self.pacer.unsent(max(outstanding - WINDOW, 0), self.now, min(outstanding, WINDOW))
        due = self.now if self._is_due else self.stream.next_due()
        if due is None:
            return
        at = max(due, self.pacer.ready_at(self.now))
        fine = min(self.pacer.budget(self.now) // BYTES_PER_PIXEL, FINE_PIXELS)
        if at <= self.now and not self._is_due and not fine:
            at = self.now + 0.02
        if at > self.now:
            self._at(at, self._consider)
            return
        number, self._is_due = len(self.drawn), False
        frame = self.stream.render(self.surface, self.now, fine, self.pacer.room(self.now))
        self._is_due = self.stream.is_behind
        if frame is None:
            return
        self._is_encoding = True
        is_whole = not self._is_due
        self._at(self.now + self.encode, lambda: self._hand_over(frame, number, is_whole))

    def _hand_over(self, frame: Frame[Any], number: int, is_whole: bool) -> None:
        self._pending = (
            self.now,
            len(frame.output) if isinstance(frame.output, bytes) else size_of(frame.output),
        )
        self._send()
        sent = self.frames[-1]
        self.shown.append(Shown(number, sent.shown_at, sent.size, is_whole))
        for at in (self.now, sent.shown_at + self.round_trip / 2):
            self._at(at, self._consider)


def noise(width: int, height: int, seed: int) -> Words:
    """What a sensor adds, over what does not move."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    result = np.zeros((height, width), np.uint32)
    for channel in range(3):
        wave = 128 + 90 * np.sin(x / (31 + 9 * channel) + y / 47 + seed / 9)
        result |= (wave + rng.normal(0, 3, wave.shape)).clip(0, 255).astype(np.uint32) << (8 * channel)
    return result
