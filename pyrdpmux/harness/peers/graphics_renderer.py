"""What the graphics pipeline makes of a framebuffer (MS-RDPEGFX 3.3): surfaces, copies, cache and frames.

Mapped surfaces have no order in depth, as with FreeRDP: what is painted last shows, nothing shows of what was
painted before it was mapped, and a surface that goes stays where it was to be seen.
"""

from typing import Final

import numpy as np

from pyrdpmux.codec.clear.decoder import Decoder as ClearDecoder
from pyrdpmux.codec.color import Pixels
from pyrdpmux.errors import DecodeError
from pyrdpmux.geometry import MAX_SIDE, Rect
from pyrdpmux.harness.peers.graphics_cache import GraphicsCache, PersistentCache
from pyrdpmux.harness.peers.graphics_surface import GraphicsSurface, Mapping
from pyrdpmux.rdp.channels.graphics.cache import (
    CacheImportReply,
    CacheToSurface,
    EvictCacheEntry,
    SurfaceToCache,
)
from pyrdpmux.rdp.channels.graphics.drawing import (
    DeleteEncodingContext,
    SolidFill,
    SurfaceToSurface,
    WireToSurface1,
    WireToSurface2,
)
from pyrdpmux.rdp.channels.graphics.frames import (
    QUEUE_DEPTH_UNAVAILABLE,
    EndFrame,
    FrameAcknowledge,
    StartFrame,
)
from pyrdpmux.rdp.channels.graphics.header import PixelFormat
from pyrdpmux.rdp.channels.graphics.pdu import GraphicsPdu
from pyrdpmux.rdp.channels.graphics.surfaces import (
    CreateSurface,
    DeleteSurface,
    MapSurfaceToOutput,
    MapSurfaceToScaledOutput,
    MapSurfaceToScaledWindow,
    MapSurfaceToWindow,
    ResetGraphics,
)
from pyrdpmux.rdp.mcs.client_data import MonitorDefinition

MAX_SURFACES: Final = 1024
MAX_SURFACE_PIXELS: Final = MAX_SIDE * MAX_SIDE
"""Of all surfaces together: 256 MB."""

MAX_CACHE_SLOTS: Final = 25_600
MAX_CACHE_BYTES: Final = 100 << 20
"""MS-RDPEGFX 3.3.1.4, of a cache that is not small."""

MAX_PAINTED_PIXELS: Final = 1 << 28
"""Of one command: an 8K surface eight times over. Its fields would allow 65,535 times."""

_WHITE: Final = 255


class GraphicsRenderer:
    """One graphics channel, from its opening on; a server's mistakes are DecodeErrors that name the field.

    ``output`` is the framebuffer, (height, width, 4) uint8 BGRX: what is mapped beyond it is cut off.
    """

    def __init__(
        self, output: Pixels, cache_slots: int = MAX_CACHE_SLOTS, cache_bytes: int = MAX_CACHE_BYTES
    ) -> None:
        self.output = output
        #: what the client has offered of its persistent cache, in the order of its CacheImportOffer
        self.offered: tuple[Pixels, ...] = ()
        #: gets what is stored in the cache
        self.persistent: PersistentCache | None = None
        #: as the last ResetGraphics has it
        self.monitors: tuple[MonitorDefinition, ...] = ()
        self.surfaces: dict[int, GraphicsSurface] = {}
        self.cache = GraphicsCache(cache_slots, cache_bytes)
        #: the frame that has begun and not ended
        self.frame_id: int | None = None
        #: what is to be said of the frames that have ended, in this order
        self.acknowledgements: list[FrameAcknowledge] = []
        #: what they say of bytes that wait (2.2.2.13)
        self.queue_depth = QUEUE_DEPTH_UNAVAILABLE
        #: how many frames have ended since the channel is open
        self.frames_decoded = 0
        #: commands that had pixels in them; times that something else was to be seen afterwards
        self.painted = 0
        self.changes = 0
        #: commands that were not understood, or are about windows
        self.undrawn = 0
        self._clear = ClearDecoder()

    def apply(self, pdu: GraphicsPdu) -> None:
        """One command. Within a frame, nothing of it shows before the frame's end."""
        match pdu:
            case StartFrame(frame_id):
                self._start(frame_id)
            case EndFrame(frame_id):
                self._end(frame_id)
            case ResetGraphics():
                self._reset(pdu)
            case CreateSurface() | DeleteSurface() | MapSurfaceToOutput() | MapSurfaceToScaledOutput():
                self._arrange(pdu)
            case SurfaceToCache() | EvictCacheEntry() | DeleteEncodingContext() | CacheImportReply():
                self._keep(pdu)
            case MapSurfaceToWindow(surface_id) | MapSurfaceToScaledWindow(surface_id):
                self._surface(surface_id, f"{type(pdu).__name__}.surfaceId").mapping = None
                self.undrawn += 1
            case _:
                self._paint(pdu)

    # -- frames ----------------------------------------------------------------------------------

    def _start(self, frame_id: int) -> None:
        if self.frame_id is not None:
            raise DecodeError("StartFrame.frameId", f"{frame_id} while {self.frame_id} has not ended", 0)
        self.frame_id = frame_id

    def _end(self, frame_id: int) -> None:
        if frame_id != self.frame_id:
            raise DecodeError("EndFrame.frameId", f"{frame_id}, but {self.frame_id} has begun", 0)
        self.frame_id = None
        self.frames_decoded += 1
        self.acknowledgements.append(FrameAcknowledge(frame_id, self.queue_depth, self.frames_decoded))
        self._show()

    def _show(self) -> None:
        """Of a frame all at once; beside frames each command by itself.

        Of what overlaps in one frame, the surface that was created last shows; with FreeRDP, any of them may.
        """
        if self.frame_id is None:
            for surface in self.surfaces.values():
                self.changes += surface.show_on(self.output)

    # -- surfaces --------------------------------------------------------------------------------

    def _surface(self, surface_id: int, field: str) -> GraphicsSurface:
        surface = self.surfaces.get(surface_id)
        if surface is None:
            raise DecodeError(field, f"there is no surface {surface_id}", 0)
        return surface

    def _reset(self, pdu: ResetGraphics) -> None:
        """QUIRK(FreeRDP 3): all surfaces turn white; so nobody may count on what was there."""
        if not 0 < pdu.width <= MAX_SIDE or not 0 < pdu.height <= MAX_SIDE:
            reason = f"{pdu.width}x{pdu.height}, at most {MAX_SIDE} each"
            raise DecodeError("ResetGraphics.width", reason, 0)
        # Of other monitors, what lies between them is nobody's: no surface would ever paint it over.
        is_same = pdu.monitors == self.monitors or not self.monitors
        self.monitors = pdu.monitors
        if self.output.shape[:2] != (pdu.height, pdu.width) or not is_same:
            self.output = np.zeros((pdu.height, pdu.width, 4), np.uint8)
        for surface in self.surfaces.values():
            surface.pixels[...] = _WHITE
            surface.damage.clear()
        self.changes += 1

    def _arrange(
        self, pdu: CreateSurface | DeleteSurface | MapSurfaceToOutput | MapSurfaceToScaledOutput
    ) -> None:
        if isinstance(pdu, CreateSurface):
            self._create(pdu)
            return
        surface = self._surface(pdu.surface_id, f"{type(pdu).__name__}.surfaceId")
        if isinstance(pdu, DeleteSurface):
            del self.surfaces[pdu.surface_id]
            return
        width, height = surface.size
        surface.mapping = Mapping(Rect(pdu.x, pdu.y, width, height))
        if isinstance(pdu, MapSurfaceToScaledOutput):
            if not 0 < pdu.target_width <= MAX_SIDE or not 0 < pdu.target_height <= MAX_SIDE:
                reason = f"{pdu.target_width}x{pdu.target_height}, at most {MAX_SIDE} each"
                raise DecodeError("MapSurfaceToScaledOutput.targetWidth", reason, 0)
            target = Rect(pdu.x, pdu.y, pdu.target_width, pdu.target_height)
            surface.mapping = Mapping(target, is_scaled=target[2:] != (width, height))
        surface.damage.clear()

    def _create(self, pdu: CreateSurface) -> None:
        if pdu.surface_id in self.surfaces:
            raise DecodeError("CreateSurface.surfaceId", f"{pdu.surface_id} is there already", 0)
        if len(self.surfaces) >= MAX_SURFACES:
            raise DecodeError("CreateSurface.surfaceId", f"more than {MAX_SURFACES} surfaces", 0)
        pixels = pdu.width * pdu.height
        if pixels == 0:
            raise DecodeError("CreateSurface.width", f"{pdu.width}x{pdu.height}", 0)
        pixels += sum([surface.pixels.size // 4 for surface in self.surfaces.values()])
        if pixels > MAX_SURFACE_PIXELS:
            reason = f"{pixels} pixels of all surfaces, at most {MAX_SURFACE_PIXELS}"
            raise DecodeError("CreateSurface.width", reason, 0)
        if not pdu.pixel_format.is_known:
            raise DecodeError("CreateSurface.pixelFormat", pdu.pixel_format.name, 0)
        self.surfaces[pdu.surface_id] = GraphicsSurface(pdu)

    # -- what is kept ----------------------------------------------------------------------------

    def _keep(self, pdu: SurfaceToCache | EvictCacheEntry | DeleteEncodingContext | CacheImportReply) -> None:
        match pdu:
            case SurfaceToCache():
                surface = self._surface(pdu.surface_id, "SurfaceToCache.surfaceId")
                pixels = surface.part(pdu.rect, "SurfaceToCache.rectSrc")
                if pdu.rect.is_empty:
                    raise DecodeError("SurfaceToCache.rectSrc", f"{pdu.rect} is empty", 0)
                self.cache.store(pdu.slot, pixels)
                if self.persistent is not None:
                    self.persistent.keep(pdu.key, pixels)
            case EvictCacheEntry():
                self.cache.evict(pdu.slot)
            case DeleteEncodingContext():
                # nothing is kept by contexts: see GraphicsSurface.draw_progressive
                self._surface(pdu.surface_id, "DeleteEncodingContext.surfaceId")
            case CacheImportReply():
                self._import(pdu)

    def _import(self, pdu: CacheImportReply) -> None:
        """QUIRK(Windows Server 2016): a bitmap that is there already has 0 for its slot."""
        if len(pdu.slots) > len(self.offered):
            reason = f"{len(pdu.slots)}, but {len(self.offered)} were offered"
            raise DecodeError("CacheImportReply.importedEntriesCount", reason, 0)
        for slot, pixels in zip(pdu.slots, self.offered, strict=False):
            if slot:
                self.cache.store(slot, pixels)

    # -- pixels ----------------------------------------------------------------------------------

    def _paint(self, pdu: GraphicsPdu) -> None:
        match pdu:
            case WireToSurface1():
                self._surface(pdu.surface_id, "WireToSurface1.surfaceId").draw(pdu, self._clear)
            case WireToSurface2():
                self._surface(pdu.surface_id, "WireToSurface2.surfaceId").draw_progressive(pdu)
            case SolidFill():
                self._fill(pdu)
            case SurfaceToSurface():
                self._copy(pdu)
            case CacheToSurface():
                surface = self._surface(pdu.surface_id, "CacheToSurface.surfaceId")
                pixels = self.cache.find(pdu.slot)
                _check_work("CacheToSurface.destPtsCount", len(pdu.points) * pixels.size // 4)
                for x, y in pdu.points:
                    surface.put(x, y, pixels, "CacheToSurface.destPts")
            case _:
                self.undrawn += 1
                return
        self.painted += 1
        self._show()

    def _fill(self, pdu: SolidFill) -> None:
        surface = self._surface(pdu.surface_id, "SolidFill.surfaceId")
        _check_work("SolidFill.fillRectCount", sum([rect.pixels for rect in pdu.rects]))
        opaque = 0 if surface.pixel_format == PixelFormat.ARGB_8888 else 0xFF000000
        for rect in pdu.rects:
            part = surface.part(rect, "SolidFill.fillRects")
            part.view(np.uint32)[..., 0] = pdu.pixel | opaque
        surface.touch(pdu.rects)

    def _copy(self, pdu: SurfaceToSurface) -> None:
        """To one place after the other: each copy sees what the one before has left of its source."""
        source = self._surface(pdu.source_id, "SurfaceToSurface.surfaceIdSrc")
        target = self._surface(pdu.destination_id, "SurfaceToSurface.surfaceIdDest")
        _check_work("SurfaceToSurface.destPtsCount", len(pdu.points) * pdu.rect.pixels)
        for x, y in pdu.points:
            pixels = source.part(pdu.rect, "SurfaceToSurface.rectSrc")
            target.put(x, y, pixels.copy(), "SurfaceToSurface.destPts")


def _check_work(field: str, pixels: int) -> None:
    if pixels > MAX_PAINTED_PIXELS:
        raise DecodeError(field, f"{pixels} pixels to paint, at most {MAX_PAINTED_PIXELS}", 0)
