"""Fast-path input: the slow path's events in one to seven bytes each.

Event flags are normalized to the slow-path flags of :mod:`pyrdpmux.rdp.pdu.input` on the way in and
translated back on the way out. DOWN ("was down before") has no fast-path form and gets lost.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Self

from pyrdpmux.rdp.fastpath.header import FastPathFlags, FastPathHeader, read_plain_header
from pyrdpmux.rdp.pdu.input import (
    ExtendedMouseEvent,
    InputEvent,
    KeyboardEvent,
    KeyboardFlags,
    MouseEvent,
    QoeTimestampEvent,
    RelativeMouseEvent,
    SynchronizeEvent,
    ToggleFlags,
    UnicodeEvent,
)
from pyrdpmux.wire import OpenIntEnum, Reader, Writer

#: More than this, and the count moves from the header into a byte of its own.
MAX_EVENTS_IN_HEADER: Final = 15
MAX_EVENT_FLAGS: Final = 0x1F


class EventCode(OpenIntEnum):
    """eventCode of MS-RDPBCGR 2.2.8.1.2.2."""

    SCANCODE = 0
    MOUSE = 1
    MOUSEX = 2
    SYNC = 3
    UNICODE = 4
    MOUSEREL = 5
    QOE_TIMESTAMP = 6


#: Fast-path bit, slow-path bit: FASTPATH_INPUT_KBDFLAGS_* of MS-RDPBCGR 2.2.8.1.2.2.1.
KEYBOARD_FLAGS: Final = (
    (0x01, KeyboardFlags.RELEASE),
    (0x02, KeyboardFlags.EXTENDED),
    (0x04, KeyboardFlags.EXTENDED1),
)
#: The two bits without a meaning stay where they are, in the unused low byte of the slow-path flags.
UNDEFINED_KEYBOARD_FLAGS: Final = 0x18


def _slow_path_flags(event_flags: int) -> KeyboardFlags:
    flags = event_flags & UNDEFINED_KEYBOARD_FLAGS
    for fast, slow in KEYBOARD_FLAGS:
        if event_flags & fast:
            flags |= slow
    return KeyboardFlags(flags)


def _fast_path_flags(flags: KeyboardFlags) -> int:
    event_flags = int(flags) & UNDEFINED_KEYBOARD_FLAGS
    for fast, slow in KEYBOARD_FLAGS:
        if flags & slow:
            event_flags |= fast
    return event_flags


def _read_qoe_timestamp(r: Reader, _event_flags: int) -> QoeTimestampEvent:
    return QoeTimestampEvent(r.u32_le("timestamp"))


READERS: Final[dict[int, Callable[[Reader, int], InputEvent]]] = {
    EventCode.SCANCODE: lambda r, flags: KeyboardEvent(_slow_path_flags(flags), r.u8("keyCode")),
    EventCode.MOUSE: lambda r, _flags: MouseEvent.read(r),
    EventCode.MOUSEX: lambda r, _flags: ExtendedMouseEvent.read(r),
    EventCode.SYNC: lambda _r, flags: SynchronizeEvent(ToggleFlags(flags)),
    EventCode.UNICODE: lambda r, flags: UnicodeEvent(_slow_path_flags(flags), r.u16_le("unicodeCode")),
    EventCode.MOUSEREL: lambda r, _flags: RelativeMouseEvent.read(r),
    EventCode.QOE_TIMESTAMP: _read_qoe_timestamp,
}


def _read_event(r: Reader) -> InputEvent:
    """MS-RDPBCGR 2.2.8.1.2.2 Fast-Path Input Event (TS_FP_INPUT_EVENT)."""
    header = r.u8("eventHeader")
    reader = READERS.get(header >> 5)
    if reader is None:
        # Unlike in the slow path, nothing tells how long an unknown event is.
        raise r.error("eventHeader", f"unknown event code {header >> 5}")
    return reader(r, header & MAX_EVENT_FLAGS)


def _write_header(w: Writer, code: EventCode, event_flags: int = 0) -> None:
    if not 0 <= event_flags <= MAX_EVENT_FLAGS:
        raise w.error("eventHeader", f"flags {event_flags:#x} do not fit 5 bits")
    w.u8("eventHeader", code << 5 | event_flags)


def _write_event(w: Writer, event: InputEvent) -> None:
    match event:
        case KeyboardEvent(flags, key_code):
            _write_header(w, EventCode.SCANCODE, _fast_path_flags(flags))
            w.u8("keyCode", key_code)
        case UnicodeEvent(flags, code):
            _write_header(w, EventCode.UNICODE, _fast_path_flags(flags))
            w.u16_le("unicodeCode", code)
        case SynchronizeEvent(toggle_flags):
            _write_header(w, EventCode.SYNC, toggle_flags)
        case QoeTimestampEvent(timestamp):
            _write_header(w, EventCode.QOE_TIMESTAMP)
            w.u32_le("timestamp", timestamp)
        case MouseEvent():
            _write_header(w, EventCode.MOUSE)
            event.write(w)
        case ExtendedMouseEvent():
            _write_header(w, EventCode.MOUSEX)
            event.write(w)
        case RelativeMouseEvent():
            _write_header(w, EventCode.MOUSEREL)
            event.write(w)
        case _:
            raise w.error("eventHeader", f"{type(event).__name__} exists in the slow path only")


def _read_events(r: Reader, number: int) -> tuple[InputEvent, ...]:
    count = number or r.u8("numEvents")  # INVARIANT: at most 255, being a byte
    return tuple([_read_event(r) for _ in range(count)])


def decode_input_events(body: bytes, number: int) -> tuple[InputEvent, ...]:
    """The events in ``body`` (decrypted, without FIPS padding); ``number`` is the header's, perhaps 0."""
    r = Reader(body, "FastPathInput")
    events = _read_events(r, number)
    r.finish("fpInputEvents")
    return events


def encode_input_events(events: Sequence[InputEvent], *, has_count_byte: bool = False) -> tuple[int, bytes]:
    """``number`` for the header and the body, ready to be encrypted: see :func:`decode_input_events`."""
    w = Writer("FastPathInput")
    number = len(events)
    if not 1 <= number <= MAX_EVENTS_IN_HEADER or has_count_byte:
        w.u8("numEvents", number)
        number = 0
    for event in events:
        _write_event(w, event)
    return number, w.getvalue()


@dataclass(frozen=True, slots=True)
class FastPathInput:
    """MS-RDPBCGR 2.2.8.1.2 Client Fast-Path Input Event PDU (TS_FP_INPUT_PDU), not encrypted.

    QUIRK(mstsc): SECURE_CHECKSUM is set under TLS too, where there is no signature to be salted.
    """

    events: tuple[InputEvent, ...]
    flags: FastPathFlags = FastPathFlags(0)
    has_long_length: bool = False
    has_count_byte: bool = False

    @classmethod
    def read(cls, r: Reader) -> Self:
        header = read_plain_header(r)
        events = _read_events(r, header.number)
        has_count_byte = header.number == 0 and 1 <= len(events) <= MAX_EVENTS_IN_HEADER
        return cls(events, header.flags, header.has_long_length, has_count_byte)

    def write(self, w: Writer) -> None:
        number, body = encode_input_events(self.events, has_count_byte=self.has_count_byte)
        FastPathHeader(number, self.flags, has_long_length=self.has_long_length).write(w, len(body))
        w.raw("fpInputEvents", body)
