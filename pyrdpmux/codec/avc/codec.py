"""Frames to AVC messages, and messages to surfaces. The H.264 codec is the extra ``pyrdpmux[h264]``.

A frame is as large as the surface: regions say which parts of the picture a client shows (MS-RDPEGFX
2.2.
AVC444 has one H.264 stream in which main and auxiliary views take turns (2.2.4.5): so each view refers to the
one before the last.
"""

from collections.abc import Sequence
from functools import cache
from typing import Final

import numpy as np

from pyrdpmux.codec.avc import views, yuv
from pyrdpmux.codec.avc.convert import Converter
from pyrdpmux.codec.avc.h264 import DEFAULT_FRAME_RATE, DEFAULT_QP, H264Decoder, H264Encoder
from pyrdpmux.codec.avc.regions import ChromaRules
from pyrdpmux.codec.avc.stream import Avc420Stream, Avc444Stream, MetaBlock, QuantQuality, Rectangle16
from pyrdpmux.codec.avc.yuv import I420, MACROBLOCK
from pyrdpmux.codec.color import Pixels
from pyrdpmux.errors import DecodeError, EncodeError
from pyrdpmux.geometry import Rect
from pyrdpmux.wire import decode as decode_structure
from pyrdpmux.wire import encode as encode_structure

_AUXILIARY: Final = {1: views.auxiliary_view, 2: views.auxiliary_view_v2}
_COMBINED: Final = {1: views.combined, 2: views.combined_v2}


def _rounded(side: int) -> int:
    return side + -side % MACROBLOCK


class _Encoder:
    """What both encoders share: size, regions and the H.264 stream."""

    def __init__(
        self,
        width: int,
        height: int,
        qp: int,
        max_rate: int | None,
        frame_rate: int,
        references: int,
        *,
        deblocks: bool = True,
    ) -> None:
        self._shape = (height, width, 4)
        self._qp = qp
        coded = yuv.coded_size(width, height)
        self._h264 = H264Encoder(
            *coded,
            qp,
            max_rate=max_rate,
            frame_rate=frame_rate,
            references=references,
            deblocks=deblocks,
        )
        self._begins_epoch = False

    def begin_epoch(self) -> None:
        """Let the next picture be a key frame: who joins there needs nothing that went before."""
        self._begins_epoch = True

    def _check(self, frame: Pixels) -> None:
        if frame.shape != self._shape or frame.dtype != np.uint8:
            raise EncodeError("frame", f"{frame.dtype} of shape {frame.shape}, expected {self._shape}")

    def _regions(self, rects: Sequence[Rect] | None) -> Sequence[Rect]:
        """The rectangles, or all of the surface."""
        height, width, _ = self._shape
        surface = Rect(0, 0, width, height)
        for rect in rects or ():
            if rect.is_empty or not surface.contains(rect):
                raise EncodeError("rects", f"{tuple(rect)} is not within {width} x {height}")
        return (surface,) if rects is None else rects

    def _meta(self, regions: Sequence[Rect]) -> MetaBlock:
        return MetaBlock(tuple(map(Rectangle16.of, regions)), (QuantQuality(self._qp),) * len(regions))

    def _stream(self, picture: I420, meta: MetaBlock, key_frame: bool) -> Avc420Stream:
        key_frame |= self._begins_epoch
        self._begins_epoch = False
        return Avc420Stream(meta, self._h264.encode(picture, key_frame=key_frame))


class Avc420Encoder(_Encoder):
    """One surface's stream (MS-RDPEGFX 2.2.4.4). Lossy, also in color: one value for four pixels.

    ``qp``, ``max_rate``, ``frame_rate`` and ``deblocks`` are :class:`.h264.H264Encoder`'s. ``exact_color``
    has colors rounded (:mod:`.yuv`) where :mod:`.convert` cuts them off: half a decibel for a tenth of the
    time.
    """

    def __init__(
        self,
        width: int,
        height: int,
        qp: int = DEFAULT_QP,
        *,
        max_rate: int | None = None,
        frame_rate: int = DEFAULT_FRAME_RATE,
        exact_color: bool = False,
        deblocks: bool = True,
    ) -> None:
        super().__init__(width, height, qp, max_rate, frame_rate, 1, deblocks=deblocks)
        self._converter = None if exact_color else Converter(width, height)

    def encode(
        self, frame: Pixels, rects: Sequence[Rect] | None = None, *, key_frame: bool = False
    ) -> list[bytes]:
        """The message of one (height, width, 4) uint8 BGRX frame, of which clients show ``rects``.

        The frame may be a part of a larger one: what is converted is read where it lies.
        """
        self._check(frame)
        meta = self._meta(self._regions(rects))
        if self._converter is None:
            picture = yuv.to_yuv420(yuv.padded(frame))
        else:
            picture = self._converter.to_yuv420(frame)
        return [encode_structure(self._stream(picture, meta, key_frame))]

    def encode_changed(self, frame: Pixels, rects: Sequence[Rect]) -> bytes:
        """The same, without ``exact_color``, of a frame that may be smaller than the surface: beyond it, its
        last column and line are repeated. Only ``rects``, in whole macroblocks, are read; the rest of the
        picture stays as it was, black at first.
        """
        assert self._converter is not None, "exact colors are of whole frames"
        meta = self._meta(self._regions(rects))
        return encode_structure(self._stream(self._converter.update(frame, rects), meta, False))


@cache
def prepare() -> None:
    """What takes 50 to 150 ms, once: PyAV is loaded, and libx264 and swscale are used for the first time."""
    Avc420Encoder(MACROBLOCK, MACROBLOCK).encode(np.zeros((MACROBLOCK, MACROBLOCK, 4), np.uint8))


class Avc444Encoder(_Encoder):
    """One surface's stream (MS-RDPEGFX 2.2.4.5, or with version 2, 2.2.4.6). Lossy, but in full color.

    EncodeError for a surface of odd width, and for regions other than :func:`.regions.aligned_regions` makes.
    Prefer version 2: FreeRDP's vector code shows odd columns of version 1 in the wrong place.
    """

    def __init__(
        self,
        width: int,
        height: int,
        qp: int = DEFAULT_QP,
        *,
        version: int = 2,
        max_rate: int | None = None,
        frame_rate: int = DEFAULT_FRAME_RATE,
    ) -> None:
        self._rules = ChromaRules(width, height)
        super().__init__(width, height, qp, max_rate, frame_rate, 2)
        self._auxiliary = _AUXILIARY[version]

    def begin_epoch(self) -> None:
        """The same; and color does not come alone for what has got its luma before."""
        super().begin_epoch()
        self._rules.forget()

    def encode(
        self,
        frame: Pixels,
        rects: Sequence[Rect] | None = None,
        *,
        luma: bool = True,
        chroma: bool = True,
        key_frame: bool = False,
    ) -> list[bytes]:
        """The message of one frame with either view or both: color may follow when a picture stands still.

        Color alone is asked for in vain where it has come already, or no luma has: then luma comes with it.
        """
        self._check(frame)
        regions = self._regions(rects)
        self._rules.check(regions)
        luma = luma or self._rules.needs_luma(regions)
        meta = self._meta(regions)
        y, u, v = yuv.to_yuv444(yuv.padded(frame))
        main = self._stream(views.main_view(y, u, v), meta, key_frame) if luma else None
        auxiliary = self._stream(self._auxiliary(u, v), meta, key_frame and not luma) if chroma else None
        self._rules.sent(regions, luma=luma, chroma=chroma)
        return [encode_structure(Avc444Stream(main, auxiliary))]


class _Decoder:
    """What both decoders share: the surface's size and the H.264 stream."""

    def __init__(self, width: int, height: int) -> None:
        self._width, self._height = width, height
        self._h264 = H264Decoder(width, height)

    def _picture(self, stream: Avc420Stream) -> I420:
        surface = Rect(0, 0, self._width, self._height)
        for region in stream.meta.regions:
            if region.rect.is_empty or not surface.contains(region.rect):
                reason = f"{region}, the surface has {self._width} x {self._height}"
                raise DecodeError("MetaBlock.regionRects", reason, 0)
        return self._h264.decode(stream.bitstream)


class Avc420Decoder(_Decoder):
    """One surface's stream."""

    def decode(self, data: bytes, out: Pixels) -> list[Rect]:
        """Draw a message's regions onto ``out``, the surface (height, width, 4) uint8 BGRX; returns them.

        DecodeError for what is no such message; then ``out`` is as it was.
        """
        stream = decode_structure(Avc420Stream, data)
        picture = self._picture(stream)
        return _show_420(picture, stream.meta.regions, out)


class Avc444Decoder(_Decoder):
    """One surface's stream: keeps the main view for auxiliary ones that come later."""

    def __init__(self, width: int, height: int, *, version: int = 2) -> None:
        super().__init__(width, height)
        self._combined = _COMBINED[version]
        self._main = _black(yuv.i420(0, 0))

    def decode(self, data: bytes, out: Pixels) -> list[Rect]:
        """Draw a message's regions onto ``out``, see :meth:`Avc420Decoder.decode`."""
        stream = decode_structure(Avc444Stream, data)
        # Both views before any pixel: out is left alone if one is wrong.
        main = None if stream.luma is None else self._picture(stream.luma)
        auxiliary = None if stream.chroma is None else self._picture(stream.chroma)
        if main is not None and auxiliary is not None and main.shape != auxiliary.shape:
            raise DecodeError("Avc444Stream", f"views of {main.shape} and {auxiliary.shape} samples", 0)
        for view in (main, auxiliary):
            if view is not None and view.shape != self._main.shape:
                self._main = _black(np.empty_like(view))
        changed: list[Rect] = []
        if stream.luma is not None and main is not None:
            self._keep(main, stream.luma.meta.regions)
            changed += _show_420(main, stream.luma.meta.regions, out)
        if stream.chroma is not None and auxiliary is not None:
            y, u, v = self._combined(self._main, auxiliary)
            for region in stream.chroma.meta.regions:
                part = slice(region.top, region.bottom), slice(region.left, region.right)
                yuv.from_yuv444(y[part], u[part], v[part], out[part])
                changed.append(region.rect)
        return changed

    def _keep(self, picture: I420, regions: Sequence[Rectangle16]) -> None:
        """3.3.8.3.2: chroma goes with the last luma of its rectangle, in whole macroblocks."""
        for region in regions:
            left, top = region.left & -MACROBLOCK, region.top & -MACROBLOCK
            right, bottom = _rounded(region.right), _rounded(region.bottom)
            for step, (kept, new) in enumerate(zip(yuv.planes(self._main), yuv.planes(picture), strict=True)):
                scale = 1 + (step > 0)
                rows, columns = slice(top // scale, bottom // scale), slice(left // scale, right // scale)
                kept[rows, columns] = new[rows, columns]


def _black(picture: I420) -> I420:
    """The same array, filled."""
    luma, u, v = yuv.planes(picture)
    luma[...], u[...], v[...] = 0, 128, 128
    return picture


def _show_420(picture: I420, regions: Sequence[Rectangle16], surface: Pixels) -> list[Rect]:
    luma, u, v = yuv.planes(picture)
    for region in regions:
        # Chroma has a value for two columns and lines: begin at an even one.
        left, top = region.left & ~1, region.top & ~1
        rows, columns = slice(top, region.bottom), slice(left, region.right)
        half = slice(top // 2, (region.bottom + 1) // 2), slice(left // 2, (region.right + 1) // 2)
        part = yuv.from_yuv420(luma[rows, columns], u[half], v[half])
        surface[region.top : region.bottom, region.left : region.right] = part[
            region.top - top :, region.left - left :
        ]
    return [region.rect for region in regions]
