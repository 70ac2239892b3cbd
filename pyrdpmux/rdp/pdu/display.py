"""Small data PDUs: what to draw or not, monitors, keyboard lights, beep, shutdown, status, frame counts."""

from dataclasses import dataclass
from typing import Final, Self

from pyrdpmux.geometry import Rect
from pyrdpmux.rdp.mcs.client_data import MonitorDefinition
from pyrdpmux.wire import OpenIntEnum, OpenIntFlag, Reader, Writer

#: Windows stops at 16 (MS-RDPBCGR 2.2.1.3.6); a layout of 64 is still a small PDU.
MAX_MONITORS: Final = 64


class LedFlags(OpenIntFlag):
    """LedFlags of MS-RDPBCGR 2.2.8.2.1.1."""

    SCROLL_LOCK = 0x0001
    NUM_LOCK = 0x0002
    CAPS_LOCK = 0x0004
    KANA_LOCK = 0x0008


class ImeConversionMode(OpenIntFlag):
    """ImeConvMode of MS-RDPBCGR 2.2.8.2.2.1."""

    NATIVE = 0x00000001
    KATAKANA = 0x00000002
    FULLSHAPE = 0x00000008
    ROMAN = 0x00000010
    CHARCODE = 0x00000020
    HANJACONVERT = 0x00000040
    SOFTKBD = 0x00000080
    NOCONVERSION = 0x00000100
    EUDC = 0x00000200
    SYMBOL = 0x00000400
    FIXED = 0x00000800


class StatusCode(OpenIntEnum):
    """statusCode of MS-RDPBCGR 2.2.5.2."""

    FINDING_DESTINATION = 0x401
    LOADING_DESTINATION = 0x402
    BRINGING_SESSION_ONLINE = 0x403
    REDIRECTING_TO_DESTINATION = 0x404
    VM_LOADING = 0x501
    VM_WAKING = 0x502
    VM_STARTING = 0x503
    VM_STARTING_MONITORING = 0x504
    VM_RETRYING_MONITORING = 0x505


@dataclass(frozen=True, slots=True)
class InclusiveRectangle:
    """MS-RDPBCGR 2.2.11.1 Inclusive Rectangle (TS_RECTANGLE16): right and bottom belong to it."""

    left: int
    top: int
    right: int
    bottom: int

    @classmethod
    def of(cls, rect: Rect) -> Self:
        """``rect`` may not be empty: this structure always has a pixel."""
        return cls(rect.x, rect.y, rect.right - 1, rect.bottom - 1)

    @property
    def rect(self) -> Rect:
        """Empty, or of a negative size, where a peer has right before left or bottom above top."""
        return Rect.from_corners(self.left, self.top, self.right + 1, self.bottom + 1)

    @classmethod
    def read(cls, r: Reader) -> Self:
        return cls(r.u16_le("left"), r.u16_le("top"), r.u16_le("right"), r.u16_le("bottom"))

    def write(self, w: Writer) -> None:
        w.u16_le("left", self.left)
        w.u16_le("top", self.top)
        w.u16_le("right", self.right)
        w.u16_le("bottom", self.bottom)


@dataclass(frozen=True, slots=True)
class RefreshRectangle:
    """MS-RDPBCGR 2.2.11.2.1 Refresh Rect PDU Data (TS_REFRESH_RECT_PDU).

    QUIRK(mstsc): asked for a whole desktop it names right and bottom one less than the inclusive bound.
    """

    areas: tuple[InclusiveRectangle, ...]

    @classmethod
    def read(cls, r: Reader) -> Self:
        # One byte, so 255 rectangles at most.
        count = r.u8("numberOfAreas")
        r.pad("pad3Octets", 3)
        return cls(r.items(InclusiveRectangle, "areasToRefresh", count))

    def write(self, w: Writer) -> None:
        w.u8("numberOfAreas", len(self.areas))
        w.pad("pad3Octets", 3)
        w.items(self.areas, "areasToRefresh")


@dataclass(frozen=True, slots=True)
class SuppressOutput:
    """MS-RDPBCGR 2.2.11.3.1 Suppress Output PDU Data (TS_SUPPRESS_OUTPUT_PDU).

    QUIRK(mstsc): right and bottom of the rectangle are width and height, not inclusive bounds.
    """

    allow_display_updates: int
    desktop_rectangle: InclusiveRectangle | None = None

    @classmethod
    def read(cls, r: Reader) -> Self:
        allow_display_updates = r.u8("allowDisplayUpdates")
        r.pad("pad3Octets", 3)
        rectangle = r.structure(InclusiveRectangle, "desktopRect") if r.remaining else None
        return cls(allow_display_updates, rectangle)

    def write(self, w: Writer) -> None:
        w.u8("allowDisplayUpdates", self.allow_display_updates)
        w.pad("pad3Octets", 3)
        if self.desktop_rectangle is not None:
            w.structure(self.desktop_rectangle, "desktopRect")


@dataclass(frozen=True, slots=True)
class MonitorLayout:
    """MS-RDPBCGR 2.2.12.1 Monitor Layout PDU."""

    monitors: tuple[MonitorDefinition, ...]

    @classmethod
    def read(cls, r: Reader) -> Self:
        count = r.u32_le("monitorCount")
        if count > MAX_MONITORS:
            raise r.error("monitorCount", f"{count}, at most {MAX_MONITORS} allowed")
        return cls(r.items(MonitorDefinition, "monitorDefArray", count))

    def write(self, w: Writer) -> None:
        w.u32_le("monitorCount", len(self.monitors))
        w.items(self.monitors, "monitorDefArray")


@dataclass(frozen=True, slots=True)
class ShutdownRequest:
    """MS-RDPBCGR 2.2.2.1.1 Shutdown Request PDU Data (TS_SHUTDOWN_REQ_PDU): a header without a body.

    QUIRK(aardwolf 0.2.16): four bytes follow, the beginning of an input PDU; they are kept in ``trailing``.
    """

    trailing: bytes = b""

    @classmethod
    def read(cls, r: Reader) -> Self:
        return cls(r.rest("trailing"))

    def write(self, w: Writer) -> None:
        w.raw("trailing", self.trailing)


@dataclass(frozen=True, slots=True)
class ShutdownDenied:
    """MS-RDPBCGR 2.2.2.2.1 Shutdown Request Denied PDU Data (TS_SHUTDOWN_DENIED_PDU): no body either."""

    @classmethod
    def read(cls, r: Reader) -> Self:
        return cls()

    def write(self, w: Writer) -> None:
        pass


@dataclass(frozen=True, slots=True)
class PlaySound:
    """MS-RDPBCGR 2.2.9.1.1.5.1 Play Sound PDU Data (TS_PLAY_SOUND_PDU_DATA): milliseconds and hertz."""

    duration: int
    frequency: int

    @classmethod
    def read(cls, r: Reader) -> Self:
        return cls(r.u32_le("duration"), r.u32_le("frequency"))

    def write(self, w: Writer) -> None:
        w.u32_le("duration", self.duration)
        w.u32_le("frequency", self.frequency)


@dataclass(frozen=True, slots=True)
class SetKeyboardIndicators:
    """MS-RDPBCGR 2.2.8.2.1.1 Set Keyboard Indicators PDU Data (TS_SET_KEYBOARD_INDICATORS_PDU)."""

    led_flags: LedFlags
    unit_id: int = 0

    @classmethod
    def read(cls, r: Reader) -> Self:
        unit_id = r.u16_le("UnitId")
        return cls(LedFlags(r.u16_le("LedFlags")), unit_id)

    def write(self, w: Writer) -> None:
        w.u16_le("UnitId", self.unit_id)
        w.u16_le("LedFlags", self.led_flags)


@dataclass(frozen=True, slots=True)
class SetKeyboardImeStatus:
    """MS-RDPBCGR 2.2.8.2.2.1 Set Keyboard IME Status PDU Data (TS_SET_KEYBOARD_IME_STATUS_PDU)."""

    ime_state: int
    ime_conversion_mode: ImeConversionMode = ImeConversionMode(0)
    unit_id: int = 0

    @classmethod
    def read(cls, r: Reader) -> Self:
        unit_id = r.u16_le("UnitId")
        ime_state = r.u32_le("ImeState")
        return cls(ime_state, ImeConversionMode(r.u32_le("ImeConvMode")), unit_id)

    def write(self, w: Writer) -> None:
        w.u16_le("UnitId", self.unit_id)
        w.u32_le("ImeState", self.ime_state)
        w.u32_le("ImeConvMode", self.ime_conversion_mode)


@dataclass(frozen=True, slots=True)
class ServerStatusInfo:
    """MS-RDPBCGR 2.2.5.2 Server Status Info PDU."""

    status_code: StatusCode

    @classmethod
    def read(cls, r: Reader) -> Self:
        return cls(StatusCode(r.u32_le("statusCode")))

    def write(self, w: Writer) -> None:
        w.u32_le("statusCode", self.status_code)


@dataclass(frozen=True, slots=True)
class FrameAcknowledge:
    """MS-RDPRFX 2.2.3.1 TS_FRAME_ACKNOWLEDGE_PDU."""

    frame_id: int

    @classmethod
    def read(cls, r: Reader) -> Self:
        return cls(r.u32_le("frameID"))

    def write(self, w: Writer) -> None:
        w.u32_le("frameID", self.frame_id)
