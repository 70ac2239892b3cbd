"""The video of one box, as H.264: of its own size, and no more of it than the link takes."""

from collections.abc import Sequence
from typing import Final

from pyrdpmux.codec.avc.codec import Avc420Encoder
from pyrdpmux.codec.avc.yuv import MACROBLOCK, coded_size
from pyrdpmux.codec.color import Pixels
from pyrdpmux.geometry import Rect

PICTURE_QP: Final = 25
MAX_RATE: Final = 5_500_000
"""Bits per second of a box's video, at most: so that noise does not take everything."""

RATED_PIXELS: Final = 1920 * 1080
"""Of a box that gets MAX_RATE; a larger one gets more in proportion. With as much for 5120x1440, a photograph
cannot be told from another one before it is made exact."""

MIN_RATE: Final = 400_000
"""The same, at least, however slow the link is."""

BURSTS_PER_SECOND: Final = 10
"""The encoder may spend so much of a second's rate on one picture: :class:`.h264.H264Encoder`."""

RATE_FACTOR: Final = 2.0
RATED_PICTURES: Final = 15
"""A video begins anew if its rate is wrong by this factor, after so many of its pictures."""

LARGE_PIXELS: Final = 1 << 20
"""A box of so many shows its first picture, which may be the only one, as soon as it can: 7 ms sooner for
1920x1080, and a decibel worse. With the second one a video begins."""

ENOUGH_BYTES: Final = 192 * 1024
"""Of a picture: on a slower link it is coarse, and looks like it without a filter for its blocks."""


class BoxVideo:
    """The video of one box: of its surface, which is a little larger than what is shown of it.

    Its picture has what was changed by a frame since it began; what was not is black and costs nothing.
    """

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = coded_size(width, height)
        self._most_rate = MAX_RATE * max(self.width * self.height, RATED_PIXELS) // RATED_PIXELS
        self._video: Avc420Encoder | None = None
        #: of the video, and of its pictures so far
        self._rate = self._count = 0
        #: it is a first picture only
        self._is_hasty = False

    def encode(self, source: Pixels, rects: Sequence[Rect], max_bytes: int | None = None) -> bytes:
        """``source`` (h, w, 4) is as large as what is shown; ``rects`` of it have changed.

        ``max_bytes``: of the picture, about; None: as the size allows.
        """
        # Whole macroblocks: beyond the edges of MAIN as at the edge.
        regions = [_grown(rect, self.width, self.height) for rect in rects]
        return self._video_within(max_bytes).encode_changed(source, regions)

    def _video_within(self, max_bytes: int | None) -> Avc420Encoder:
        """The video goes on, as long as its rate is about right: another one begins with a key frame."""
        rate = self._most_rate
        if max_bytes is not None:
            rate = min(rate, max(8 * max_bytes * BURSTS_PER_SECOND, MIN_RATE))
        is_wrong = not self._rate / RATE_FACTOR < rate < self._rate * RATE_FACTOR
        if self._video is None or self._is_hasty or (is_wrong and self._count >= RATED_PICTURES):
            is_large = self.width * self.height >= LARGE_PIXELS
            has_room = max_bytes is None or max_bytes >= ENOUGH_BYTES
            self._is_hasty = self._video is None and is_large and has_room
            size = self.width, self.height
            self._video = Avc420Encoder(*size, PICTURE_QP, max_rate=rate, deblocks=not self._is_hasty)
            self._rate, self._count = rate, 0
        self._count += 1
        return self._video


def _grown(rect: Rect, width: int, height: int) -> Rect:
    """To whole macroblocks."""
    left, top = rect.x // MACROBLOCK, rect.y // MACROBLOCK
    right, bottom = -(-rect.right // MACROBLOCK), -(-rect.bottom // MACROBLOCK)
    grown = Rect.from_corners(left * MACROBLOCK, top * MACROBLOCK, right * MACROBLOCK, bottom * MACROBLOCK)
    return grown.clip(width, height)
