"""Enumerations that keep values nobody has told us about."""

from enum import IntEnum
from typing import Self


class OpenIntEnum(IntEnum):
    """An IntEnum whose unknown values become members named ``UNKNOWN_0x…`` and so survive a round trip.

    For wire fields only; flags use :class:`enum.IntFlag`, which keeps unknown bits by itself.
    """

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, int) or value < 0:
            return None
        member = int.__new__(cls, value)
        member._name_ = f"UNKNOWN_{value:#x}"
        member._value_ = value
        return member

    @property
    def is_known(self) -> bool:
        """False for a value that the specification (as we have it) does not define."""
        return self._value_ in type(self)._value2member_map_
