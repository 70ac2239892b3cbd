"""The chord of keys that takes a viewer from a VM back to the list it was chosen from."""

from collections.abc import Sequence
from typing import Final

from pyrdpmux.rdp.pdu.input import InputEvent, KeyboardEvent, SynchronizeEvent

CONTROL: Final = 0x1D
LEFT_ALT: Final = 0x38
HOME: Final = 0x47
INSERT: Final = 0x52

DESCRIPTION: Final = "Ctrl+Alt+Home or Ctrl+Alt+Insert"
"""Two, because mstsc in full screen keeps the first for its connection bar. With the left Alt: AltGr is Ctrl
and the right one."""


class ReturnChord:
    """Recognizes the chord in what one viewer types."""

    def __init__(self) -> None:
        self._held: set[tuple[int, bool]] = set()

    def find(self, events: Sequence[InputEvent]) -> int | None:
        """The index of the event that completes the chord; None if none does."""
        for index, event in enumerate(events):
            if isinstance(event, KeyboardEvent) and self._completes(event):
                return index
            if isinstance(event, SynchronizeEvent):  # all keys are up
                self._held.clear()
        return None

    def _completes(self, event: KeyboardEvent) -> bool:
        key = event.key_code, event.is_extended
        if key in ((CONTROL, False), (CONTROL, True), (LEFT_ALT, False)) and not event.is_extended1:
            (self._held.discard if event.is_release else self._held.add)(key)
            return False
        has_control = (CONTROL, False) in self._held or (CONTROL, True) in self._held
        is_chord = has_control and (LEFT_ALT, False) in self._held
        return is_chord and not event.is_release and key in ((HOME, True), (INSERT, True))
