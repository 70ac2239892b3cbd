"""H.264 from PyAV (FFmpeg's decoder, libx264), the extra ``pyrdpmux[h264]``: imported when first needed.

Pictures are I420 arrays (:mod:`pyrdpmux.codec.avc.yuv`), bitstreams are ITU-T H.264 Annex B. One picture in,
one access unit out, at once: no B pictures, no lookahead, no frame threads.
"""

from fractions import Fraction
from typing import Any, Final

import numpy as np

from pyrdpmux.codec import extras
from pyrdpmux.codec.avc.yuv import I420, MACROBLOCK, coded_size, i420, planes
from pyrdpmux.errors import DecodeError, EncodeError

MAX_SIDE: Final = 8192
"""Level 6 allows 16384; no screen has it."""
MIN_QP: Final = 0
MAX_QP: Final = 51
DEFAULT_QP: Final = 22
_PRESET: Final = "ultrafast"
_TOOLS: Final = "cabac=1:8x8dct=1"
_DEBLOCK: Final = "deblock=0,0"
"""Of the tools that the preset leaves out, what pays: a fifth fewer bytes and a third of a decibel in a tenth
of time, together. The profile is High: clients have to take it (Microsoft's test suites ask them to).

Views that take turns are not deblocked: one of them is no picture."""
_FORMAT: Final = "yuv420p"
DEFAULT_FRAME_RATE: Final = 60
_EDGES: Final = 64


def _check_size(width: int, height: int) -> None:
    for side in (width, height):
        if not 0 < side <= MAX_SIDE or side % MACROBLOCK:
            reason = f"{width} x {height}, expected multiples of {MACROBLOCK} up to {MAX_SIDE}"
            raise EncodeError("picture", reason)


class H264Encoder:
    """One stream of pictures of one size.

    ``qp`` is fixed; with ``max_rate`` (bits per second, if ``frame_rate`` pictures come in one) it is what
    x264 aims at (crf), as far as the rate allows. A picture that changes little wants the first: x264 takes
    it for an easy one, and spends tens of kilobytes on it now and then.

    ``references`` above one lets a picture refer to the one before the last: AVC444 sends two kinds in turns.
    ``deblocks``: without, a decibel is lost, and whoever decodes needs three fifths of the time.
    """

    def __init__(
        self,
        width: int,
        height: int,
        qp: int = DEFAULT_QP,
        *,
        max_rate: int | None = None,
        frame_rate: int = DEFAULT_FRAME_RATE,
        references: int = 1,
        deblocks: bool = True,
    ) -> None:
        _check_size(width, height)
        if not MIN_QP <= qp <= MAX_QP:
            raise EncodeError("qp", f"{qp}, expected {MIN_QP} to {MAX_QP}")
        av = extras.load(extras.H264)
        self._shape = (height + height // 2, width)
        self._frame_of = av.VideoFrame.from_numpy_buffer
        self._intra = av.video.frame.PictureType.I
        context = av.CodecContext.create("libx264", "w")
        context.width, context.height = width, height
        context.pix_fmt = _FORMAT
        context.time_base = Fraction(1, frame_rate)
        context.framerate = frame_rate
        context.thread_count = 1
        context.options = self._options(qp, max_rate, references, deblocks and references == 1)
        self._context = context
        self._count = 0

    @staticmethod
    def _options(qp: int, max_rate: int | None, references: int, deblocks: bool) -> dict[str, str]:
        parameters = f"keyint=infinite:scenecut=0:ref={references}:fullrange=on"
        parameters += f":colormatrix=bt709:colorprim=bt709:transfer=bt709:{_TOOLS}"
        if deblocks:
            parameters += f":{_DEBLOCK}"
        options = {"preset": _PRESET, "tune": "zerolatency", "x264-params": parameters}
        if max_rate is None:
            return {**options, "qp": str(qp)}
        # A tenth of a second of the rate may be sent at once.
        return {**options, "crf": str(qp), "maxrate": str(max_rate), "bufsize": str(max_rate // 10)}

    def encode(self, picture: I420, *, key_frame: bool = False) -> bytes:
        """The access unit of one picture; the first one is a key frame in any case.

        Threads may each call an encoder of their own: x264 works in the caller's, without the GIL.
        """
        if picture.shape != self._shape or picture.dtype != np.uint8:
            raise EncodeError("picture", f"shape {picture.shape}, expected {self._shape}")
        frame = self._frame_of(np.ascontiguousarray(picture), format=_FORMAT)
        frame.pts = self._count
        self._count += 1
        if key_frame:
            frame.pict_type = self._intra
        return b"".join([bytes(packet) for packet in self._context.encode(frame)])


class H264Decoder:
    """One stream of pictures for a surface of this size, none larger than :func:`.yuv.coded_size` of it."""

    def __init__(self, width: int, height: int) -> None:
        self._least = tuple(side + -side % MACROBLOCK for side in (width, height))
        _check_size(*self._least)
        self._most = coded_size(width, height)
        av = extras.load(extras.H264)
        context = av.CodecContext.create("h264", "r")
        context.thread_count = 1
        # FFmpeg allocates by what the stream claims, and edges around it: this is compared before.
        most = (self._most[0] + _EDGES) * (self._most[1] + _EDGES)
        # Whole macroblocks, whatever the stream says of cropping: clients know the surface's size, and find
        # the halves of AVC444v2's pictures by the width that is coded.
        context.options = {"max_pixels": str(most), "flags": "low_delay", "flags2": "ignorecrop"}
        self._context = context
        self._packet = av.Packet
        self._error = av.FFmpegError

    def decode(self, data: bytes) -> I420:
        """The picture of one access unit; DecodeError if it is not one.

        It has the coded size, or the surface's in whole macroblocks where it is smaller: black is added.
        """
        if not data:
            raise DecodeError("H264", "no data", 0)
        try:
            frames = self._context.decode(self._packet(data))
        except (self._error, ValueError) as error:
            raise DecodeError("H264", f"{type(error).__name__}: {error}", 0) from None
        if not frames:
            raise DecodeError("H264", "no picture", 0)
        frame = frames[-1]
        name = frame.format.name
        if name not in (_FORMAT, "yuvj420p"):
            raise DecodeError("H264", f"a picture of {name}, expected {_FORMAT}", 0)
        size = width, height = frame.width, frame.height
        if width > self._most[0] or height > self._most[1] or width % MACROBLOCK or height % MACROBLOCK:
            raise DecodeError("H264", f"{size} in macroblocks, at most {self._most} expected", 0)
        return self._picture(frame)

    def _picture(self, frame: Any) -> I420:
        width, height = max(frame.width, self._least[0]), max(frame.height, self._least[1])
        result = i420(height, width)
        result.fill(0)
        for plane, target in zip(frame.planes, planes(result), strict=True):
            lines = np.frombuffer(plane, np.uint8).reshape(-1, plane.line_size)
            target[: plane.height, : plane.width] = lines[: plane.height, : plane.width]
        return result
