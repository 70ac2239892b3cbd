"""Enumerations that keep unknown values."""

from enum import KEEP, EnumType, IntEnum, IntFlag
from typing import Any, Final, Self, cast

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


class _OpenFlagType(EnumType):
    """Gives every type of flags the ``&`` below. QUIRK(Python 3.11): each class gets that of enum.Flag."""

    def __init__(cls, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        type.__setattr__(cls, "__and__", _and)
        type.__setattr__(cls, "__rand__", _and)


def _and(flags: IntFlag, other: int) -> IntFlag:
    """Without the detours of :class:`enum.IntFlag`: flags are asked for in every frame."""
    if not isinstance(other, int):
        return NotImplemented
    value = int.__and__(flags, other)
    kind = type(flags)
    member = kind._value2member_map_.get(value)
    return kind(value) if member is None else cast(IntFlag, member)


class OpenIntFlag(IntFlag, boundary=KEEP, metaclass=_OpenFlagType):
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
