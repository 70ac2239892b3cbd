"""Whether a client shows nothing of what it decodes.

QUIRK(mstsc): after some connections it acknowledges every frame and leaves its window black, until it is
deactivated and activated again. Its quality acknowledgements tell: no frame takes any time to be shown. A
fast client reports whole milliseconds, many of them 0, but not all, and not for a whole screen.
"""

from collections.abc import Sequence
from typing import Final

from pyrdpmux.graphics.commands import BoxFrame, Command, Exact, Fill, Lossy
from pyrdpmux.rdp.connection.events import GraphicsQuality

FRAMES: Final = 20
"""The first ones, that are looked at."""

SILENT_FRAMES: Final = 300
"""Sent without a word of how long any took: of who is silent for so long, nothing is expected any more."""

FULL: Final = 0.9
"""Share of the desktop that makes a frame one of the whole screen."""


class BlankScreen:
    """Watches the first frames of one connection, and heals it once."""

    def __init__(self) -> None:
        #: the client is deactivated, to be activated with the surfaces that it has
        self.is_healing = False
        self._is_healed = False
        self._full_frames: set[int] = set()
        self._sent = 0
        self._frames = 0
        self._zeros = 0
        self._has_full = False

    def sent(self, frame_id: int, commands: Sequence[Command], size: tuple[int, int]) -> None:
        """A frame was sent to a desktop of this size."""
        self._sent += 1
        if self._may_be_blank and _pixels(commands) >= FULL * size[0] * size[1]:
            self._full_frames.add(frame_id)

    @property
    def _may_be_blank(self) -> bool:
        """What is sent, or told of it, can still decide something."""
        has_told = self._frames > 0 or self._sent <= SILENT_FRAMES
        is_early = self._frames < FRAMES and len(self._full_frames) < FRAMES
        return has_told and is_early and self._zeros == self._frames and not self._is_healed

    def told(self, event: GraphicsQuality) -> bool:
        """What the client says of a frame; True if it is time to heal it."""
        if self._frames >= FRAMES:
            return False
        self._frames += 1
        self._zeros += event.time_diff_edr == 0
        self._has_full = self._has_full or event.frame_id in self._full_frames
        return self._frames == FRAMES and self._zeros == FRAMES and self._has_full

    def heal(self) -> bool:
        """Whether it may be tried; once."""
        if self._is_healed:
            return False
        self._is_healed = self.is_healing = True
        return True


def _pixels(commands: Sequence[Command]) -> int:
    """That are painted, by whichever codec."""
    pixels = 0
    for command in commands:
        match command:
            case Exact(rect):
                pixels += rect.pixels
            case Fill(rects=rects) | Lossy(rects) | BoxFrame(changed=rects):
                pixels += sum(rect.pixels for rect in rects)
    return pixels
