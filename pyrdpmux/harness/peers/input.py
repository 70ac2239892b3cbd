"""What a person does at a client: keys by name, text, and the pointer."""

from collections.abc import Callable, Iterable
from typing import Final

from pyrdpmux.harness.peers.keys import CHARACTERS, SHIFT, Key, keys_of
from pyrdpmux.rdp.connection.client.connection import ClientConnection
from pyrdpmux.rdp.pdu.input import (
    InputEvent,
    KeyboardEvent,
    KeyboardFlags,
    MouseEvent,
    PointerFlags,
    UnicodeEvent,
    wheel_flags,
)

BUTTONS: Final = {
    "left": PointerFlags.BUTTON1,
    "right": PointerFlags.BUTTON2,
    "middle": PointerFlags.BUTTON3,
}
NOTCH: Final = 120
"""Wheel rotation of one notch (MS-RDPBCGR 2.2.8.1.1.3.1.1.3)."""

EVENTS_PER_PDU: Final = 15
"""A fast-path header's own count ends here; more take a byte that not every server reads."""


class ClientInput:
    """The methods that send input; each raises StateError before the session is active or after its end."""

    def __init__(self, connection: ClientConnection, flush: Callable[[], None]) -> None:
        self.connection = connection
        #: where we have moved the pointer
        self.pointer_position = (0, 0)
        self._flush = flush

    def send(self, *events: InputEvent) -> None:
        """Input events as they are."""
        for at in range(0, len(events), EVENTS_PER_PDU):
            self.connection.send_input(events[at : at + EVENTS_PER_PDU])
        self._flush()

    def press(self, chord: str) -> None:
        """Press keys and leave them down: ``shift``, ``ctrl+alt``."""
        self.send(*_strokes(keys_of(chord), KeyboardFlags(0)))

    def release(self, chord: str) -> None:
        """Release keys, the last one first."""
        self.send(*_strokes(reversed(keys_of(chord)), KeyboardFlags.RELEASE))

    def key(self, chord: str) -> None:
        """Press and release keys together: ``a``, ``f1``, ``ctrl+alt+delete``. Raises ValueError."""
        self.press(chord)
        self.release(chord)

    def type(self, text: str) -> None:
        """Text by the keys of a US keyboard; what these do not have goes as Unicode."""
        self.send(*[event for char in text for event in _typed(char)])

    def move(self, x: int, y: int) -> None:
        """Move the pointer there."""
        self.pointer_position = (x, y)
        self.send(MouseEvent(PointerFlags.MOVE, x, y))

    def button(self, name: str, is_down: bool) -> None:
        """Press or release ``left``, ``right`` or ``middle`` where the pointer is."""
        flags = BUTTONS[name] | (PointerFlags.DOWN if is_down else PointerFlags(0))
        self.send(MouseEvent(flags, *self.pointer_position))

    def click(self, x: int, y: int, button: str = "left") -> None:
        """Move the pointer there, press and release."""
        self.move(x, y)
        self.button(button, True)
        self.button(button, False)

    def scroll(self, notches: int) -> None:
        """Turn the wheel, away from the user if positive."""
        step = NOTCH if notches > 0 else -NOTCH
        for _ in range(abs(notches)):
            self.send(MouseEvent(wheel_flags(step), *self.pointer_position))


def _strokes(keys: Iterable[Key], flags: KeyboardFlags) -> list[InputEvent]:
    extended = KeyboardFlags.EXTENDED
    return [KeyboardEvent(flags | extended if key.is_extended else flags, key.code) for key in keys]


def _typed(char: str) -> list[InputEvent]:
    if char not in CHARACTERS:
        units = char.encode("utf-16-be")
        codes = [units[at] << 8 | units[at + 1] for at in range(0, len(units), 2)]
        return [
            UnicodeEvent(flags, code) for code in codes for flags in (KeyboardFlags(0), KeyboardFlags.RELEASE)
        ]
    key, needs_shift = CHARACTERS[char]
    keys = [SHIFT, key] if needs_shift else [key]
    return _strokes(keys, KeyboardFlags(0)) + _strokes(reversed(keys), KeyboardFlags.RELEASE)
