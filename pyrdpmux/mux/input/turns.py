"""One types at a time: whose turn it is."""

from collections.abc import Hashable

from pyrdpmux.rdp.pdu.input import (
    ExtendedMouseEvent,
    InputEvent,
    KeyboardEvent,
    MouseEvent,
    PointerFlags,
    RelativeMouseEvent,
    UnicodeEvent,
)


class Turns:
    """Who has begun to type goes on; another may begin once nothing has come for a while."""

    def __init__(self, idle_seconds: float) -> None:
        self.idle_seconds = idle_seconds
        self.typist: Hashable | None = None
        self._last_input = 0.0

    def allows(self, viewer: Hashable, event: InputEvent, now: float) -> bool:
        """Whether this input counts. A turn is taken by pressing something."""
        if viewer != self.typist:
            is_taken = self.typist is not None and now < self._last_input + self.idle_seconds
            if is_taken or not is_deliberate(event):
                return False
            self.typist = viewer
        self._last_input = now
        return True

    def leave(self, viewer: Hashable) -> None:
        """The viewer is gone; its turn is over at once."""
        if viewer == self.typist:
            self.typist = None


def is_deliberate(event: InputEvent) -> bool:
    """Something is pressed or turned; not motion, nor letting go, nor a window that got the focus."""
    match event:
        case KeyboardEvent() | UnicodeEvent():
            return not event.is_release
        case MouseEvent() if event.is_wheel or event.is_horizontal_wheel:
            return True
        case MouseEvent() | ExtendedMouseEvent() | RelativeMouseEvent():
            return bool(event.flags & PointerFlags.DOWN)  # the same value in all three
    return False
