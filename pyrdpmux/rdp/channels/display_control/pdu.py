"""The two messages of Display Control, on a dynamic channel of this name."""

from dataclasses import dataclass
from typing import Final, Self

from pyrdpmux.errors import DecodeError
from pyrdpmux.wire import OpenIntEnum, OpenIntFlag, Reader, Writer, decode

#: MS-RDPEDISP 2.1
CHANNEL_NAME: Final = "Microsoft::Windows::RDS::DisplayControl"
HEADER_SIZE: Final = 8
#: 2.2.2.2: MonitorLayoutSize
MONITOR_SIZE: Final = 40
#: of one layout, as of the Client Monitor Data (MS-RDPBCGR 2.2.1.3.6)
MAX_MONITORS: Final = 16


class DisplayControlType(OpenIntEnum):
    """Type of MS-RDPEDISP 2.2.1.1."""

    MONITOR_LAYOUT = 0x00000002
    CAPS = 0x00000005


class MonitorFlags(OpenIntFlag):
    """Flags of MS-RDPEDISP 2.2.2.2.1."""

    PRIMARY = 0x00000001


def _read_header(r: Reader, kind: DisplayControlType) -> None:
    number = r.u32_le("Header.Type")
    if number != kind:
        raise r.error("Header.Type", f"{number:#x}, expected {int(kind):#x}")
    length = r.u32_le("Header.Length")
    if length != r.remaining + HEADER_SIZE:
        raise r.error("Header.Length", f"{length}, expected {r.remaining + HEADER_SIZE}")


@dataclass(frozen=True, slots=True)
class Capabilities:
    """MS-RDPEDISP 2.2.2.1 DISPLAYCONTROL_CAPS_PDU, from the server."""

    max_monitors: int
    max_area_factor_a: int
    max_area_factor_b: int

    @property
    def max_area(self) -> int:
        """Square pixels of all monitors together."""
        return self.max_monitors * self.max_area_factor_a * self.max_area_factor_b

    @classmethod
    def read(cls, r: Reader) -> Self:
        _read_header(r, DisplayControlType.CAPS)
        return cls(
            r.u32_le("MaxNumMonitors"), r.u32_le("MaxMonitorAreaFactorA"), r.u32_le("MaxMonitorAreaFactorB")
        )

    def write(self, w: Writer) -> None:
        w.u32_le("Header.Type", DisplayControlType.CAPS)
        with w.length_u32_le("Header.Length", extra=HEADER_SIZE):
            w.u32_le("MaxNumMonitors", self.max_monitors)
            w.u32_le("MaxMonitorAreaFactorA", self.max_area_factor_a)
            w.u32_le("MaxMonitorAreaFactorB", self.max_area_factor_b)


@dataclass(frozen=True, slots=True, kw_only=True)
class Monitor:
    """MS-RDPEDISP 2.2.2.2.1 DISPLAYCONTROL_MONITOR_LAYOUT, as it is on the wire.

    Sizes and positions in pixels, physical sizes in millimeters, scale factors in percent.
    """

    flags: MonitorFlags = MonitorFlags.PRIMARY
    left: int = 0
    top: int = 0
    width: int
    height: int
    physical_width: int = 0
    physical_height: int = 0
    orientation: int = 0
    desktop_scale_factor: int = 100
    device_scale_factor: int = 100

    @classmethod
    def read(cls, r: Reader) -> Self:
        return cls(
            flags=MonitorFlags(r.u32_le("Flags")),
            left=r.i32_le("Left"),
            top=r.i32_le("Top"),
            width=r.u32_le("Width"),
            height=r.u32_le("Height"),
            physical_width=r.u32_le("PhysicalWidth"),
            physical_height=r.u32_le("PhysicalHeight"),
            orientation=r.u32_le("Orientation"),
            desktop_scale_factor=r.u32_le("DesktopScaleFactor"),
            device_scale_factor=r.u32_le("DeviceScaleFactor"),
        )

    def write(self, w: Writer) -> None:
        w.u32_le("Flags", self.flags)
        w.i32_le("Left", self.left)
        w.i32_le("Top", self.top)
        w.u32_le("Width", self.width)
        w.u32_le("Height", self.height)
        w.u32_le("PhysicalWidth", self.physical_width)
        w.u32_le("PhysicalHeight", self.physical_height)
        w.u32_le("Orientation", self.orientation)
        w.u32_le("DesktopScaleFactor", self.desktop_scale_factor)
        w.u32_le("DeviceScaleFactor", self.device_scale_factor)


@dataclass(frozen=True, slots=True)
class MonitorLayout:
    """MS-RDPEDISP 2.2.2.2 DISPLAYCONTROL_MONITOR_LAYOUT_PDU, from the client."""

    monitors: tuple[Monitor, ...]

    @classmethod
    def read(cls, r: Reader) -> Self:
        _read_header(r, DisplayControlType.MONITOR_LAYOUT)
        size = r.u32_le("MonitorLayoutSize")
        if size != MONITOR_SIZE:
            raise r.error("MonitorLayoutSize", f"{size}, expected {MONITOR_SIZE}")
        count = r.u32_le("NumMonitors")
        if count > MAX_MONITORS:
            raise r.error("NumMonitors", f"{count}, at most {MAX_MONITORS} allowed")
        return cls(r.items(Monitor, "Monitors", count))

    def write(self, w: Writer) -> None:
        w.u32_le("Header.Type", DisplayControlType.MONITOR_LAYOUT)
        with w.length_u32_le("Header.Length", extra=HEADER_SIZE):
            w.u32_le("MonitorLayoutSize", MONITOR_SIZE)
            w.u32_le("NumMonitors", len(self.monitors))
            w.items(self.monitors, "Monitors")


DISPLAY_CONTROL_TYPES: Final[dict[int, type[Capabilities | MonitorLayout]]] = {
    DisplayControlType.CAPS: Capabilities,
    DisplayControlType.MONITOR_LAYOUT: MonitorLayout,
}


def decode_display_control(data: bytes) -> Capabilities | MonitorLayout:
    """One message of the channel. Raises DecodeError."""
    cls = DISPLAY_CONTROL_TYPES.get(data[0]) if data[1:4] == bytes(3) else None
    if cls is None:
        raise DecodeError("DisplayControl.Header.Type", f"unknown PDU {data[:4].hex()}", 0)
    return decode(cls, data)
