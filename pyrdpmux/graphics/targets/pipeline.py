"""Commands to messages of the graphics pipeline (MS-RDPEGFX), for all clients of a stream at once.

What a message refers to (the ZGFX history, ClearCodec's caches, cache slots, the previous picture of a video)
lies in messages since the last epoch: who joins a stream is shown everything, and then an epoch begins.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Self

from pyrdpmux.codec import planar
from pyrdpmux.codec.avc import codec as avc_codec
from pyrdpmux.codec.bulk.zgfx import ZgfxCompressor
from pyrdpmux.codec.clear.encoder import Encoder as ClearEncoder
from pyrdpmux.codec.color import Pixels, Words, pixels_of
from pyrdpmux.codec.extras import H264, is_installed
from pyrdpmux.codec.progressive.block import ComponentQuantization
from pyrdpmux.codec.progressive.encoder import Encoder as ProgressiveEncoder
from pyrdpmux.codec.rfx import tile as rfx_tile
from pyrdpmux.geometry import Rect
from pyrdpmux.graphics.classify import Kind
from pyrdpmux.graphics.commands import (
    BACK,
    FIRST_BOX,
    MAIN,
    Abilities,
    BoxFrame,
    CloseBox,
    Command,
    Copy,
    Exact,
    Fill,
    Lossy,
    OpenBox,
    Quality,
    Restore,
    Store,
)
from pyrdpmux.graphics.tally import Step, Tally, shown_pixels, step_of
from pyrdpmux.graphics.targets.box_video import BoxVideo
from pyrdpmux.graphics.targets.monitors import (
    copies_to_monitors,
    monitor_ids,
    monitor_surfaces,
    painted_on_main,
)
from pyrdpmux.graphics.targets.planes import is_for_planes
from pyrdpmux.graphics.targets.qualities import FACTORS
from pyrdpmux.rdp.channels.graphics.abilities import GraphicsAbilities
from pyrdpmux.rdp.channels.graphics.cache import CacheImportReply, CacheToSurface, SurfaceToCache
from pyrdpmux.rdp.channels.graphics.drawing import (
    CodecId,
    SolidFill,
    SurfaceToSurface,
    WireToSurface1,
    WireToSurface2,
)
from pyrdpmux.rdp.channels.graphics.frames import EndFrame, StartFrame
from pyrdpmux.rdp.channels.graphics.header import Point
from pyrdpmux.rdp.channels.graphics.pdu import ServerGraphics, encode_graphics
from pyrdpmux.rdp.channels.graphics.surfaces import (
    CreateSurface,
    DeleteSurface,
    MapSurfaceToOutput,
    ResetGraphics,
)
from pyrdpmux.rdp.mcs.monitors import monitor_definitions

FIRST_ID: Final = 1
LAST_ID: Final = 0xF000
ID_STEP: Final = 2048
"""surfaceIds: each target has so many, from one of MAIN on. A target for clients that have had another before
takes the next ones: no client is asked whether it has still surfaces of the same number."""

PROGRESSIVE_CONTEXT: Final = 1

CLEAR_COST: Final = 1.2
"""Bytes that ClearCodec takes for a pixel of text that differs from its left neighbor."""

MOSTLY: Final = 0.8
"""Of a message: with so much H.264 or RLGR in it, compression is not tried; with so much haste, hardly."""

DENSE: Final = 1.0
"""What lz4 makes shorter at all is compressed: exact photographs lose a quarter, more than it foresees."""


@dataclass(frozen=True, slots=True)
class PipelineFormat:
    """What the clients of a stream have agreed to."""

    has_avc: bool = False
    has_progressive: bool = True
    cache_slots: int = 0
    cache_bytes: int = 0
    #: of the picture, the primary one first, each with a surface of its own; empty: MAIN is all of it
    monitors: tuple[Rect, ...] = ()

    @classmethod
    def of(cls, abilities: GraphicsAbilities, monitors: tuple[Rect, ...] = ()) -> Self:
        """For a client that says so, as far as this installation goes along."""
        return cls(
            has_avc=abilities.has_avc420 and is_installed(H264),
            has_progressive=abilities.has_progressive,
            cache_slots=abilities.cache_slots,
            cache_bytes=abilities.cache_bytes,
            monitors=monitors,
        )

    @property
    def without_cache(self) -> Self:
        return replace(self, cache_slots=0, cache_bytes=0)

    def shared_with(self, other: Self) -> Self:
        """What both have, if they are the same but for their caches."""
        assert self.without_cache == other.without_cache
        slots = min(self.cache_slots, other.cache_slots)
        return replace(self, cache_slots=slots, cache_bytes=min(self.cache_bytes, other.cache_bytes))


@dataclass(frozen=True, slots=True)
class PipelineState:
    """What a client has of an earlier target: its surfaces, and how many ClearCodec messages (mod 256)."""

    surfaces: tuple[int, ...] = ()
    clear_sequence: int = 0


NOTHING: Final = PipelineState()


class Pipeline:
    """The sending end, for clients with a MAIN surface of ``width`` x ``height``."""

    way: Final = "EGFX"

    def __init__(
        self,
        width: int,
        height: int,
        format: PipelineFormat,
        state: PipelineState = NOTHING,
        first_id: int | None = None,
        *,
        deletes: bool = True,
    ) -> None:
        """``state``: what its clients have, or, without ``deletes``, may still have.

        ``first_id``: the surfaceId of MAIN, if there is one already.
        """
        self.format = format
        self.tally = Tally()
        self._width, self._height = width, height
        self._old_surfaces = state.surfaces if first_id is None and deletes else ()
        self._first_id = _id_after(state.surfaces) if first_id is None else first_id
        self._boxes: dict[int, BoxVideo] = {}
        self._clear = ClearEncoder(sequence_number=state.clear_sequence)
        self._zgfx = ZgfxCompressor(dense_ratio=DENSE)
        self._progressive: dict[Quality, ProgressiveEncoder] = {}

    @property
    def abilities(self) -> Abilities:
        format = self.format
        return Abilities(
            can_copy=True,
            has_back=True,
            can_fill=True,
            cache_slots=format.cache_slots,
            cache_bytes=format.cache_bytes,
            keeps_what_rests=True,
            has_boxes=format.has_avc,
            has_lossy=format.has_progressive and not format.has_avc,
            text_cost=CLEAR_COST,
        )

    @property
    def sharing_key(self) -> PipelineFormat:
        """Of the smallest cache, there can be use for all."""
        return self.format.without_cache

    @property
    def codecs(self) -> tuple[str, ...]:
        lossy = ("AVC420",) if self.abilities.has_boxes else ("progressive",) * self.abilities.has_lossy
        return (*lossy, "ClearCodec", "planar")

    @property
    def state(self) -> PipelineState:
        ids = [self._first_id + number for number in (MAIN, BACK, *self._boxes)]
        ids += monitor_ids(self._first_id, self.format.monitors)
        return PipelineState(tuple(ids), self._clear.sequence_number)

    def prepare(self) -> None:
        """What encodes pictures."""
        if self.abilities.has_boxes:
            avc_codec.prepare()
        elif self.abilities.has_lossy:
            rfx_tile.prepare()

    def begin_epoch(self, after: "Pipeline") -> None:
        """Whatever comes refers to nothing that was; boxes have been closed before."""
        self.format = self.format.shared_with(after.format)
        self._clear.begin_epoch()
        self._zgfx.begin_epoch()
        self._progressive.clear()

    def clone(self) -> "Pipeline":
        other = Pipeline(self._width, self._height, self.format, self.state, self._first_id)
        other._boxes = dict(self._boxes)  # to be closed
        return other

    def opening(self) -> bytes:
        """A message outside of any frame."""
        width, height = self._width, self._height
        areas = self.format.monitors or (Rect(0, 0, width, height),)
        pdus: list[ServerGraphics] = [DeleteSurface(surface_id) for surface_id in self._old_surfaces]
        pdus.append(ResetGraphics(width, height, monitor_definitions(areas)))
        pdus += self._surfaces()
        return self._compressed(encode_graphics(pdus))

    def _surfaces(self) -> list[ServerGraphics]:
        main, back = self._first_id + MAIN, self._first_id + BACK
        pdus: list[ServerGraphics] = [
            CreateSurface(main, self._width, self._height),
            CreateSurface(back, self._width, self._height),
        ]
        if self.format.monitors:
            return pdus + monitor_surfaces(self._first_id, self.format.monitors)
        return [*pdus, MapSurfaceToOutput(main)]

    def _to_monitors(self, painted: Sequence[Rect]) -> list[SurfaceToSurface]:
        """What makes visible what is new on MAIN, where that is not to be seen itself."""
        return copies_to_monitors(self._first_id, self.format.monitors, painted)

    def import_cache(self, slots: Sequence[int]) -> bytes:
        """QUIRK(FreeRDP 3.30): of the cache, it writes slot N to its file if slot N + 1 is used, too; and it
        imports what follows an entry of slot 0, as the others of the reply."""
        return self._compressed(encode_graphics([CacheImportReply(tuple(slots))]))

    def adapt(self, frame_id: int, host: "Pipeline", picture: Words) -> bytes | None:
        """Surfaces of the host's numbers, and as many ClearCodec messages as its clients have had."""
        pdus: list[ServerGraphics] = []
        if self._first_id != host._first_id:
            area = Rect(0, 0, self._width, self._height)
            pdus += host._surfaces()
            pdus.append(SurfaceToSurface(self._first_id + MAIN, host._first_id + MAIN, area, (Point(0, 0),)))
            pdus += host._to_monitors([area])
            pdus += [DeleteSurface(surface_id) for surface_id in self.state.surfaces]
        # A pixel that is there already, again and again: 26 bytes each, most of which ZGFX takes away.
        corner = Rect(0, 0, 1, 1)
        missing = (host._clear.sequence_number - self._clear.sequence_number) % 256
        for data in self._clear.encode(pixels_of(picture), [corner] * missing):
            pdus.append(WireToSurface1(host._first_id + MAIN, CodecId.CLEARCODEC, corner, data))
        if not pdus:
            return None
        return self._compressed(encode_graphics([StartFrame(frame_id), *pdus, EndFrame(frame_id)]))

    def frame(self, frame_id: int, commands: Sequence[Command], picture: Words) -> bytes:
        """One message with all of a frame; ``picture`` (height, width) uint32 is what MAIN is to show."""
        tally = self.tally
        messages = [encode_graphics([StartFrame(frame_id)])]
        dense_size = hasty_size = 0
        exact = self._exact([command for command in commands if isinstance(command, Exact)], picture)
        for command in commands:
            began = tally.clock()
            pdus = [exact[command.rect]] if isinstance(command, Exact) else self._pdus(command, picture)
            messages.append(encode_graphics(pdus))
            tally.add(step_of(command), began, pixels=shown_pixels(command), size=len(messages[-1]))
            dense_size += len(messages[-1]) if _is_dense(command) else 0
            hasty_size += len(messages[-1]) if _is_hasty(command) else 0
        if self.format.monitors:
            began = tally.clock()
            copies = self._to_monitors(painted_on_main(commands, self._width, self._height))
            messages.append(encode_graphics(copies))
            pixels = sum([copy.rect.pixels for copy in copies])
            tally.add(Step.COPY, began, count=len(copies), pixels=pixels, size=len(messages[-1]))
        messages.append(encode_graphics([EndFrame(frame_id)]))
        return self._compressed(b"".join(messages), dense_size, hasty_size)

    def _compressed(self, message: bytes, dense_size: int = 0, hasty_size: int = 0) -> bytes:
        """``dense_size``: bytes of it that no compression makes shorter; ``hasty_size``: that had better be
        compressed soon than well, which is not so while a video plays.
        """
        began = self.tally.clock()
        mostly = MOSTLY * len(message)
        is_hasty = hasty_size > mostly and not self._boxes
        data = self._zgfx.compress(message, is_dense=dense_size > mostly, is_hasty=is_hasty)
        self.tally.add(Step.COMPRESS, began, size=len(data))
        self.tally.bytes += len(data)
        return data

    # -- commands --------------------------------------------------------------------------------

    def _pdus(self, command: Command, picture: Words) -> list[ServerGraphics]:
        first = self._first_id
        match command:
            case Copy(source_surface, source, surface, x, y):
                ids = first + source_surface, first + surface
                return [SurfaceToSurface(*ids, source, (Point(x, y),))]
            case Fill(color, rects):
                return [SolidFill(self._first_id + MAIN, color | 0xFF000000, rects)]
            case Store(slot, key, rect):
                return [SurfaceToCache(self._first_id + MAIN, key, slot, rect)]
            case Restore(slot, points):
                return [CacheToSurface(slot, self._first_id + MAIN, tuple([Point(x, y) for x, y in points]))]
            case OpenBox() | CloseBox() | BoxFrame():
                return self._box(command, picture)
            case Lossy(rects, quality):
                return [self._lossy(rects, picture, quality)]
        raise AssertionError(command)

    def _box(self, command: OpenBox | CloseBox | BoxFrame, picture: Words) -> list[ServerGraphics]:
        surface_id = self._first_id + command.number
        match command:
            case OpenBox(number, width, height):
                assert number >= FIRST_BOX, "MAIN and BACK are no boxes"
                box = self._boxes[number] = BoxVideo(width, height)
                return [CreateSurface(surface_id, box.width, box.height)]
            case CloseBox(number):
                del self._boxes[number]
                return [DeleteSurface(surface_id)]
            case BoxFrame():
                return self._box_frame(command, picture)

    def _box_frame(self, command: BoxFrame, picture: Words) -> list[ServerGraphics]:
        surface_id, place = self._first_id + command.number, command.place
        box = self._boxes[command.number]
        whole = Rect(0, 0, box.width, box.height)
        inner = [rect.moved(-place.x, -place.y) for rect in command.changed]
        data = box.encode(_bgrx(picture, place), inner, command.max_bytes)
        pdus: list[ServerGraphics] = [WireToSurface1(surface_id, CodecId.AVC420, whole, data)]
        for rect, shown in zip(inner, command.changed, strict=True):
            pdus.append(SurfaceToSurface(surface_id, self._first_id + MAIN, rect, (Point(shown.x, shown.y),)))
        return pdus

    def _lossy(self, rects: Sequence[Rect], picture: Words, quality: Quality) -> WireToSurface2:
        encoder = self._progressive.get(quality)
        if encoder is None:
            encoder = self._progressive[quality] = ProgressiveEncoder(
                self._width,
                self._height,
                stages=(),
                extrapolated=False,
                differences=False,
                quantizations=(ComponentQuantization(*FACTORS[quality]),) * 3,
            )
        data = encoder.encode(pixels_of(picture), rects)[0]
        return WireToSurface2(self._first_id + MAIN, CodecId.CAPROGRESSIVE, PROGRESSIVE_CONTEXT, data)

    def _exact(self, commands: Sequence[Exact], picture: Words) -> dict[Rect, ServerGraphics]:
        """Pictures as planar, all else as ClearCodec, whose messages are numbered in this order."""
        frame = pixels_of(picture)
        is_picture = {command.rect: is_for_planes(command, picture) for command in commands}
        pictures = [rect for rect, has_planes in is_picture.items() if has_planes]
        others = [rect for rect, has_planes in is_picture.items() if not has_planes]
        planes: list[bytes] = []
        clear: list[bytes] = []
        if pictures:
            began = self.tally.clock()
            planes = planar.encode(frame, pictures, bottom_up=False, zgfx=True)
            self.tally.took(Step.PICTURE, began)
        if others:
            began = self.tally.clock()
            clear = self._clear.encode(frame, others)
            self.tally.took(Step.TEXT, began)
        streams = [(CodecId.PLANAR, pictures, planes), (CodecId.CLEARCODEC, others, clear)]
        return {
            rect: WireToSurface1(self._first_id + MAIN, codec, rect, data)
            for codec, rects, messages in streams
            for rect, data in zip(rects, messages, strict=True)
        }


def _id_after(surfaces: Sequence[int]) -> int:
    if not surfaces:
        return FIRST_ID
    following = min(surfaces) + ID_STEP
    return following if following < LAST_ID else FIRST_ID


def _is_dense(command: Command) -> bool:
    """Its data has no room for compression; of coarse tiles, headers are a good part."""
    return isinstance(command, BoxFrame) or (
        isinstance(command, Lossy) and command.quality is not Quality.COARSE
    )


def _is_hasty(command: Command) -> bool:
    """Text is worth to be compressed well in any case."""
    return isinstance(command, Exact) and command.is_hasty and command.kind is Kind.PICTURE


def _bgrx(picture: Words, rect: Rect) -> Pixels:
    """A view of a part, (h, w, 4) uint8."""
    return pixels_of(picture)[rect.y : rect.bottom, rect.x : rect.right]
