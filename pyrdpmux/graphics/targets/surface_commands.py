"""Commands to surface commands (MS-RDPBCGR 2.2.9.2): pictures by RemoteFX or NSCodec.

All that is exact goes as to clients without codecs, by orders and bitmaps: planar ones are the smallest that
are exact. Plain surface bits are four bytes a pixel, and NSCodec rounds.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, TypeGuard

from pyrdpmux.codec import nscodec
from pyrdpmux.codec.color import Pixels, Words, pixels_of
from pyrdpmux.codec.rfx import tile as rfx_tile
from pyrdpmux.codec.rfx.encoder import Encoder as RemoteFxEncoder
from pyrdpmux.codec.rfx.quant import Quantization
from pyrdpmux.codec.rfx.rlgr_tables import Mode
from pyrdpmux.geometry import Rect
from pyrdpmux.graphics.commands import Command, Lossy, Quality
from pyrdpmux.graphics.tally import Step
from pyrdpmux.graphics.targets.bitmap_tiles import TILE
from pyrdpmux.graphics.targets.bitmap_updates import BitmapUpdates, BitmapUpdatesFormat
from pyrdpmux.graphics.targets.pieces import Piece, size_of
from pyrdpmux.graphics.targets.qualities import FACTORS
from pyrdpmux.rdp.connection.output_format import NsCodecFormat, OutputFormat, RemoteFxFormat
from pyrdpmux.rdp.fastpath.surface import SURFACE_BITS_HEADER_SIZE, ExtendedBitmapData, SetSurfaceBits

DEPTH: Final = 32
"""bpp of what decoders make of either codec."""

REMOTEFX_DEPTH: Final = 16
"""Bits per pixel of a session, from which on pictures by RemoteFX are worth while."""

MAX_COMMAND_SIZE: Final = 64 * 1024
"""Bytes of one command: what is smaller is sooner on its way."""

LossyCodec = RemoteFxFormat | NsCodecFormat


@dataclass(frozen=True, slots=True)
class SurfaceCommandsFormat:
    """All that messages depend on; clients with equal ones can share a stream."""

    exact: BitmapUpdatesFormat
    codec: LossyCodec
    max_command_size: int

    @classmethod
    def of(cls, output: OutputFormat) -> "SurfaceCommandsFormat | None":
        """None for clients that have neither codec at their depth."""
        codec = _codec(output)
        if codec is None:
            return None
        return cls(BitmapUpdatesFormat.of(output), codec, min(output.max_commands_size, MAX_COMMAND_SIZE))


def _codec(output: OutputFormat) -> LossyCodec | None:
    """RemoteFX takes a quarter of NSCodec's bytes.

    QUIRK(IronRDP): it decodes RemoteFX in sessions of 16 bits per pixel, and has no others in a browser.
    """
    surface = output.surface
    if surface is None or not surface.may_set:
        return None
    if surface.remotefx is not None and output.bits_per_pixel >= REMOTEFX_DEPTH:
        return surface.remotefx
    return surface.nscodec if output.bits_per_pixel == DEPTH else None


class SurfaceCommands:
    """The sending end, for clients that agree on ``format``."""

    way: Final = "surface"

    def __init__(self, format: SurfaceCommandsFormat) -> None:
        self.format = format
        self._exact = BitmapUpdates(format.exact)
        self.tally = self._exact.tally
        self.abilities = replace(self._exact.abilities, has_lossy=True)
        self._encoder: _RemoteFx | _NsCodec
        if isinstance(format.codec, RemoteFxFormat):
            bitmaps = format.exact.bitmaps
            self._encoder = _RemoteFx(format.codec, bitmaps.width, bitmaps.height, format.max_command_size)
        else:
            self._encoder = _NsCodec(format.codec)

    @property
    def sharing_key(self) -> SurfaceCommandsFormat:
        return self.format

    @property
    def codecs(self) -> tuple[str, ...]:
        lossy = "RemoteFX" if isinstance(self.format.codec, RemoteFxFormat) else "NSCodec"
        return (lossy, *self._exact.codecs)

    @property
    def state(self) -> None:
        """Clients remember nothing that a later target would have to know."""

    def prepare(self) -> None:
        """The tables of RemoteFX."""
        self._encoder.prepare()

    def begin_epoch(self, after: "SurfaceCommands") -> None:
        """Nothing refers to what was cached; pictures stand alone in any case."""
        self._exact.begin_epoch(after._exact)

    def clone(self) -> "SurfaceCommands":
        return SurfaceCommands(self.format)

    def adapt(self, frame_id: int, host: "SurfaceCommands", picture: Words) -> None:
        """There is nothing to adapt."""

    def import_cache(self, slots: Sequence[int]) -> None:
        """The keys of this cache are not those of the graphics pipeline's."""

    def opening(self) -> list[Piece]:
        """The desktop is there."""
        return []

    def frame(self, frame_id: int, commands: Sequence[Command], picture: Words) -> list[Piece]:
        """All that the commands show, as a sequence, which is a frame of ``frame_id`` to its sender."""
        pieces: list[SetSurfaceBits] = []
        for quality in Quality:
            rects = [rect for item in commands if _is_lossy(item, quality) for rect in item.rects]
            if not rects:
                continue
            began = self.tally.clock()
            more = self._encoder.encode(pixels_of(picture), rects, quality)
            pixels, size = sum([rect.pixels for rect in rects]), size_of(more)
            self.tally.add(Step.LOSSY, began, count=len(more), pixels=pixels, size=size)
            self.tally.bytes += size
            pieces += more
        return self._exact.frame_with(pieces, commands, picture)


def _is_lossy(command: Command, quality: Quality) -> TypeGuard[Lossy]:
    return isinstance(command, Lossy) and command.quality is quality


class _RemoteFx:
    """Frames of RemoteFX, each with all of its headers, as image mode wants it: none needs one before it."""

    def __init__(self, format: RemoteFxFormat, width: int, height: int, max_size: int) -> None:
        self._codec_id = format.codec_id
        self._area = Rect(0, 0, width, height)
        self._max_size = max_size - SURFACE_BITS_HEADER_SIZE
        # A client understands only what it has offered. RLGR3 is no smaller, and takes longer.
        mode = Mode.RLGR1 if format.has_rlgr1 else Mode.RLGR3
        self._mode = mode
        self._encoders = {
            quality: RemoteFxEncoder(
                width,
                height,
                mode=mode,
                image_mode=format.is_image_mode,
                quantizations=(Quantization(*factors),) * 3,
            )
            for quality, factors in FACTORS.items()
        }

    def prepare(self) -> None:
        rfx_tile.prepare(self._mode)

    def encode(self, picture: Pixels, rects: Sequence[Rect], quality: Quality) -> list[SetSurfaceBits]:
        encoder = self._encoders[quality]
        encoder.begin_epoch()
        messages = encoder.encode(picture, rects, self._max_size)
        return [_command(self._area, self._codec_id, data) for data in messages]


class _NsCodec:
    """A bitmap of NSCodec for each tile, always as coarse as the client allows."""

    def __init__(self, format: NsCodecFormat) -> None:
        self._codec_id = format.codec_id
        level = format.properties.color_loss_level
        self._loss = min(max(level, nscodec.MIN_COLOR_LOSS), nscodec.MAX_COLOR_LOSS)
        self._subsamples = bool(format.properties.allow_subsampling)

    def prepare(self) -> None:
        """There are no tables."""

    def encode(self, picture: Pixels, rects: Sequence[Rect], quality: Quality) -> list[SetSurfaceBits]:
        tiles = [tile for rect in rects for tile in _cut(rect)]
        streams = nscodec.encode(picture, tiles, self._loss, self._subsamples)
        return [_command(tile, self._codec_id, data) for tile, data in zip(tiles, streams, strict=True)]


def _cut(rect: Rect) -> Iterator[Rect]:
    """At the grid: no tile is larger than the smallest update that a client takes."""
    for top in range(rect.y // TILE * TILE, rect.bottom, TILE):
        for left in range(rect.x // TILE * TILE, rect.right, TILE):
            yield rect.intersection(Rect(left, top, TILE, TILE))


def _command(rect: Rect, codec_id: int, data: bytes) -> SetSurfaceBits:
    bitmap = ExtendedBitmapData(DEPTH, codec_id, rect.width, rect.height, data)
    return SetSurfaceBits(rect.x, rect.y, rect.right, rect.bottom, bitmap)
