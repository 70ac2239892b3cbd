"""Caps Lock, Num Lock and Scroll Lock: a viewer's lights and the guest's, brought together."""

from typing import Final

from pyrdpmux.mux.keyboard.qnum import CAPS_LOCK, NUM_LOCK, SCROLL_LOCK

#: flag of MS-RDPBCGR 2.2.8.1.1.3.1.1.5, and the key that turns it over
LOCKS: Final = ((1, SCROLL_LOCK), (2, NUM_LOCK), (4, CAPS_LOCK))


class LockLights:
    """What the guest's lights will be once it has seen all that it was sent."""

    def __init__(self) -> None:
        self._leds: int | None = None

    def tell(self, leds: int | None) -> None:
        """The guest has told its lights; None: it does not tell, and they are not known."""
        self._leds = leds

    def keys_for(self, wanted: int) -> list[int]:
        """The keys to tap so that the guest's lights are ``wanted``; none while its own are not known."""
        if self._leds is None:
            return []
        # The answer takes its time, and some guests never give one: do not tap the same key again.
        differing, self._leds = self._leds ^ wanted, wanted
        return [key for flag, key in LOCKS if differing & flag]
