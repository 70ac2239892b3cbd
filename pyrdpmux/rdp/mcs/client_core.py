"""Client Core Data (MS-RDPBCGR 2.2.1.3.2), the largest of the client's settings blocks."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Final, Self, TypeVar

from pyrdpmux.rdp.x224.negotiation import SecurityProtocol
from pyrdpmux.wire import OpenIntEnum, OpenIntFlag, Reader, Writer

CLIENT_NAME_SIZE: Final = 32
IME_FILE_NAME_SIZE: Final = 64
DIG_PRODUCT_ID_SIZE: Final = 64

R = TypeVar("R")
T = TypeVar("T")


class Version(OpenIntEnum):
    """version of MS-RDPBCGR 2.2.1.3.2 and 2.2.1.4.2."""

    RDP_4_0 = 0x00080001
    RDP_5_0 = 0x00080004
    RDP_10_0 = 0x00080005
    RDP_10_1 = 0x00080006
    RDP_10_2 = 0x00080007
    RDP_10_3 = 0x00080008
    RDP_10_4 = 0x00080009
    RDP_10_5 = 0x0008000A
    RDP_10_6 = 0x0008000B
    RDP_10_7 = 0x0008000C
    RDP_10_8 = 0x0008000D
    RDP_10_9 = 0x0008000E
    RDP_10_10 = 0x0008000F
    RDP_10_11 = 0x00080010
    RDP_10_12 = 0x00080011


class ColorDepth(OpenIntEnum):
    """colorDepth and postBeta2ColorDepth of MS-RDPBCGR 2.2.1.3.2."""

    BPP_4 = 0xCA00
    BPP_8 = 0xCA01
    BPP_16_555 = 0xCA02
    BPP_16_565 = 0xCA03
    BPP_24 = 0xCA04


class HighColorDepth(OpenIntEnum):
    """highColorDepth of MS-RDPBCGR 2.2.1.3.2; 32 bpp are asked for with WANT_32BPP_SESSION instead."""

    BPP_4 = 4
    BPP_8 = 8
    BPP_15 = 15
    BPP_16 = 16
    BPP_24 = 24


class SupportedColorDepths(OpenIntFlag):
    """supportedColorDepths of MS-RDPBCGR 2.2.1.3.2."""

    BPP_24 = 0x0001
    BPP_16 = 0x0002
    BPP_15 = 0x0004
    BPP_32 = 0x0008


class ClientEarlyCapabilityFlags(OpenIntFlag):
    """earlyCapabilityFlags of MS-RDPBCGR 2.2.1.3.2."""

    SUPPORT_ERRINFO_PDU = 0x0001
    WANT_32BPP_SESSION = 0x0002
    SUPPORT_STATUSINFO_PDU = 0x0004
    STRONG_ASYMMETRIC_KEYS = 0x0008
    RELATIVE_MOUSE_INPUT = 0x0010
    VALID_CONNECTION_TYPE = 0x0020
    SUPPORT_MONITOR_LAYOUT_PDU = 0x0040
    SUPPORT_NETCHAR_AUTODETECT = 0x0080
    SUPPORT_DYNVC_GFX_PROTOCOL = 0x0100
    SUPPORT_DYNAMIC_TIME_ZONE = 0x0200
    SUPPORT_HEARTBEAT_PDU = 0x0400
    SUPPORT_SKIP_CHANNELJOIN = 0x0800


class ConnectionType(OpenIntEnum):
    """connectionType of MS-RDPBCGR 2.2.1.3.2, valid only with VALID_CONNECTION_TYPE."""

    MODEM = 1
    BROADBAND_LOW = 2
    SATELLITE = 3
    BROADBAND_HIGH = 4
    WAN = 5
    LAN = 6
    AUTODETECT = 7


class KeyboardType(OpenIntEnum):
    """keyboardType of MS-RDPBCGR 2.2.1.3.2."""

    IBM_PC_XT = 1
    OLIVETTI_ICO = 2
    IBM_PC_AT = 3
    IBM_ENHANCED = 4
    NOKIA_1050 = 5
    NOKIA_9140 = 6
    JAPANESE = 7
    KOREAN = 8


class Orientation(OpenIntEnum):
    """desktopOrientation and orientation of MS-RDPBCGR 2.2.1.3.2 and 2.2.1.3.10.1: degrees clockwise."""

    LANDSCAPE = 0
    PORTRAIT = 90
    LANDSCAPE_FLIPPED = 180
    PORTRAIT_FLIPPED = 270


def _optional(r: Reader, read: Callable[[str], R], field: str, kind: Callable[[R], T]) -> T | None:
    """A field of a tail that may end before any field, as a value of this kind."""
    return kind(read(field)) if r.remaining else None


def _read_connection_type(r: Reader) -> ConnectionType | None:
    """It, and the padding byte that follows it."""
    connection_type = _optional(r, r.u8, "connectionType", ConnectionType)
    if r.remaining:
        r.pad("pad1octet", 1)
    return connection_type


class _TailWriter:
    """The writing side of such a tail: after a field that is None there may be no others."""

    def __init__(self, w: Writer) -> None:
        self._w = w
        self._absent = ""

    def put(self, put: Callable[[str, T], None], field: str, value: T | None) -> None:
        if value is None:
            self._absent = self._absent or field
        elif self._absent:
            raise self._w.error(field, f"present although {self._absent} is absent")
        else:
            put(field, value)


@dataclass(frozen=True, slots=True)
class ClientCoreData:
    """MS-RDPBCGR 2.2.1.3.2 Client Core Data (TS_UD_CS_CORE).

    From ``post_beta2_color_depth`` on each field may be absent, and all that follow it are absent then.
    ``extension`` is what a newer client sends behind the fields we know.
    """

    TYPE: ClassVar[int] = 0xC001

    desktop_width: int
    desktop_height: int
    version: Version = Version.RDP_10_7
    color_depth: ColorDepth = ColorDepth.BPP_8
    sas_sequence: int = 0xAA03
    keyboard_layout: int = 0x0409
    client_build: int = 0
    client_name: str = ""
    keyboard_type: KeyboardType = KeyboardType.IBM_ENHANCED
    keyboard_sub_type: int = 0
    keyboard_function_key: int = 12
    ime_file_name: str = ""
    post_beta2_color_depth: ColorDepth | None = None
    client_product_id: int | None = None
    serial_number: int | None = None
    high_color_depth: HighColorDepth | None = None
    supported_color_depths: SupportedColorDepths | None = None
    early_capability_flags: ClientEarlyCapabilityFlags | None = None
    client_dig_product_id: str | None = None
    connection_type: ConnectionType | None = None
    server_selected_protocol: SecurityProtocol | None = None
    desktop_physical_width: int | None = None
    desktop_physical_height: int | None = None
    desktop_orientation: Orientation | None = None
    desktop_scale_factor: int | None = None
    device_scale_factor: int | None = None
    extension: bytes = b""

    @classmethod
    def read(cls, r: Reader) -> Self:
        return cls(
            version=Version(r.u32_le("version")),
            desktop_width=r.u16_le("desktopWidth"),
            desktop_height=r.u16_le("desktopHeight"),
            color_depth=ColorDepth(r.u16_le("colorDepth")),
            sas_sequence=r.u16_le("SASSequence"),
            keyboard_layout=r.u32_le("keyboardLayout"),
            client_build=r.u32_le("clientBuild"),
            client_name=r.utf16_padded("clientName", CLIENT_NAME_SIZE),
            keyboard_type=KeyboardType(r.u32_le("keyboardType")),
            keyboard_sub_type=r.u32_le("keyboardSubType"),
            keyboard_function_key=r.u32_le("keyboardFunctionKey"),
            ime_file_name=r.utf16_padded("imeFileName", IME_FILE_NAME_SIZE),
            post_beta2_color_depth=_optional(r, r.u16_le, "postBeta2ColorDepth", ColorDepth),
            client_product_id=_optional(r, r.u16_le, "clientProductId", int),
            serial_number=_optional(r, r.u32_le, "serialNumber", int),
            high_color_depth=_optional(r, r.u16_le, "highColorDepth", HighColorDepth),
            supported_color_depths=_optional(r, r.u16_le, "supportedColorDepths", SupportedColorDepths),
            early_capability_flags=_optional(r, r.u16_le, "earlyCapabilityFlags", ClientEarlyCapabilityFlags),
            client_dig_product_id=_optional(
                r, lambda field: r.utf16_padded(field, DIG_PRODUCT_ID_SIZE), "clientDigProductId", str
            ),
            connection_type=_read_connection_type(r),
            server_selected_protocol=_optional(r, r.u32_le, "serverSelectedProtocol", SecurityProtocol),
            desktop_physical_width=_optional(r, r.u32_le, "desktopPhysicalWidth", int),
            desktop_physical_height=_optional(r, r.u32_le, "desktopPhysicalHeight", int),
            desktop_orientation=_optional(r, r.u16_le, "desktopOrientation", Orientation),
            desktop_scale_factor=_optional(r, r.u32_le, "desktopScaleFactor", int),
            device_scale_factor=_optional(r, r.u32_le, "deviceScaleFactor", int),
            extension=r.rest("extension"),
        )

    def write(self, w: Writer) -> None:
        w.u32_le("version", self.version)
        w.u16_le("desktopWidth", self.desktop_width)
        w.u16_le("desktopHeight", self.desktop_height)
        w.u16_le("colorDepth", self.color_depth)
        w.u16_le("SASSequence", self.sas_sequence)
        w.u32_le("keyboardLayout", self.keyboard_layout)
        w.u32_le("clientBuild", self.client_build)
        w.utf16_padded("clientName", self.client_name, CLIENT_NAME_SIZE)
        w.u32_le("keyboardType", self.keyboard_type)
        w.u32_le("keyboardSubType", self.keyboard_sub_type)
        w.u32_le("keyboardFunctionKey", self.keyboard_function_key)
        w.utf16_padded("imeFileName", self.ime_file_name, IME_FILE_NAME_SIZE)
        self._write_tail(w, _TailWriter(w))

    def _write_tail(self, w: Writer, tail: _TailWriter) -> None:
        tail.put(w.u16_le, "postBeta2ColorDepth", self.post_beta2_color_depth)
        tail.put(w.u16_le, "clientProductId", self.client_product_id)
        tail.put(w.u32_le, "serialNumber", self.serial_number)
        tail.put(w.u16_le, "highColorDepth", self.high_color_depth)
        tail.put(w.u16_le, "supportedColorDepths", self.supported_color_depths)
        tail.put(w.u16_le, "earlyCapabilityFlags", self.early_capability_flags)
        tail.put(
            lambda field, text: w.utf16_padded(field, text, DIG_PRODUCT_ID_SIZE),
            "clientDigProductId",
            self.client_dig_product_id,
        )
        tail.put(w.u8, "connectionType", self.connection_type)
        tail.put(w.u8, "pad1octet", None if self.connection_type is None else 0)
        tail.put(w.u32_le, "serverSelectedProtocol", self.server_selected_protocol)
        tail.put(w.u32_le, "desktopPhysicalWidth", self.desktop_physical_width)
        tail.put(w.u32_le, "desktopPhysicalHeight", self.desktop_physical_height)
        tail.put(w.u16_le, "desktopOrientation", self.desktop_orientation)
        tail.put(w.u32_le, "desktopScaleFactor", self.desktop_scale_factor)
        tail.put(w.u32_le, "deviceScaleFactor", self.device_scale_factor)
        tail.put(w.raw, "extension", self.extension or None)
