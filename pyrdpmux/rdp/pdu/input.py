"""Keyboard and mouse input: the events, and the slow-path PDU that carries them.

The same event classes come out of the fast path (:mod:`pyrdpmux.rdp.fastpath.input`), with flags in the
slow-path meaning, so that nobody above needs to know which way an event took.
"""

from dataclasses import dataclass
from typing import Final, Self

from pyrdpmux.wire import OpenIntEnum, OpenIntFlag, Reader, Writer

EVENT_SIZE: Final = 12
EVENT_DATA_SIZE: Final = 6
#: As many as one TPKT (65,535 bytes) can hold; real clients pack a few dozen.
MAX_SLOW_PATH_EVENTS: Final = 0xFFFF // EVENT_SIZE

WHEEL_ROTATION_MASK: Final = 0x01FF


class MessageType(OpenIntEnum):
    """messageType of MS-RDPBCGR 2.2.8.1.1.3.1.1."""

    SYNC = 0x0000
    UNUSED = 0x0002
    SCANCODE = 0x0004
    UNICODE = 0x0005
    MOUSE = 0x8001
    MOUSEX = 0x8002
    MOUSEREL = 0x8004


class KeyboardFlags(OpenIntFlag):
    """keyboardFlags of MS-RDPBCGR 2.2.8.1.1.3.1.1.1."""

    EXTENDED = 0x0100
    EXTENDED1 = 0x0200
    DOWN = 0x4000
    RELEASE = 0x8000


class PointerFlags(OpenIntFlag):
    """pointerFlags of MS-RDPBCGR 2.2.8.1.1.3.1.1.3; of a wheel event, the low nine bits are the rotation."""

    WHEEL_NEGATIVE = 0x0100
    WHEEL = 0x0200
    HWHEEL = 0x0400
    MOVE = 0x0800
    BUTTON1 = 0x1000
    BUTTON2 = 0x2000
    BUTTON3 = 0x4000
    DOWN = 0x8000


class ExtendedPointerFlags(OpenIntFlag):
    """pointerFlags of MS-RDPBCGR 2.2.8.1.1.3.1.1.4; its buttons 1 and 2 are the mouse's fourth and fifth."""

    BUTTON1 = 0x0001
    BUTTON2 = 0x0002
    DOWN = 0x8000


class RelativePointerFlags(OpenIntFlag):
    """pointerFlags of MS-RDPBCGR 2.2.8.1.1.3.1.1.7: movement and all five buttons in one field."""

    BUTTON4 = 0x0001
    BUTTON5 = 0x0002
    MOVE = 0x0800
    BUTTON1 = 0x1000
    BUTTON2 = 0x2000
    BUTTON3 = 0x4000
    DOWN = 0x8000


class ToggleFlags(OpenIntFlag):
    """toggleFlags of MS-RDPBCGR 2.2.8.1.1.3.1.1.5."""

    SCROLL_LOCK = 0x00000001
    NUM_LOCK = 0x00000002
    CAPS_LOCK = 0x00000004
    KANA_LOCK = 0x00000008


def wheel_rotation(flags: PointerFlags) -> int:
    """Rotation units of a wheel event, negative towards the user (120 is one notch): nine bits, signed."""
    rotation = int(flags) & WHEEL_ROTATION_MASK
    return rotation - (WHEEL_ROTATION_MASK + 1) if flags & PointerFlags.WHEEL_NEGATIVE else rotation


def wheel_flags(rotation: int, wheel: PointerFlags = PointerFlags.WHEEL) -> PointerFlags:
    """The flags of a wheel event; the opposite of :func:`wheel_rotation`, for -256 to 255."""
    return wheel | PointerFlags(rotation & WHEEL_ROTATION_MASK)


@dataclass(frozen=True, slots=True)
class KeyboardEvent:
    """MS-RDPBCGR 2.2.8.1.1.3.1.1.1 Keyboard Event (TS_KEYBOARD_EVENT).

    QUIRK(FreeRDP 2.11): DOWN, "was down before", is set on plain presses too. Only ``is_release`` tells a
    press from a release.
    """

    flags: KeyboardFlags
    key_code: int

    @property
    def is_release(self) -> bool:
        return bool(self.flags & KeyboardFlags.RELEASE)

    @property
    def is_extended(self) -> bool:
        """The scancode has the prefix E0."""
        return bool(self.flags & KeyboardFlags.EXTENDED)

    @property
    def is_extended1(self) -> bool:
        """The scancode has the prefix E1 (the Pause key)."""
        return bool(self.flags & KeyboardFlags.EXTENDED1)

    @classmethod
    def read(cls, r: Reader) -> Self:
        flags = KeyboardFlags(r.u16_le("keyboardFlags"))
        key_code = r.u16_le("keyCode")
        r.pad("pad2Octets", 2)
        return cls(flags, key_code)

    def write(self, w: Writer) -> None:
        w.u16_le("keyboardFlags", self.flags)
        w.u16_le("keyCode", self.key_code)
        w.pad("pad2Octets", 2)


@dataclass(frozen=True, slots=True)
class UnicodeEvent:
    """MS-RDPBCGR 2.2.8.1.1.3.1.1.2 Unicode Keyboard Event: one UTF-16 unit, half a surrogate pair perhaps."""

    flags: KeyboardFlags
    code: int

    @property
    def is_release(self) -> bool:
        return bool(self.flags & KeyboardFlags.RELEASE)

    @classmethod
    def read(cls, r: Reader) -> Self:
        flags = KeyboardFlags(r.u16_le("keyboardFlags"))
        code = r.u16_le("unicodeCode")
        r.pad("pad2Octets", 2)
        return cls(flags, code)

    def write(self, w: Writer) -> None:
        w.u16_le("keyboardFlags", self.flags)
        w.u16_le("unicodeCode", self.code)
        w.pad("pad2Octets", 2)


@dataclass(frozen=True, slots=True)
class MouseEvent:
    """MS-RDPBCGR 2.2.8.1.1.3.1.1.3 Mouse Event (TS_POINTER_EVENT)."""

    flags: PointerFlags
    x: int
    y: int

    @property
    def is_wheel(self) -> bool:
        """A vertical rotation; its position means nothing."""
        return bool(self.flags & PointerFlags.WHEEL)

    @property
    def is_horizontal_wheel(self) -> bool:
        """A horizontal rotation; where both flags are set, the vertical one counts."""
        return self.flags & (PointerFlags.HWHEEL | PointerFlags.WHEEL) == PointerFlags.HWHEEL

    @property
    def wheel_rotation(self) -> int:
        """Units of either rotation, 0 for an event that is none."""
        is_rotation = self.flags & (PointerFlags.HWHEEL | PointerFlags.WHEEL)
        return wheel_rotation(self.flags) if is_rotation else 0

    @classmethod
    def read(cls, r: Reader) -> Self:
        return cls(PointerFlags(r.u16_le("pointerFlags")), r.u16_le("xPos"), r.u16_le("yPos"))

    def write(self, w: Writer) -> None:
        w.u16_le("pointerFlags", self.flags)
        w.u16_le("xPos", self.x)
        w.u16_le("yPos", self.y)


@dataclass(frozen=True, slots=True)
class ExtendedMouseEvent:
    """MS-RDPBCGR 2.2.8.1.1.3.1.1.4 Extended Mouse Event (TS_POINTERX_EVENT)."""

    flags: ExtendedPointerFlags
    x: int
    y: int

    @classmethod
    def read(cls, r: Reader) -> Self:
        return cls(ExtendedPointerFlags(r.u16_le("pointerFlags")), r.u16_le("xPos"), r.u16_le("yPos"))

    def write(self, w: Writer) -> None:
        w.u16_le("pointerFlags", self.flags)
        w.u16_le("xPos", self.x)
        w.u16_le("yPos", self.y)


@dataclass(frozen=True, slots=True)
class RelativeMouseEvent:
    """MS-RDPBCGR 2.2.8.1.1.3.1.1.7 Relative Mouse Event (TS_RELPOINTER_EVENT)."""

    flags: RelativePointerFlags
    x_delta: int
    y_delta: int

    @classmethod
    def read(cls, r: Reader) -> Self:
        return cls(RelativePointerFlags(r.u16_le("pointerFlags")), r.i16_le("xDelta"), r.i16_le("yDelta"))

    def write(self, w: Writer) -> None:
        w.u16_le("pointerFlags", self.flags)
        w.i16_le("xDelta", self.x_delta)
        w.i16_le("yDelta", self.y_delta)


@dataclass(frozen=True, slots=True)
class SynchronizeEvent:
    """MS-RDPBCGR 2.2.8.1.1.3.1.1.5 Synchronize Event (TS_SYNC_EVENT): all keys are up, these locks are on."""

    toggle_flags: ToggleFlags

    @classmethod
    def read(cls, r: Reader) -> Self:
        r.pad("pad2Octets", 2)
        return cls(ToggleFlags(r.u32_le("toggleFlags")))

    def write(self, w: Writer) -> None:
        w.pad("pad2Octets", 2)
        w.u32_le("toggleFlags", self.toggle_flags)


@dataclass(frozen=True, slots=True)
class UnusedEvent:
    """MS-RDPBCGR 2.2.8.1.1.3.1.1.6 Unused Event (TS_UNUSED_EVENT): slow path only, means nothing."""

    @classmethod
    def read(cls, r: Reader) -> Self:
        r.pad("pad4Octets", 4)
        r.pad("pad2Octets", 2)
        return cls()

    def write(self, w: Writer) -> None:
        w.pad("pad4Octets", 4)
        w.pad("pad2Octets", 2)


@dataclass(frozen=True, slots=True)
class QoeTimestampEvent:
    """MS-RDPBCGR 2.2.8.1.2.2.6 Quality of Experience Timestamp Event: fast path only, milliseconds."""

    timestamp: int


@dataclass(frozen=True, slots=True)
class UnknownInputEvent:
    """MS-RDPBCGR 2.2.8.1.1.3.1.1 Slow-Path Input Event of a type that is not known.

    Its size is a guess: every known event has six bytes, as the T.128 ones that RDP left out.
    """

    message_type: MessageType
    data: bytes

    def write(self, w: Writer) -> None:
        w.fixed("slowPathInputData", self.data, EVENT_DATA_SIZE)


SlowPathEvent = (
    KeyboardEvent
    | UnicodeEvent
    | MouseEvent
    | ExtendedMouseEvent
    | RelativeMouseEvent
    | SynchronizeEvent
    | UnusedEvent
)

InputEvent = SlowPathEvent | QoeTimestampEvent | UnknownInputEvent

EVENT_TYPES: Final[dict[MessageType, type[SlowPathEvent]]] = {
    MessageType.SYNC: SynchronizeEvent,
    MessageType.UNUSED: UnusedEvent,
    MessageType.SCANCODE: KeyboardEvent,
    MessageType.UNICODE: UnicodeEvent,
    MessageType.MOUSE: MouseEvent,
    MessageType.MOUSEX: ExtendedMouseEvent,
    MessageType.MOUSEREL: RelativeMouseEvent,
}
MESSAGE_TYPES: Final = {cls: message_type for message_type, cls in EVENT_TYPES.items()}


def _read_event(r: Reader) -> InputEvent:
    message_type = MessageType(r.u16_le("messageType"))
    cls = EVENT_TYPES.get(message_type)
    if cls is None:
        return UnknownInputEvent(message_type, r.raw("slowPathInputData", EVENT_DATA_SIZE))
    return cls.read(r)


def _write_event(w: Writer, event: InputEvent) -> None:
    if isinstance(event, QoeTimestampEvent):
        raise w.error("messageType", "a QoE timestamp exists in the fast path only")
    if isinstance(event, UnknownInputEvent):
        w.u16_le("messageType", event.message_type)
    else:
        w.u16_le("messageType", MESSAGE_TYPES[type(event)])
    event.write(w)


@dataclass(frozen=True, slots=True)
class InputEvents:
    """MS-RDPBCGR 2.2.8.1.1.3.1 Client Input Event PDU Data (TS_INPUT_PDU_DATA), after the share headers.

    ``times`` are the events' time stamps, which a server ignores; empty stands for all zero.
    """

    events: tuple[InputEvent, ...]
    times: tuple[int, ...] = ()

    @classmethod
    def read(cls, r: Reader) -> Self:
        count = r.u16_le("numEvents")
        if count > MAX_SLOW_PATH_EVENTS:
            raise r.error("numEvents", f"{count}, at most {MAX_SLOW_PATH_EVENTS} allowed")
        r.pad("pad2Octets", 2)
        events: list[InputEvent] = []
        times: list[int] = []
        for _ in range(count):
            times.append(r.u32_le("eventTime"))
            events.append(_read_event(r))
        return cls(tuple(events), tuple(times) if any(times) else ())

    def write(self, w: Writer) -> None:
        times = self.times or (0,) * len(self.events)
        if len(times) != len(self.events):
            raise w.error("eventTime", f"{len(times)} times for {len(self.events)} events")
        w.u16_le("numEvents", len(self.events))
        w.pad("pad2Octets", 2)
        for time, event in zip(times, self.events, strict=True):
            w.u32_le("eventTime", time)
            _write_event(w, event)
