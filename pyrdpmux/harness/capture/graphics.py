"""Graphics in captures: the messages of a server out of their segments, also behind a gap (MS-RDPEGFX)."""

from pyrdpmux.codec.bulk.segments import COMPRESSED, SegmentedData
from pyrdpmux.codec.bulk.zgfx import ZgfxDecompressor
from pyrdpmux.errors import DecodeError
from pyrdpmux.wire import decode


class GraphicsReader:
    """One graphics channel: what the server sends is compressed with one history, the client's is not."""

    def __init__(self) -> None:
        self._decompressor: ZgfxDecompressor | None = ZgfxDecompressor()

    def lose(self) -> None:
        """Segments are missing: the history never comes back."""
        self._decompressor = None

    def decompress(self, data: bytes) -> bytes:
        """The PDUs' bytes out of an RDP_SEGMENTED_DATA. Raises DecodeError."""
        if self._decompressor is None:
            return _without_history(data)
        try:
            return self._decompressor.decompress(data)
        except DecodeError:
            self.lose()
            raise


def _without_history(data: bytes) -> bytes:
    """Segments that are not compressed can be read at any time."""
    segments = decode(SegmentedData, data).segments
    if any(segment.header & COMPRESSED for segment in segments):
        raise DecodeError("RDP_SEGMENTED_DATA", "its history is not known behind what is missing", 0)
    return b"".join([segment.data for segment in segments])
