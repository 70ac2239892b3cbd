"""The messages (section 4): msgpack arrays of integers, the type first, counted from 0 or 1 (``base``).

A message of the C library is followed by padding up to the size it allocated, which is not always zero: one
object is decoded, what follows is ignored.
"""

from dataclasses import dataclass, fields
from functools import cache
from typing import ClassVar, Final, TypeAlias

import msgpack  # type: ignore[import-untyped]

from pyrdpmux.errors import BackendError
from pyrdpmux.geometry import Rect

MAX_MESSAGE: Final = 4096
"""Bytes of a message on the socket; the library's are 24 or 48."""

_UNPACKER_LIMITS: Final = {
    "max_buffer_size": MAX_MESSAGE,
    "max_array_len": 16,
    "max_map_len": 0,
    "max_str_len": 64,
    "max_bin_len": 64,
    "max_ext_len": 64,
}
"""Nothing bigger than a message could be is built only to be refused."""

_SIGN: Final = 1 << 63


COPIED: Final = 1
"""What every library is told."""

TAKES_PAIRS: Final = 2
"""Nothing was copied: the server takes :class:`DisplayUpdatePair`. Ours, to guests of ours."""


@dataclass(frozen=True, slots=True)
class DisplayUpdate:
    """VM to server: this rectangle changed. Acknowledged always, whatever is in it."""

    TYPE: ClassVar[int] = 0
    x: int
    y: int
    width: int
    height: int

    @property
    def rect(self) -> Rect:
        return Rect(self.x, self.y, self.width, self.height)


@dataclass(frozen=True, slots=True)
class DisplaySwitch:
    """VM to server: the framebuffer now has this pixman format and size."""

    TYPE: ClassVar[int] = 1
    format: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Mouse:
    """Server to VM: pointer flags (section 7.1) at a position."""

    TYPE: ClassVar[int] = 2
    x: int
    y: int
    flags: int


@dataclass(frozen=True, slots=True)
class Keyboard:
    """Server to VM: a set-1 scancode and its flags (section 7.1)."""

    TYPE: ClassVar[int] = 3
    code: int
    flags: int


@dataclass(frozen=True, slots=True)
class UpdateComplete:
    """Server to VM: the update has been copied, the framebuffer may be written again.

    From protocol 3 on with the frames per second that the display should be refreshed at. Who says
    :class:`TakesSizes` is answered with :data:`TAKES_PAIRS` instead of a success.
    """

    TYPE: ClassVar[int] = 4
    success: int = COPIED
    frame_rate: int | None = None


@dataclass(frozen=True, slots=True)
class Shutdown:
    """VM to server: it ends. Not sent by the libraries of protocols 1 and 2; our guests do."""

    TYPE: ClassVar[int] = 5


@dataclass(frozen=True, slots=True)
class SizeRequest:
    """Server to VM: a viewer would like this size, with text of ``scale`` percent. Ours, like the next."""

    TYPE: ClassVar[int] = 6
    width: int
    height: int
    scale: int


@dataclass(frozen=True, slots=True)
class TakesSizes:
    """VM to server: whether it may be sent :class:`SizeRequest`, which no library knows.

    Who says so is acknowledged its updates in every version, with a rate.
    """

    TYPE: ClassVar[int] = 7
    takes: int = 1


@dataclass(frozen=True, slots=True)
class DisplayUpdatePair:
    """VM to server: these two rectangles changed, together, and are acknowledged together. Ours."""

    TYPE: ClassVar[int] = 8
    x: int
    y: int
    width: int
    height: int
    other_x: int
    other_y: int
    other_width: int
    other_height: int

    @property
    def rects(self) -> tuple[Rect, Rect]:
        return (
            Rect(self.x, self.y, self.width, self.height),
            Rect(self.other_x, self.other_y, self.other_width, self.other_height),
        )


Message: TypeAlias = (
    DisplayUpdate
    | DisplaySwitch
    | Mouse
    | Keyboard
    | UpdateComplete
    | Shutdown
    | SizeRequest
    | TakesSizes
    | DisplayUpdatePair
)

MESSAGES: Final[tuple[type[Message], ...]] = (
    DisplayUpdate,
    DisplaySwitch,
    Mouse,
    Keyboard,
    UpdateComplete,
    Shutdown,
    SizeRequest,
    TakesSizes,
    DisplayUpdatePair,
)


_NAMES: Final = {kind: tuple(field.name for field in fields(kind)) for kind in MESSAGES}
"""Of the values of each message, in order."""

_ARRAY: Final = 0x90
"""msgpack's fixarray: the number of values is added."""

_FROM_VM: Final = {1 + len(fields(kind)): kind.TYPE for kind in (DisplayUpdate, DisplaySwitch, Shutdown)}
"""The types that a VM sends, by the length of their arrays."""


def encode_message(message: Message, base: int = 0) -> bytes:
    """Shortest forms, no padding. Negative numbers become what the C library makes of them."""
    given = (getattr(message, name) for name in _NAMES[type(message)])
    values = [value for value in given if value is not None]
    values = [value & 0xFFFFFFFFFFFFFFFF if value < 0 else value for value in values]
    packed: bytes = msgpack.packb([base + message.TYPE, *values])
    return packed


@cache
def encode_completion(success: int, rate: int | None, base: int) -> bytes:
    """An :class:`UpdateComplete`: the same few, again and again."""
    return encode_message(UpdateComplete(success, rate), base)


def decode_message(data: bytes, base: int = 0) -> Message:
    """One message from either side; BackendError for everything that is not one."""
    kind, *arguments = _decode_integers(data)
    if not 0 <= kind - base < len(MESSAGES):
        raise BackendError(f"message type {kind}, expected {base} to {base + len(MESSAGES) - 1}")
    message = MESSAGES[kind - base]
    expected = len(_NAMES[message])
    if message is UpdateComplete and len(arguments) == 1:
        expected = 1
    if len(arguments) != expected:
        raise BackendError(f"{message.__name__} with {len(arguments)} values, expected {expected}")
    return message(*arguments)


def numbering_of(data: bytes) -> int | None:
    """What a VM's message types count from: the length of a message tells its type (section 4.2)."""
    try:
        values = _decode_integers(data)
    except BackendError:
        return None
    kind = _FROM_VM.get(len(values))
    return None if kind is None else values[0] - kind


def looks_like_update(data: bytes, base: int) -> bool:
    """Whether it begins as a DISPLAY_UPDATE does, for who does not care where."""
    return data.startswith(_beginnings(base))


@cache
def _beginnings(base: int) -> tuple[bytes, ...]:
    return tuple(
        bytes([_ARRAY + 1 + len(_NAMES[kind]), base + kind.TYPE])
        for kind in (DisplayUpdate, DisplayUpdatePair)
    )


def _decode_integers(data: bytes) -> list[int]:
    unpacker = msgpack.Unpacker(raw=True, **_UNPACKER_LIMITS)
    try:
        unpacker.feed(data)
        values = unpacker.unpack()
    except Exception as error:  # msgpack documents no common base, and one guest must not end the daemon
        raise BackendError(f"not a msgpack object: {type(error).__name__}: {error}") from None
    if not isinstance(values, list) or not values:
        raise BackendError(f"a message that is no array with a type: {values!r:.40}")
    for value in values:
        if type(value) is not int:
            raise BackendError(f"a message with {value!r:.40} in it, expected only integers")
    # The library writes a negative C int as a 64-bit unsigned one.
    return [value - (_SIGN << 1) if value >= _SIGN else value for value in values]
