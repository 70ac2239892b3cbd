"""General, bitmap, fragment, surface, frame and composition sets."""

from pyrdpmux.rdp.pdu.capabilities.general import (
    BitmapCapability,
    DesktopCompositionCapability,
    DrawingFlags,
    ExtraFlags,
    FrameAcknowledgeCapability,
    GeneralCapability,
    MultifragmentUpdateCapability,
    OsMajorType,
    OsMinorType,
    SurfaceCommandFlags,
    SurfaceCommandsCapability,
)
from tests.rdp.pdu.capabilities.sets import decode_capability, encode_capability
from tests.rdp.pdu.properties import property_tests, structure, u8, u16, u32
from tests.rows import Row, row_tests

ROWS = [
    Row(
        "general (Windows Server 2016, shared/vectors Example_1)",
        GeneralCapability(
            os_major_type=OsMajorType.WINDOWS,
            os_minor_type=OsMinorType.WINDOWS_NT,
            extra_flags=ExtraFlags.FASTPATH_OUTPUT_SUPPORTED
            | ExtraFlags.LONG_CREDENTIALS_SUPPORTED
            | ExtraFlags.AUTORECONNECT_SUPPORTED
            | ExtraFlags.ENC_SALTED_CHECKSUM
            | ExtraFlags.NO_BITMAP_COMPRESSION_HDR,
            refresh_rect_support=1,
            suppress_output_support=1,
        ),
        """0100  # capabilitySetType
           1800  # lengthCapability
           0100  # osMajorType
           0300  # osMinorType
           0002  # protocolVersion
           0000  # pad2octetsA
           0000  # compressionTypes
           1d04  # extraFlags
           0000  # updateCapabilityFlag
           0000  # remoteUnshareFlag
           0000  # compressionLevel
           01  # refreshRectSupport
           01  # suppressOutputSupport""",
        decode=decode_capability,
        encode=encode_capability,
    ),
    Row(
        "bitmap (Windows Server 2016, shared/vectors Example_1)",
        BitmapCapability(
            preferred_bits_per_pixel=32,
            desktop_width=1024,
            desktop_height=768,
            drawing_flags=DrawingFlags.ALLOW_DYNAMIC_COLOR_FIDELITY
            | DrawingFlags.ALLOW_COLOR_SUBSAMPLING
            | DrawingFlags.ALLOW_SKIP_ALPHA
            | DrawingFlags.UNUSED_FLAG,
        ),
        """0200  # capabilitySetType
           1c00  # lengthCapability
           2000  # preferredBitsPerPixel
           0100  # receive1BitPerPixel
           0100  # receive4BitsPerPixel
           0100  # receive8BitsPerPixel
           0004  # desktopWidth
           0003  # desktopHeight
           0000  # pad2octets
           0100  # desktopResizeFlag
           0100  # bitmapCompressionFlag
           00  # highColorFlags
           1e  # drawingFlags
           0100  # multipleRectangleSupport
           0000  # pad2octetsB""",
        decode=decode_capability,
        encode=encode_capability,
    ),
    Row(
        "multifragment update (Windows Server 2016, shared/vectors Example_1)",
        MultifragmentUpdateCapability(max_request_size=38055),
        """1a00  # capabilitySetType
           0800  # lengthCapability
           a7940000  # MaxRequestSize""",
        decode=decode_capability,
        encode=encode_capability,
    ),
    Row(
        "surface commands (Windows Server 2016, shared/vectors Example_1)",
        SurfaceCommandsCapability(
            command_flags=SurfaceCommandFlags.SET_SURFACE_BITS
            | SurfaceCommandFlags.FRAME_MARKER
            | SurfaceCommandFlags.STREAM_SURFACE_BITS
        ),
        """1c00  # capabilitySetType
           0c00  # lengthCapability
           52000000  # cmdFlags
           00000000  # reserved""",
        decode=decode_capability,
        encode=encode_capability,
    ),
    Row(
        "frame acknowledge (Windows Server 2016, shared/vectors Example_1)",
        FrameAcknowledgeCapability(max_unacknowledged_frame_count=0),
        """1e00  # capabilitySetType
           0800  # lengthCapability
           00000000  # maxUnacknowledgedFrameCount""",
        decode=decode_capability,
        encode=encode_capability,
    ),
    Row(
        "general (mstsc, shared/vectors Example_1)",
        GeneralCapability(
            os_major_type=OsMajorType.WINDOWS,
            os_minor_type=OsMinorType.WINDOWS_NT,
            extra_flags=ExtraFlags.FASTPATH_OUTPUT_SUPPORTED
            | ExtraFlags.LONG_CREDENTIALS_SUPPORTED
            | ExtraFlags.AUTORECONNECT_SUPPORTED
            | ExtraFlags.ENC_SALTED_CHECKSUM
            | ExtraFlags.NO_BITMAP_COMPRESSION_HDR,
        ),
        """0100  # capabilitySetType
           1800  # lengthCapability
           0100  # osMajorType
           0300  # osMinorType
           0002  # protocolVersion
           0000  # pad2octetsA
           0000  # compressionTypes
           1d04  # extraFlags
           0000  # updateCapabilityFlag
           0000  # remoteUnshareFlag
           0000  # compressionLevel
           00  # refreshRectSupport
           00  # suppressOutputSupport""",
        decode=decode_capability,
        encode=encode_capability,
    ),
    Row(
        "bitmap (mstsc, shared/vectors Example_1)",
        BitmapCapability(
            preferred_bits_per_pixel=32,
            desktop_width=1024,
            desktop_height=768,
            drawing_flags=DrawingFlags.ALLOW_DYNAMIC_COLOR_FIDELITY
            | DrawingFlags.ALLOW_SKIP_ALPHA
            | DrawingFlags.UNUSED_FLAG,
        ),
        """0200  # capabilitySetType
           1c00  # lengthCapability
           2000  # preferredBitsPerPixel
           0100  # receive1BitPerPixel
           0100  # receive4BitsPerPixel
           0100  # receive8BitsPerPixel
           0004  # desktopWidth
           0003  # desktopHeight
           0000  # pad2octets
           0100  # desktopResizeFlag
           0100  # bitmapCompressionFlag
           00  # highColorFlags
           1a  # drawingFlags
           0100  # multipleRectangleSupport
           0000  # pad2octetsB""",
        decode=decode_capability,
        encode=encode_capability,
    ),
    Row(
        "multifragment update (mstsc, shared/vectors Example_1)",
        MultifragmentUpdateCapability(max_request_size=38055),
        """1a00  # capabilitySetType
           0800  # lengthCapability
           a7940000  # MaxRequestSize""",
        decode=decode_capability,
        encode=encode_capability,
    ),
    Row(
        "surface commands (mstsc, shared/vectors Example_1)",
        SurfaceCommandsCapability(
            command_flags=SurfaceCommandFlags.SET_SURFACE_BITS
            | SurfaceCommandFlags.FRAME_MARKER
            | SurfaceCommandFlags.STREAM_SURFACE_BITS
        ),
        """1c00  # capabilitySetType
           0c00  # lengthCapability
           52000000  # cmdFlags
           00000000  # reserved""",
        decode=decode_capability,
        encode=encode_capability,
    ),
    Row(
        "frame acknowledge (mstsc, shared/vectors Example_1)",
        FrameAcknowledgeCapability(max_unacknowledged_frame_count=2),
        """1e00  # capabilitySetType
           0800  # lengthCapability
           02000000  # maxUnacknowledgedFrameCount""",
        decode=decode_capability,
        encode=encode_capability,
    ),
]

TestRows = row_tests(ROWS)

CASES = {
    "general": structure(
        GeneralCapability,
        u16.map(OsMajorType),
        u16.map(OsMinorType),
        u16.map(ExtraFlags),
        u8,
        u8,
        u16,
        u16,
        u16,
        u16,
        u16,
    ),
    "bitmap": structure(
        BitmapCapability, u16, u16, u16, u16, u8.map(DrawingFlags), u16, u16, u16, u16, u8, u16
    ),
    "fragments": structure(MultifragmentUpdateCapability, u32),
    "surface": structure(SurfaceCommandsCapability, u32.map(SurfaceCommandFlags)),
    "frame": structure(FrameAcknowledgeCapability, u32),
    "composition": structure(DesktopCompositionCapability, u16),
}

TestProperties = property_tests(CASES)


def test_unknown_flags_and_platforms_survive() -> None:
    general = GeneralCapability(OsMajorType(77), OsMinorType(78), ExtraFlags(0x8000))
    assert decode_capability(encode_capability(general)) == general
    assert not OsMajorType(77).is_known
