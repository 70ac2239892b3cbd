"""Input turns: with `typists = "one-at-a-time"`, which of a VM's viewers is heard."""

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
    """A viewer that presses something has the turn until it has sent nothing for ``idle_seconds``."""

    def __init__(self, idle_seconds: float) -> None:
        self.idle_seconds = idle_seconds
        self.typist: Hashable | None = None
        self._last_input = 0.0

    def allows(self, viewer: Hashable, event: InputEvent, now: float) -> bool:
        """Whether this input reaches the VM; a free turn is taken by pressing or turning something."""
        if viewer != self.typist:
            is_taken = self.typist is not None and now < self._last_input + self.idle_seconds
            if is_taken or not is_deliberate(event):
                return False
            self.typist = viewer
        self._last_input = now
        return True

    def leave(self, viewer: Hashable) -> None:
        """The viewer is gone: its turn ends at once."""
        if viewer == self.typist:
            self.typist = None


def is_deliberate(event: InputEvent) -> bool:
    """Whether something is pressed or turned: motion, releases and lock states take no turn."""
    match event:
        case KeyboardEvent() | UnicodeEvent():
            return not event.is_release
        case MouseEvent() if event.is_wheel or event.is_horizontal_wheel:
            return True
        case MouseEvent() | ExtendedMouseEvent() | RelativeMouseEvent():
            return bool(event.flags & PointerFlags.DOWN)  # the same value in all three
    return False
