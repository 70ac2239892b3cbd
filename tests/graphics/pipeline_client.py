"""A client of the graphics pipeline: what our own renderer makes of the messages of a stream."""

import numpy as np

from pyrdpmux.codec.bulk.zgfx import ZgfxDecompressor
from pyrdpmux.codec.color import Pixels, Words, words
from pyrdpmux.graphics.stream import Frame
from pyrdpmux.harness.peers.graphics_renderer import GraphicsRenderer
from pyrdpmux.rdp.channels.graphics.pdu import decode_graphics


class PipelineClient:
    """Takes messages as they come from the channel."""

    def __init__(self) -> None:
        self.renderer = GraphicsRenderer(np.zeros((1, 1, 4), np.uint8))
        self.bytes = 0
        self._zgfx = ZgfxDecompressor()

    def take(self, message: bytes) -> None:
        self.bytes += len(message)
        for pdu in decode_graphics(self._zgfx.decompress(message)):
            self.renderer.apply(pdu)

    def take_frame(self, frame: Frame[bytes] | None) -> None:
        if frame is not None:
            self.take(frame.output)

    @property
    def picture(self) -> Pixels:
        return self.renderer.output

    @property
    def shown(self) -> Words:
        """(h, w) uint32, the fourth byte 0."""
        result: Words = words(self.picture) & np.uint32(0xFFFFFF)
        return result
