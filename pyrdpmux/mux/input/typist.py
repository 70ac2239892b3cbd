"""Types characters for those who send no keys: phones, Macs, and texts that are pasted.

Between an :class:`~pyrdpmux.mux.input.arbiter.InputArbiter` and the input of any VM: characters become
strokes on the guest's keyboard, everything else passes.
"""

import logging
from collections.abc import Sequence
from typing import Final

from pyrdpmux.mux.backend import Button, CharacterSink, InputSink, MonitorSink, ResizeSink
from pyrdpmux.mux.keyboard.layout import Layout, Stroke, Strokes
from pyrdpmux.mux.keyboard.qnum import ALT_GR, CAPS_LOCK, E0, LEFT_SHIFT, RIGHT_SHIFT
from pyrdpmux.mux.picture.heads import Monitor

log = logging.getLogger("pyrdpmux.keyboard")

CAPS_LIGHT: Final = 4
SHIFTS: Final = frozenset({LEFT_SHIFT, RIGHT_SHIFT})
ALT_GRS: Final = frozenset({ALT_GR})


class Typist:
    """An InputSink, CharacterSink, ResizeSink and MonitorSink around any InputSink."""

    def __init__(self, sink: InputSink, layout: Layout) -> None:
        self.sink = sink
        self.layout = layout
        self._held: set[int] = set()
        self._has_caps_lock = False

    def set_leds(self, leds: int) -> None:
        """The guest's lock keys, as far as it shows them."""
        self._has_caps_lock = bool(leds & CAPS_LIGHT)

    @property
    def takes_characters(self) -> bool:
        """Whether the VM itself knows what to do with any character, so that it gets them as they are."""
        return isinstance(self.sink, CharacterSink) and self.sink.takes_characters

    def missing(self, text: str) -> str:
        """The characters that cannot be typed, each once."""
        if self.takes_characters:
            return ""
        return "".join(dict.fromkeys([char for char in text if not self.layout.strokes_for(char)]))

    def unicode(self, code: int, *, down: bool) -> None:
        """A character is complete when it is pressed. Half a pair of surrogates has no key anywhere."""
        if isinstance(self.sink, CharacterSink) and self.sink.takes_characters:
            self.sink.unicode(code, down=down)
        elif down and 0 <= code <= 0xFFFF:
            strokes = self.layout.strokes_for(chr(code))
            if not strokes:
                log.debug("a character that no key types")  # which one is nobody's business
            self._type(strokes)

    def _type(self, strokes: Strokes) -> None:
        has_caps_lock = self._has_caps_lock and bool(strokes)
        if has_caps_lock:
            self._tap(CAPS_LOCK)
        for stroke in strokes:
            self._strike(stroke)
        if has_caps_lock:
            self._tap(CAPS_LOCK)

    def _strike(self, stroke: Stroke) -> None:
        """With these modifiers, whatever the viewer holds: afterwards it holds that again."""
        changes = [
            *self._changes(SHIFTS, LEFT_SHIFT, stroke.shift),
            *self._changes(ALT_GRS, ALT_GR, stroke.alt_gr),
        ]
        for number, down in changes:
            self._send(number, down)
        self._tap(stroke.number)
        for number, down in reversed(changes):
            self._send(number, not down)

    def _changes(self, modifiers: frozenset[int], first: int, wanted: bool) -> list[tuple[int, bool]]:
        held = sorted(modifiers & self._held)
        if wanted:
            return [] if held else [(first, True)]
        return [(number, False) for number in held]

    def _tap(self, number: int) -> None:
        self._send(number, True)
        self._send(number, False)

    def _send(self, number: int, down: bool) -> None:
        self.sink.key(number & ~E0, extended=bool(number & E0), extended1=False, down=down)

    # -- what passes -------------------------------------------------------------------------------

    def key(self, scancode: int, *, extended: bool, extended1: bool, down: bool) -> None:
        number = scancode | E0 if extended else scancode
        if not extended1 and number in SHIFTS | ALT_GRS:
            (self._held.add if down else self._held.discard)(number)
        self.sink.key(scancode, extended=extended, extended1=extended1, down=down)

    def pointer(self, x: int, y: int) -> None:
        self.sink.pointer(x, y)

    def button(self, button: Button, *, down: bool, x: int, y: int) -> None:
        self.sink.button(button, down=down, x=x, y=y)

    def wheel(self, rotation: int, *, horizontal: bool, x: int, y: int) -> None:
        self.sink.wheel(rotation, horizontal=horizontal, x=x, y=y)

    def relative(self, dx: int, dy: int) -> None:
        self.sink.relative(dx, dy)

    def synchronize(self, toggle_flags: int) -> None:
        self.sink.synchronize(toggle_flags)

    @property
    def max_monitors(self) -> int:
        """One, for a VM that has no say in it."""
        return max(self.sink.max_monitors, 1) if isinstance(self.sink, MonitorSink) else 1

    def request_monitors(self, monitors: Sequence[Monitor]) -> None:
        """To a VM that knows only sizes, the main one's."""
        if isinstance(self.sink, MonitorSink):
            self.sink.request_monitors(monitors)
        elif monitors:
            _, _, width, height = monitors[0].area
            self.request_size(width, height, monitors[0].scale)

    def request_size(self, width: int, height: int, scale: int = 100) -> None:
        """Nothing, for a VM that has no say in its size."""
        if isinstance(self.sink, ResizeSink):
            self.sink.request_size(width, height, scale)
