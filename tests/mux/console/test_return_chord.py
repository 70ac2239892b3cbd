"""The chord, and what only resembles it."""

import pytest

from pyrdpmux.mux.console.return_chord import ReturnChord
from pyrdpmux.rdp.pdu.input import InputEvent, KeyboardEvent, KeyboardFlags, SynchronizeEvent, ToggleFlags

NONE, UP, E0 = KeyboardFlags(0), KeyboardFlags.RELEASE, KeyboardFlags.EXTENDED
CONTROL, ALT, HOME = KeyboardEvent(NONE, 0x1D), KeyboardEvent(NONE, 0x38), KeyboardEvent(E0, 0x47)
ALT_GR = KeyboardEvent(E0, 0x38)


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([CONTROL, ALT, HOME], 2),
        ([ALT, CONTROL, HOME], 2),
        ([KeyboardEvent(E0, 0x1D), ALT, HOME], 2),
        ([CONTROL, ALT, KeyboardEvent(E0, 0x52)], 2),
        ([CONTROL, ALT, KeyboardEvent(NONE, 0x1E), HOME], 3),
        ([CONTROL, HOME], None),
        ([ALT, HOME], None),
        ([CONTROL, ALT_GR, HOME], None),
        ([CONTROL, ALT, KeyboardEvent(NONE, 0x47)], None),  # of the keypad
        ([CONTROL, ALT, KeyboardEvent(UP | E0, 0x47)], None),
        ([CONTROL, ALT, KeyboardEvent(UP, 0x38), HOME], None),
        ([CONTROL, KeyboardEvent(UP, 0x1D), ALT, HOME], None),
        ([CONTROL, ALT, SynchronizeEvent(ToggleFlags(0)), HOME], None),
        ([KeyboardEvent(KeyboardFlags.EXTENDED1, 0x1D), ALT, HOME], None),  # Pause
    ],
)
def test_the_chord(events: list[InputEvent], expected: int | None) -> None:
    assert ReturnChord().find(events) == expected


def test_it_may_come_in_parts() -> None:
    chord = ReturnChord()
    assert [chord.find([event]) for event in (CONTROL, ALT, HOME)] == [None, None, 0]
