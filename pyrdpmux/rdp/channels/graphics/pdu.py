"""All messages of the graphics pipeline, and a run of them as one buffer (MS-RDPEGFX 2.2.2).

What the client sends is such a buffer; what the server sends is one within an RDP_SEGMENTED_DATA (2.2.5, see
``segments.py`` beside this).
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, Self

from pyrdpmux.rdp.channels.graphics.cache import (
    CacheImportOffer,
    CacheImportReply,
    CacheToSurface,
    EvictCacheEntry,
    SurfaceToCache,
)
from pyrdpmux.rdp.channels.graphics.capabilities import CapsAdvertise, CapsConfirm
from pyrdpmux.rdp.channels.graphics.drawing import (
    DeleteEncodingContext,
    SolidFill,
    SurfaceToSurface,
    WireToSurface1,
    WireToSurface2,
)
from pyrdpmux.rdp.channels.graphics.frames import EndFrame, FrameAcknowledge, QoeFrameAcknowledge, StartFrame
from pyrdpmux.rdp.channels.graphics.header import HEADER_SIZE, GraphicsCommand, read_length
from pyrdpmux.rdp.channels.graphics.surfaces import (
    CreateSurface,
    DeleteSurface,
    MapSurfaceToOutput,
    MapSurfaceToScaledOutput,
    MapSurfaceToScaledWindow,
    MapSurfaceToWindow,
    ResetGraphics,
)
from pyrdpmux.wire import Reader, Writer

#: of one buffer: an 8K screen has 32,640 tiles of 32x32
MAX_PDUS: Final = 100_000


@dataclass(frozen=True, slots=True)
class UnknownGraphics:
    """MS-RDPEGFX 2.2.1.5 RDPGFX_HEADER, and what follows it as it is: a command that is not specified."""

    command: GraphicsCommand
    data: bytes = field(repr=False)
    flags: int = 0

    @classmethod
    def read(cls, r: Reader) -> Self:
        command, flags = GraphicsCommand(r.u16_le("header.cmdId")), r.u16_le("header.flags")
        return cls(command, r.payload("body", read_length(r)), flags)

    def write(self, w: Writer) -> None:
        w.u16_le("header.cmdId", self.command)
        w.u16_le("header.flags", self.flags)
        w.u32_le("header.pduLength", HEADER_SIZE + len(self.data))
        w.raw("body", self.data)


#: those that a client sends
ClientGraphics = CapsAdvertise | FrameAcknowledge | QoeFrameAcknowledge | CacheImportOffer
#: those that a server sends
ServerGraphics = (
    CapsConfirm
    | ResetGraphics
    | CreateSurface
    | DeleteSurface
    | MapSurfaceToOutput
    | MapSurfaceToScaledOutput
    | MapSurfaceToWindow
    | MapSurfaceToScaledWindow
    | StartFrame
    | EndFrame
    | WireToSurface1
    | WireToSurface2
    | DeleteEncodingContext
    | SolidFill
    | SurfaceToSurface
    | SurfaceToCache
    | CacheToSurface
    | EvictCacheEntry
    | CacheImportReply
)
GraphicsPdu = ClientGraphics | ServerGraphics | UnknownGraphics

GRAPHICS_TYPES: Final[dict[int, type[ClientGraphics | ServerGraphics]]] = {
    GraphicsCommand.WIRE_TO_SURFACE_1: WireToSurface1,
    GraphicsCommand.WIRE_TO_SURFACE_2: WireToSurface2,
    GraphicsCommand.DELETE_ENCODING_CONTEXT: DeleteEncodingContext,
    GraphicsCommand.SOLID_FILL: SolidFill,
    GraphicsCommand.SURFACE_TO_SURFACE: SurfaceToSurface,
    GraphicsCommand.SURFACE_TO_CACHE: SurfaceToCache,
    GraphicsCommand.CACHE_TO_SURFACE: CacheToSurface,
    GraphicsCommand.EVICT_CACHE_ENTRY: EvictCacheEntry,
    GraphicsCommand.CREATE_SURFACE: CreateSurface,
    GraphicsCommand.DELETE_SURFACE: DeleteSurface,
    GraphicsCommand.START_FRAME: StartFrame,
    GraphicsCommand.END_FRAME: EndFrame,
    GraphicsCommand.FRAME_ACKNOWLEDGE: FrameAcknowledge,
    GraphicsCommand.RESET_GRAPHICS: ResetGraphics,
    GraphicsCommand.MAP_SURFACE_TO_OUTPUT: MapSurfaceToOutput,
    GraphicsCommand.CACHE_IMPORT_OFFER: CacheImportOffer,
    GraphicsCommand.CACHE_IMPORT_REPLY: CacheImportReply,
    GraphicsCommand.CAPS_ADVERTISE: CapsAdvertise,
    GraphicsCommand.CAPS_CONFIRM: CapsConfirm,
    GraphicsCommand.MAP_SURFACE_TO_WINDOW: MapSurfaceToWindow,
    GraphicsCommand.QOE_FRAME_ACKNOWLEDGE: QoeFrameAcknowledge,
    GraphicsCommand.MAP_SURFACE_TO_SCALED_OUTPUT: MapSurfaceToScaledOutput,
    GraphicsCommand.MAP_SURFACE_TO_SCALED_WINDOW: MapSurfaceToScaledWindow,
}


def decode_graphics(data: bytes, max_pdus: int = MAX_PDUS) -> tuple[GraphicsPdu, ...]:
    """The messages of a buffer that is not compressed (any more). Raises DecodeError."""
    r = Reader(data, "Graphics")
    pdus: list[GraphicsPdu] = []
    while r.remaining:
        if len(pdus) >= max_pdus:
            raise r.error("", f"more than {max_pdus} PDUs in a message")
        place = f"pdu[{len(pdus)}]"
        cls: type[GraphicsPdu] = GRAPHICS_TYPES.get(r.peek_u16_le(f"{place}.header.cmdId"), UnknownGraphics)
        pdus.append(r.structure(cls, place))
    return tuple(pdus)


def split_graphics(data: bytes) -> tuple[bytes, ...]:
    """Each message of a buffer by itself, as it is. Raises DecodeError."""
    r = Reader(data, "Graphics")
    parts: list[bytes] = []
    while r.remaining:
        start = r.position
        r.structure(UnknownGraphics, f"pdu[{len(parts)}]")
        parts.append(data[start : r.position])
    return tuple(parts)


def encode_graphics(pdus: Iterable[GraphicsPdu]) -> bytes:
    """The buffer of these messages. Raises EncodeError if a value does not fit its field."""
    w = Writer("Graphics")
    for pdu in pdus:
        pdu.write(w)
    return w.getvalue()
