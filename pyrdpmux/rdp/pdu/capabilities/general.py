"""Who the peer is, and what its bitmaps, fragments and surfaces may look like."""

from dataclasses import dataclass
from typing import ClassVar, Final, Self

from pyrdpmux.rdp.pdu.capabilities.types import CapabilitySetType
from pyrdpmux.wire import OpenIntEnum, OpenIntFlag, Reader, Writer

TS_CAPS_PROTOCOL_VERSION: Final = 0x0200


class OsMajorType(OpenIntEnum):
    """osMajorType of MS-RDPBCGR 2.2.7.1.1."""

    UNSPECIFIED = 0
    WINDOWS = 1
    OS2 = 2
    MACINTOSH = 3
    UNIX = 4
    IOS = 5
    OSX = 6
    ANDROID = 7
    CHROME_OS = 8


class OsMinorType(OpenIntEnum):
    """osMinorType of MS-RDPBCGR 2.2.7.1.1."""

    UNSPECIFIED = 0
    WINDOWS_31X = 1
    WINDOWS_95 = 2
    WINDOWS_NT = 3
    OS2_V21 = 4
    POWER_PC = 5
    MACINTOSH = 6
    NATIVE_XSERVER = 7
    PSEUDO_XSERVER = 8
    WINDOWS_RT = 9


class ExtraFlags(OpenIntFlag):
    """extraFlags of MS-RDPBCGR 2.2.7.1.1."""

    FASTPATH_OUTPUT_SUPPORTED = 0x0001
    LONG_CREDENTIALS_SUPPORTED = 0x0004
    AUTORECONNECT_SUPPORTED = 0x0008
    ENC_SALTED_CHECKSUM = 0x0010
    NO_BITMAP_COMPRESSION_HDR = 0x0400


class DrawingFlags(OpenIntFlag):
    """drawingFlags of MS-RDPBCGR 2.2.7.1.2."""

    ALLOW_DYNAMIC_COLOR_FIDELITY = 0x02
    ALLOW_COLOR_SUBSAMPLING = 0x04
    ALLOW_SKIP_ALPHA = 0x08
    UNUSED_FLAG = 0x10


class SurfaceCommandFlags(OpenIntFlag):
    """cmdFlags of MS-RDPBCGR 2.2.7.2.9."""

    SET_SURFACE_BITS = 0x00000002
    FRAME_MARKER = 0x00000010
    STREAM_SURFACE_BITS = 0x00000040


@dataclass(frozen=True, slots=True)
class GeneralCapability:
    """MS-RDPBCGR 2.2.7.1.1 General Capability Set (TS_GENERAL_CAPABILITYSET)."""

    TYPE: ClassVar[CapabilitySetType] = CapabilitySetType.GENERAL

    os_major_type: OsMajorType = OsMajorType.UNSPECIFIED
    os_minor_type: OsMinorType = OsMinorType.UNSPECIFIED
    extra_flags: ExtraFlags = ExtraFlags(0)
    refresh_rect_support: int = 0
    suppress_output_support: int = 0
    protocol_version: int = TS_CAPS_PROTOCOL_VERSION
    compression_types: int = 0
    update_capability_flag: int = 0
    remote_unshare_flag: int = 0
    compression_level: int = 0

    @classmethod
    def read(cls, r: Reader) -> Self:
        os_major_type = OsMajorType(r.u16_le("osMajorType"))
        os_minor_type = OsMinorType(r.u16_le("osMinorType"))
        protocol_version = r.u16_le("protocolVersion")
        r.pad("pad2octetsA", 2)
        compression_types = r.u16_le("compressionTypes")
        extra_flags = ExtraFlags(r.u16_le("extraFlags"))
        update_capability_flag = r.u16_le("updateCapabilityFlag")
        remote_unshare_flag = r.u16_le("remoteUnshareFlag")
        compression_level = r.u16_le("compressionLevel")
        refresh_rect_support = r.u8("refreshRectSupport")
        suppress_output_support = r.u8("suppressOutputSupport")
        return cls(
            os_major_type,
            os_minor_type,
            extra_flags,
            refresh_rect_support,
            suppress_output_support,
            protocol_version,
            compression_types,
            update_capability_flag,
            remote_unshare_flag,
            compression_level,
        )

    def write(self, w: Writer) -> None:
        w.u16_le("osMajorType", self.os_major_type)
        w.u16_le("osMinorType", self.os_minor_type)
        w.u16_le("protocolVersion", self.protocol_version)
        w.pad("pad2octetsA", 2)
        w.u16_le("compressionTypes", self.compression_types)
        w.u16_le("extraFlags", self.extra_flags)
        w.u16_le("updateCapabilityFlag", self.update_capability_flag)
        w.u16_le("remoteUnshareFlag", self.remote_unshare_flag)
        w.u16_le("compressionLevel", self.compression_level)
        w.u8("refreshRectSupport", self.refresh_rect_support)
        w.u8("suppressOutputSupport", self.suppress_output_support)


@dataclass(frozen=True, slots=True)
class BitmapCapability:
    """MS-RDPBCGR 2.2.7.1.2 Bitmap Capability Set (TS_BITMAP_CAPABILITYSET)."""

    TYPE: ClassVar[CapabilitySetType] = CapabilitySetType.BITMAP

    preferred_bits_per_pixel: int
    desktop_width: int
    desktop_height: int
    desktop_resize_flag: int = 1
    drawing_flags: DrawingFlags = DrawingFlags(0)
    receive_1_bit_per_pixel: int = 1
    receive_4_bits_per_pixel: int = 1
    receive_8_bits_per_pixel: int = 1
    bitmap_compression_flag: int = 1
    high_color_flags: int = 0
    multiple_rectangle_support: int = 1

    @classmethod
    def read(cls, r: Reader) -> Self:
        preferred_bits_per_pixel = r.u16_le("preferredBitsPerPixel")
        receive_1 = r.u16_le("receive1BitPerPixel")
        receive_4 = r.u16_le("receive4BitsPerPixel")
        receive_8 = r.u16_le("receive8BitsPerPixel")
        desktop_width = r.u16_le("desktopWidth")
        desktop_height = r.u16_le("desktopHeight")
        r.pad("pad2octets", 2)
        desktop_resize_flag = r.u16_le("desktopResizeFlag")
        bitmap_compression_flag = r.u16_le("bitmapCompressionFlag")
        high_color_flags = r.u8("highColorFlags")
        drawing_flags = DrawingFlags(r.u8("drawingFlags"))
        multiple_rectangle_support = r.u16_le("multipleRectangleSupport")
        r.pad("pad2octetsB", 2)
        return cls(
            preferred_bits_per_pixel,
            desktop_width,
            desktop_height,
            desktop_resize_flag,
            drawing_flags,
            receive_1,
            receive_4,
            receive_8,
            bitmap_compression_flag,
            high_color_flags,
            multiple_rectangle_support,
        )

    def write(self, w: Writer) -> None:
        w.u16_le("preferredBitsPerPixel", self.preferred_bits_per_pixel)
        w.u16_le("receive1BitPerPixel", self.receive_1_bit_per_pixel)
        w.u16_le("receive4BitsPerPixel", self.receive_4_bits_per_pixel)
        w.u16_le("receive8BitsPerPixel", self.receive_8_bits_per_pixel)
        w.u16_le("desktopWidth", self.desktop_width)
        w.u16_le("desktopHeight", self.desktop_height)
        w.pad("pad2octets", 2)
        w.u16_le("desktopResizeFlag", self.desktop_resize_flag)
        w.u16_le("bitmapCompressionFlag", self.bitmap_compression_flag)
        w.u8("highColorFlags", self.high_color_flags)
        w.u8("drawingFlags", self.drawing_flags)
        w.u16_le("multipleRectangleSupport", self.multiple_rectangle_support)
        w.pad("pad2octetsB", 2)


@dataclass(frozen=True, slots=True)
class MultifragmentUpdateCapability:
    """MS-RDPBCGR 2.2.7.2.6 Multifragment Update Capability Set (TS_MULTIFRAGMENTUPDATE_CAPABILITYSET)."""

    TYPE: ClassVar[CapabilitySetType] = CapabilitySetType.MULTIFRAGMENT_UPDATE

    max_request_size: int

    @classmethod
    def read(cls, r: Reader) -> Self:
        return cls(r.u32_le("MaxRequestSize"))

    def write(self, w: Writer) -> None:
        w.u32_le("MaxRequestSize", self.max_request_size)


@dataclass(frozen=True, slots=True)
class SurfaceCommandsCapability:
    """MS-RDPBCGR 2.2.7.2.9 Surface Commands Capability Set (TS_SURFCMDS_CAPABILITYSET)."""

    TYPE: ClassVar[CapabilitySetType] = CapabilitySetType.SURFACE_COMMANDS

    command_flags: SurfaceCommandFlags

    @classmethod
    def read(cls, r: Reader) -> Self:
        command_flags = SurfaceCommandFlags(r.u32_le("cmdFlags"))
        r.pad("reserved", 4)
        return cls(command_flags)

    def write(self, w: Writer) -> None:
        w.u32_le("cmdFlags", self.command_flags)
        w.pad("reserved", 4)


@dataclass(frozen=True, slots=True)
class FrameAcknowledgeCapability:
    """MS-RDPRFX 2.2.1.3 Frame Acknowledge Capability Set (TS_FRAME_ACKNOWLEDGE_CAPABILITYSET)."""

    TYPE: ClassVar[CapabilitySetType] = CapabilitySetType.FRAME_ACKNOWLEDGE

    max_unacknowledged_frame_count: int

    @classmethod
    def read(cls, r: Reader) -> Self:
        return cls(r.u32_le("maxUnacknowledgedFrameCount"))

    def write(self, w: Writer) -> None:
        w.u32_le("maxUnacknowledgedFrameCount", self.max_unacknowledged_frame_count)


@dataclass(frozen=True, slots=True)
class DesktopCompositionCapability:
    """MS-RDPBCGR 2.2.7.2.8 Desktop Composition Capability Set (TS_COMPDESK_CAPABILITYSET)."""

    TYPE: ClassVar[CapabilitySetType] = CapabilitySetType.DESKTOP_COMPOSITION

    support_level: int = 0

    @classmethod
    def read(cls, r: Reader) -> Self:
        return cls(r.u16_le("CompDeskSupportLevel"))

    def write(self, w: Writer) -> None:
        w.u16_le("CompDeskSupportLevel", self.support_level)
