"""The containers of the graphics pipeline: RDP_SEGMENTED_DATA, and the PDUs within (MS-RDPEGFX)."""

from dataclasses import dataclass
from typing import Final, Self

from pyrdpmux.codec.bulk.segments import COMPRESSED, SegmentedData
from pyrdpmux.codec.bulk.zgfx import ZgfxDecompressor
from pyrdpmux.errors import DecodeError
from pyrdpmux.wire import OpenIntEnum, Reader, Writer, decode

CHANNEL_NAME: Final = "Microsoft::Windows::RDS::Graphics"
HEADER_SIZE: Final = 8
#: One message of the server; the largest picture in one command has 132 MB and nobody sends it.
MAXIMUM_PDUS: Final = 100_000


class GraphicsCommand(OpenIntEnum):
    """cmdId of MS-RDPEGFX 2.2.1.5."""

    WIRE_TO_SURFACE_1 = 0x0001
    WIRE_TO_SURFACE_2 = 0x0002
    DELETE_ENCODING_CONTEXT = 0x0003
    SOLID_FILL = 0x0004
    SURFACE_TO_SURFACE = 0x0005
    SURFACE_TO_CACHE = 0x0006
    CACHE_TO_SURFACE = 0x0007
    EVICT_CACHE_ENTRY = 0x0008
    CREATE_SURFACE = 0x0009
    DELETE_SURFACE = 0x000A
    START_FRAME = 0x000B
    END_FRAME = 0x000C
    FRAME_ACKNOWLEDGE = 0x000D
    RESET_GRAPHICS = 0x000E
    MAP_SURFACE_TO_OUTPUT = 0x000F
    CACHE_IMPORT_OFFER = 0x0010
    CACHE_IMPORT_REPLY = 0x0011
    CAPS_ADVERTISE = 0x0012
    CAPS_CONFIRM = 0x0013
    MAP_SURFACE_TO_WINDOW = 0x0015
    QOE_FRAME_ACKNOWLEDGE = 0x0016
    MAP_SURFACE_TO_SCALED_OUTPUT = 0x0017
    MAP_SURFACE_TO_SCALED_WINDOW = 0x0018


@dataclass(frozen=True, slots=True)
class GraphicsPdu:
    """MS-RDPEGFX 2.2.1.5 RDPGFX_HEADER, and the message behind it as it is."""

    command: GraphicsCommand
    flags: int
    body: bytes

    @classmethod
    def read(cls, r: Reader) -> Self:
        command = GraphicsCommand(r.u16_le("cmdId"))
        flags = r.u16_le("flags")
        size = r.u32_le("pduLength")
        if size < HEADER_SIZE:
            raise r.error("pduLength", f"{size}, at least {HEADER_SIZE} expected")
        return cls(command, flags, r.raw("pduData", size - HEADER_SIZE))

    def write(self, w: Writer) -> None:
        w.u16_le("cmdId", self.command)
        w.u16_le("flags", self.flags)
        w.u32_le("pduLength", HEADER_SIZE + len(self.body))
        w.raw("pduData", self.body)


class GraphicsReader:
    """One graphics channel: what the server sends is compressed with one history, the client's is not."""

    def __init__(self) -> None:
        self._decompressor: ZgfxDecompressor | None = ZgfxDecompressor()

    def lose(self) -> None:
        """Segments are missing: the history never comes back."""
        self._decompressor = None

    def decompress(self, data: bytes) -> bytes:
        """The PDUs' bytes out of an RDP_SEGMENTED_DATA. Raises DecodeError."""
        if self._decompressor is None:
            return _without_history(data)
        try:
            return self._decompressor.decompress(data)
        except DecodeError:
            self.lose()
            raise


def _without_history(data: bytes) -> bytes:
    """Segments that are not compressed can be read at any time."""
    segments = decode(SegmentedData, data).segments
    if any(segment.header & COMPRESSED for segment in segments):
        raise DecodeError("RDP_SEGMENTED_DATA", "its history is not known behind what is missing", 0)
    return b"".join([segment.data for segment in segments])


def decode_graphics(data: bytes) -> tuple[GraphicsPdu, ...]:
    """The PDUs of a message that is not compressed. Raises DecodeError."""
    r = Reader(data, "Graphics")
    pdus: list[GraphicsPdu] = []
    while r.remaining:
        if len(pdus) >= MAXIMUM_PDUS:
            raise r.error("", f"more than {MAXIMUM_PDUS} PDUs in a message")
        pdus.append(r.structure(GraphicsPdu, f"pdu[{len(pdus)}]"))
    return tuple(pdus)
