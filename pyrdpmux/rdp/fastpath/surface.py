"""Surface commands: encoded bitmaps for codecs other than the two of bitmap updates, and frame markers."""

from dataclasses import dataclass
from typing import ClassVar, Final, Self

from pyrdpmux.geometry import Rect
from pyrdpmux.wire import Block, OpenIntEnum, OpenIntFlag, Reader, Writer

#: Servers send a handful: frame begin, bitmaps, frame end.
MAX_SURFACE_COMMANDS: Final = 4096


class CommandType(OpenIntEnum):
    """cmdType of MS-RDPBCGR 2.2.9.1.2.1.10.1."""

    SET_SURFACE_BITS = 0x0001
    FRAME_MARKER = 0x0004
    STREAM_SURFACE_BITS = 0x0006


class BitmapDataExFlags(OpenIntFlag):
    """flags of MS-RDPBCGR 2.2.9.2.1.1."""

    COMPRESSED_BITMAP_HEADER_PRESENT = 0x01


class FrameAction(OpenIntEnum):
    """frameAction of MS-RDPBCGR 2.2.9.2.3."""

    BEGIN = 0x0000
    END = 0x0001


@dataclass(frozen=True, slots=True)
class ExtendedCompressedBitmapHeader:
    """MS-RDPBCGR 2.2.9.2.1.1.1 Extended Compressed Bitmap Header (TS_COMPRESSED_BITMAP_HEADER_EX)."""

    high_unique_id: int
    low_unique_id: int
    milliseconds: int
    seconds: int

    @classmethod
    def read(cls, r: Reader) -> Self:
        high, low = r.u32_le("highUniqueId"), r.u32_le("lowUniqueId")
        return cls(high, low, r.u64_le("tmMilliseconds"), r.u64_le("tmSeconds"))

    def write(self, w: Writer) -> None:
        w.u32_le("highUniqueId", self.high_unique_id)
        w.u32_le("lowUniqueId", self.low_unique_id)
        w.u64_le("tmMilliseconds", self.milliseconds)
        w.u64_le("tmSeconds", self.seconds)


_BITMAP_DATA_EX = Block(
    bpp="u8", flags="u8", reserved="u8", codecID="u8", width="u16", height="u16", bitmapDataLength="u32"
)


@dataclass(frozen=True, slots=True)
class ExtendedBitmapData:
    """MS-RDPBCGR 2.2.9.2.1.1 Extended Bitmap Data (TS_BITMAP_DATA_EX); codec 0 means plain pixels."""

    bits_per_pixel: int
    codec_id: int
    width: int
    height: int
    data: bytes
    flags: BitmapDataExFlags = BitmapDataExFlags(0)
    header: ExtendedCompressedBitmapHeader | None = None

    @classmethod
    def read(cls, r: Reader) -> Self:
        depth, raw_flags, _reserved, codec_id, width, height, size = r.block(_BITMAP_DATA_EX)
        flags = BitmapDataExFlags(raw_flags)
        header = None
        if flags & BitmapDataExFlags.COMPRESSED_BITMAP_HEADER_PRESENT:
            header = r.structure(ExtendedCompressedBitmapHeader, "exBitmapDataHeader")
        return cls(depth, codec_id, width, height, r.raw("bitmapData", size), flags, header)

    def write(self, w: Writer) -> None:
        has_header = bool(self.flags & BitmapDataExFlags.COMPRESSED_BITMAP_HEADER_PRESENT)
        if has_header != (self.header is not None):
            raise w.error("exBitmapDataHeader", f"present: {not has_header}, with flags {self.flags!r}")
        w.block(
            _BITMAP_DATA_EX,
            self.bits_per_pixel,
            self.flags,
            0,
            self.codec_id,
            self.width,
            self.height,
            len(self.data),
        )
        if self.header is not None:
            w.structure(self.header, "exBitmapDataHeader")
        w.raw("bitmapData", self.data)


@dataclass(frozen=True, slots=True)
class SetSurfaceBits:
    """MS-RDPBCGR 2.2.9.2.1 Set Surface Bits Command (TS_SURFCMD_SET_SURF_BITS).

    ``right`` and ``bottom`` are exclusive here, unlike in a bitmap update.
    """

    TYPE: ClassVar = CommandType.SET_SURFACE_BITS

    left: int
    top: int
    right: int
    bottom: int
    bitmap: ExtendedBitmapData

    @property
    def rect(self) -> Rect:
        return Rect.from_corners(self.left, self.top, self.right, self.bottom)

    @classmethod
    def read(cls, r: Reader) -> Self:
        left, top = r.u16_le("destLeft"), r.u16_le("destTop")
        right, bottom = r.u16_le("destRight"), r.u16_le("destBottom")
        return cls(left, top, right, bottom, r.structure(ExtendedBitmapData, "bitmapData"))

    def write(self, w: Writer) -> None:
        w.u16_le("destLeft", self.left)
        w.u16_le("destTop", self.top)
        w.u16_le("destRight", self.right)
        w.u16_le("destBottom", self.bottom)
        w.structure(self.bitmap, "bitmapData")


@dataclass(frozen=True, slots=True)
class StreamSurfaceBits:
    """MS-RDPBCGR 2.2.9.2.2 Stream Surface Bits Command (TS_SURFCMD_STREAM_SURF_BITS)."""

    TYPE: ClassVar = CommandType.STREAM_SURFACE_BITS

    left: int
    top: int
    right: int
    bottom: int
    bitmap: ExtendedBitmapData

    @property
    def rect(self) -> Rect:
        return Rect.from_corners(self.left, self.top, self.right, self.bottom)

    @classmethod
    def read(cls, r: Reader) -> Self:
        left, top = r.u16_le("destLeft"), r.u16_le("destTop")
        right, bottom = r.u16_le("destRight"), r.u16_le("destBottom")
        return cls(left, top, right, bottom, r.structure(ExtendedBitmapData, "bitmapData"))

    def write(self, w: Writer) -> None:
        w.u16_le("destLeft", self.left)
        w.u16_le("destTop", self.top)
        w.u16_le("destRight", self.right)
        w.u16_le("destBottom", self.bottom)
        w.structure(self.bitmap, "bitmapData")


@dataclass(frozen=True, slots=True)
class FrameMarker:
    """MS-RDPBCGR 2.2.9.2.3 Frame Marker Command (TS_FRAME_MARKER)."""

    TYPE: ClassVar = CommandType.FRAME_MARKER

    frame_action: FrameAction
    frame_id: int

    @classmethod
    def read(cls, r: Reader) -> Self:
        return cls(FrameAction(r.u16_le("frameAction")), r.u32_le("frameId"))

    def write(self, w: Writer) -> None:
        w.u16_le("frameAction", self.frame_action)
        w.u32_le("frameId", self.frame_id)


@dataclass(frozen=True, slots=True)
class UnknownSurfaceCommand:
    """MS-RDPBCGR 2.2.9.1.2.1.10.1 Surface Command of an unknown type, and all that follows it.

    A command's length is known only from its type, so the rest of the update cannot be told apart.
    """

    command_type: CommandType
    data: bytes


SurfaceCommand = SetSurfaceBits | StreamSurfaceBits | FrameMarker

COMMAND_TYPES: Final[dict[CommandType, type[SurfaceCommand]]] = {
    cls.TYPE: cls for cls in (SetSurfaceBits, StreamSurfaceBits, FrameMarker)
}


def _read_command(r: Reader) -> SurfaceCommand | UnknownSurfaceCommand:
    command_type = CommandType(r.u16_le("cmdType"))
    cls = COMMAND_TYPES.get(command_type)
    return cls.read(r) if cls else UnknownSurfaceCommand(command_type, r.rest("cmdData"))


FRAME_MARKER_SIZE: Final = 8
SURFACE_BITS_HEADER_SIZE: Final = 10 + _BITMAP_DATA_EX.size
EXTENDED_HEADER_SIZE: Final = 24


def command_size(command: SurfaceCommand) -> int:
    """Bytes that a command takes in an update, its type included."""
    if isinstance(command, FrameMarker):
        return FRAME_MARKER_SIZE
    bitmap = command.bitmap
    extended = EXTENDED_HEADER_SIZE if bitmap.header is not None else 0
    return SURFACE_BITS_HEADER_SIZE + extended + len(bitmap.data)


@dataclass(frozen=True, slots=True)
class SurfaceCommands:
    """MS-RDPBCGR 2.2.9.1.2.1.10 Fast-Path Surface Commands Update (TS_FP_SURFCMDS)."""

    commands: tuple[SurfaceCommand | UnknownSurfaceCommand, ...]

    @classmethod
    def read(cls, r: Reader) -> Self:
        commands: list[SurfaceCommand | UnknownSurfaceCommand] = []
        while r.remaining:
            if len(commands) == MAX_SURFACE_COMMANDS:
                raise r.error("surfaceCommands", f"more than {MAX_SURFACE_COMMANDS} commands")
            commands.append(_read_command(r))
        return cls(tuple(commands))

    def write(self, w: Writer) -> None:
        for command in self.commands:
            if isinstance(command, UnknownSurfaceCommand):
                w.u16_le("cmdType", command.command_type)
                w.raw("cmdData", command.data)
            else:
                w.u16_le("cmdType", command.TYPE)
                command.write(w)
