"""Enumerations that keep unknown values."""

from enum import KEEP, IntEnum, IntFlag
from typing import Final, Self, cast

MAX_KEPT: Final = 1024
"""Combinations of a flag type that are kept; the real ones of any field are far fewer."""


class OpenIntEnum(IntEnum):
    """An IntEnum whose unknown values become members named ``UNKNOWN_0x…`` and so survive a round trip.

    For wire fields only; flags use :class:`OpenIntFlag`.
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


class OpenIntFlag(IntFlag, boundary=KEEP):
    """An IntFlag for wire fields: unknown bits are kept, values that a peer makes up are not.

    :class:`enum.IntFlag` remembers every combination that ever occurred, for good: a peer that sends random
    bits would fill the memory.
    """

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        member: Self = super()._missing_(value)
        if len(cls._value2member_map_) > MAX_KEPT:
            cls._value2member_map_.pop(member.value, None)
        return member

    def __and__(self, other: int) -> Self:
        """Without the detours of :class:`enum.IntFlag`: flags are asked for in every frame."""
        if not isinstance(other, int):
            return NotImplemented
        value = int.__and__(self, other)
        member = type(self)._value2member_map_.get(value)
        return type(self)(value) if member is None else cast(Self, member)

    __rand__ = __and__
