"""Rotation of a wheel as clicks, for VMs whose wheels are buttons."""

from typing import Final

NOTCH: Final = 120
MAX_CLICKS: Final = 8
"""For one event."""


class WheelClicks:
    """Whole notches are clicks; parts of one add up, as long as they go in one direction."""

    def __init__(self) -> None:
        self._turned = {False: 0, True: 0}

    def turn(self, rotation: int, *, horizontal: bool) -> int:
        """How many clicks that makes: forward (or to the right) positive, backward negative."""
        turned = self._turned[horizontal]
        if (turned < 0) != (rotation < 0):
            turned = 0
        turned += rotation
        sign = -1 if turned < 0 else 1
        self._turned[horizontal] = sign * (abs(turned) % NOTCH)
        return sign * min(abs(turned) // NOTCH, MAX_CLICKS)
