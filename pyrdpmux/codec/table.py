"""All codecs and bulk compressors, with what they are good for: a table, imported without importing them.

Encoders of pictures have one shape, ``encode(frame, rects) -> list[bytes]``: ``frame`` is (height, width, 4)
uint8 BGRX, top-down, ``rects`` a sequence of :class:`~pyrdpmux.geometry.Rect` within it. A codec without
memory is a function, one with memory an object with that method (:attr:`Codec.state` says whose). What more
an encoder can be told has defaults. AVC444 takes whole macroblocks only (:mod:`.avc.regions`).

Decoders have two shapes, by :attr:`Codec.unit`:

* RECTANGLE: one message per rectangle, ``decode(data, width, height)`` returns its pixels (height, width, 4);
* FRAME: messages for all rectangles together, ``decode(data, out)`` draws on ``out``, a frame, and returns
  the rectangles that may have changed.

Bulk compressors have ``compress`` and ``decompress``.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import cache
from importlib import import_module
from typing import Any, Final

from pyrdpmux.codec import extras
from pyrdpmux.errors import EncodeError


class Unit(Enum):
    """What one message holds."""

    RECTANGLE = "rectangle"
    FRAME = "frame"
    BYTES = "bytes"


class State(Enum):
    """What an encoder and its decoder remember, and so, of what there is one for each end."""

    NONE = "none"
    CLIENT = "client"
    SURFACE = "surface"


@dataclass(frozen=True, slots=True, kw_only=True)
class Codec:
    """A row of the table."""

    name: str
    specification: str
    encoder: str
    """Module below this package and object, as ``clear.encoder:Encoder``."""
    decoder: str
    is_lossless: bool = False
    """Whether what goes in comes out, but for the fourth byte; for some, at the depth of the wire."""
    unit: Unit = Unit.RECTANGLE
    state: State = State.NONE
    is_shareable: bool = True
    """Whether a viewer can be given a message that another viewer's encoder has just made, and nothing before
    it. Messages of the others refer to earlier ones: they serve only those that have had all of them."""
    has_epochs: bool = False
    """Whether the encoder can ``begin_epoch()``: what follows refers to nothing before that, so viewers who
    join there share the messages of those who have had all."""
    depths: tuple[int, ...] = ()
    """Bits per pixel at which a bitmap update carries it as compressed (MS-RDPBCGR 2.2.9.1.1.3.1.2.2)."""
    extra: str | None = None
    """What to install as ``pyrdpmux[extra]``."""

    @property
    def is_available(self) -> bool:
        """Whether the extra, if there is one, is installed."""
        return self.extra is None or extras.is_installed(self.extra)

    @property
    def encode(self) -> Callable[..., Any]:
        """The function, or the class of the encoder. It raises MissingExtra unless it is available."""
        return _load(self.encoder)

    @property
    def decode(self) -> Callable[..., Any]:
        """The function, or the class of the decoder. It raises MissingExtra unless it is available."""
        return _load(self.decoder)


@cache
def _load(path: str) -> Callable[..., Any]:
    module, _, name = path.partition(":")
    loaded: Callable[..., Any] = getattr(import_module(f"pyrdpmux.codec.{module}"), name)
    return loaded


def _function(name: str, specification: str, **facts: Any) -> Codec:
    """Two functions, in the module of the codec's name."""
    return Codec(
        name=name,
        specification=specification,
        encoder=f"{name}:encode",
        decoder=f"{name}:decode",
        **facts,
    )


def _video(name: str, specification: str) -> Codec:
    """One stream of H.264 for a surface."""
    classes = f"avc.codec:{name.capitalize()}"
    return Codec(
        name=name,
        specification=specification,
        encoder=f"{classes}Encoder",
        decoder=f"{classes}Decoder",
        unit=Unit.FRAME,
        state=State.SURFACE,
        is_shareable=False,
        has_epochs=True,
        extra=extras.H264,
    )


def _bulk(name: str, specification: str, **facts: Any) -> Codec:
    classes = f"bulk.{name}:{name.capitalize()}"
    return Codec(
        name=name,
        specification=specification,
        encoder=f"{classes}Compressor",
        decoder=f"{classes}Decompressor",
        is_lossless=True,
        unit=Unit.BYTES,
        state=State.CLIENT,
        is_shareable=False,
        **facts,
    )


PICTURE_CODECS: Final = (
    _function("uncompressed", "MS-RDPEGFX 2.2.2.1", is_lossless=True),
    _function("interleaved", "MS-RDPBCGR 2.2.9.1.1.3.1.2.4", is_lossless=True, depths=(8, 15, 16, 24)),
    _function("planar", "MS-RDPEGDI 2.2.2.5.1", is_lossless=True, depths=(32,)),
    _function("nscodec", "MS-RDPNSC 2.2.2"),
    Codec(
        name="remotefx",
        specification="MS-RDPRFX 2.2.2",
        encoder="rfx.encoder:Encoder",
        decoder="rfx.decoder:Decoder",
        unit=Unit.FRAME,
        state=State.SURFACE,
        # Only its headers come once in an epoch; in image mode they come with each frame.
        is_shareable=False,
        has_epochs=True,
    ),
    Codec(
        name="progressive",
        specification="MS-RDPEGFX 2.2.4.2",
        encoder="progressive.encoder:Encoder",
        decoder="progressive.decoder:Decoder",
        unit=Unit.FRAME,
        state=State.SURFACE,
        is_shareable=False,
        has_epochs=True,
    ),
    Codec(
        name="clear",
        specification="MS-RDPEGFX 2.2.4.1",
        encoder="clear.encoder:Encoder",
        decoder="clear.decoder:Decoder",
        is_lossless=True,
        state=State.CLIENT,
        is_shareable=False,
        has_epochs=True,
    ),
    _function("alpha", "MS-RDPEGFX 2.2.4.3", is_lossless=True),
    _video("avc420", "MS-RDPEGFX 2.2.4.4"),
    _video("avc444", "MS-RDPEGFX 2.2.4.5, 2.2.4.6"),
    _function("jpeg", "MS-RDPBCGR 2.2.7.2.10", extra=extras.JPEG),
)
"""(h, w, 4) BGRX pixels to bytes and back."""

BULK_CODECS: Final = (
    _bulk("mppc", "MS-RDPBCGR 3.1.8"),
    _bulk("ncrush", "MS-RDPEGDI 3.1.8.1"),
    _bulk("xcrush", "MS-RDPEGDI 3.1.8.2"),
    _bulk("zgfx", "MS-RDPEGFX 3.1.9.1", has_epochs=True),
)
"""Bytes to bytes, with a history."""

CODECS: Final = {codec.name: codec for codec in (*PICTURE_CODECS, *BULK_CODECS)}
"""By name."""

_OF_DEPTH: Final = {depth: codec for codec in PICTURE_CODECS for depth in codec.depths}


def bitmap_codec(bits_per_pixel: int) -> Codec:
    """What compresses bitmap updates of this depth: ``encode(frame, rects, bits_per_pixel)``. EncodeError."""
    codec = _OF_DEPTH.get(bits_per_pixel)
    if codec is None:
        raise EncodeError("bitsPerPixel", f"{bits_per_pixel}, expected one of {tuple(sorted(_OF_DEPTH))}")
    return codec


def described(codec: Codec) -> dict[str, Any]:
    """A row for people: what `pyrdpmux diagnose` shows."""
    return {
        "specification": codec.specification,
        "lossless": codec.is_lossless,
        "unit": codec.unit.value,
        "state": codec.state.value,
        "shareable": codec.is_shareable,
        "epochs": codec.has_epochs,
        "extra": codec.extra,
        "available": codec.is_available,
    }
