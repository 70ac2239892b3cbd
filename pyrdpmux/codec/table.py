"""All codecs and bulk compressors, with what they are good for: a table, imported without importing them.

``encode`` and ``decode`` are functions, or, of a codec that remembers, classes: one object for each end of
each connection or surface. Their own docstrings say what goes in and out. Extras are needed on use only.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class Codec:
    """A row of the table."""

    name: str
    specification: str
    is_lossless: bool
    """Whether what goes in comes out, but for the fourth byte; for some, at the depth of the wire."""
    encoder: str
    """Module below this package and object, as ``clear.encoder:Encoder``."""
    decoder: str
    extra: str | None = None
    """What to install as ``pyrdpmux[extra]``."""

    @property
    def encode(self) -> Callable[..., Any]:
        """The function or class."""
        return _load(self.encoder)

    @property
    def decode(self) -> Callable[..., Any]:
        """The function or class."""
        return _load(self.decoder)


def _load(path: str) -> Callable[..., Any]:
    module, _, name = path.partition(":")
    loaded: Callable[..., Any] = getattr(import_module(f"pyrdpmux.codec.{module}"), name)
    return loaded


_AVC: Final = "avc.codec:Avc"

PICTURE_CODECS: Final = (
    Codec("uncompressed", "MS-RDPEGFX 2.2.2.1", True, "uncompressed:encode", "uncompressed:decode"),
    Codec(
        "interleaved",
        "MS-RDPBCGR 2.2.9.1.1.3.1.2.4",
        True,
        "interleaved:encode",
        "interleaved:decode",
    ),
    Codec("planar", "MS-RDPEGDI 2.2.2.5.1", True, "planar:encode", "planar:decode"),
    Codec("nscodec", "MS-RDPNSC 2.2.2", False, "nscodec:encode", "nscodec:decode"),
    Codec("remotefx", "MS-RDPRFX 2.2.2", False, "rfx.encoder:Encoder", "rfx.decoder:Decoder"),
    Codec(
        "progressive",
        "MS-RDPEGFX 2.2.4.2",
        False,
        "progressive.encoder:Encoder",
        "progressive.decoder:Decoder",
    ),
    Codec("clear", "MS-RDPEGFX 2.2.4.1", True, "clear.encoder:Encoder", "clear.decoder:Decoder"),
    Codec("alpha", "MS-RDPEGFX 2.2.4.3", True, "alpha:encode", "alpha:decode"),
    Codec("avc420", "MS-RDPEGFX 2.2.4.4", False, f"{_AVC}420Encoder", f"{_AVC}420Decoder", "h264"),
    Codec("avc444", "MS-RDPEGFX 2.2.4.5, 2.2.4.6", False, f"{_AVC}444Encoder", f"{_AVC}444Decoder", "h264"),
    Codec("jpeg", "MS-RDPBCGR 2.2.7.2.10", False, "jpeg:encode", "jpeg:decode", "jpeg"),
)
"""(h, w, 4) BGRX pixels to bytes and back."""

BULK_CODECS: Final = (
    Codec("mppc", "MS-RDPBCGR 3.1.8", True, "bulk.mppc:MppcCompressor", "bulk.mppc:MppcDecompressor"),
    Codec(
        "ncrush",
        "MS-RDPEGDI 3.1.8.1",
        True,
        "bulk.ncrush:NcrushCompressor",
        "bulk.ncrush:NcrushDecompressor",
    ),
    Codec(
        "xcrush",
        "MS-RDPEGDI 3.1.8.2",
        True,
        "bulk.xcrush:XcrushCompressor",
        "bulk.xcrush:XcrushDecompressor",
    ),
    Codec("zgfx", "MS-RDPEGFX 3.1.9.1", True, "bulk.zgfx:ZgfxCompressor", "bulk.zgfx:ZgfxDecompressor"),
)
"""Bytes to bytes, with a history."""

CODECS: Final = {codec.name: codec for codec in (*PICTURE_CODECS, *BULK_CODECS)}
"""By name."""
