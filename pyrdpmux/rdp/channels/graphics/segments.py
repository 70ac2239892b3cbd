"""What the server sends is an RDP_SEGMENTED_DATA (MS-RDPEGFX 2.2.5): here, one that is not compressed.

Its segments are history to what follows all the same (3.1.9.1.2): between two messages of one ZgfxCompressor,
one of these breaks what it refers to.
"""

from pyrdpmux.codec.bulk.segments import Segment, SegmentedData
from pyrdpmux.codec.bulk.zgfx import RDP8
from pyrdpmux.errors import EncodeError
from pyrdpmux.wire import encode


def segmented(data: bytes) -> bytes:
    """``data`` as one message. Raises EncodeError beyond 65,535 segments (4 GB)."""
    size, kind = RDP8.segment_size, RDP8.compression_type
    segments = [Segment(kind, data[at : at + size]) for at in range(0, max(1, len(data)), size)]
    if len(segments) == 1:
        return encode(SegmentedData((segments[0],)))
    if len(segments) > 0xFFFF:
        raise EncodeError("SegmentedData.segmentCount", f"{len(segments)}, at most {0xFFFF} fit")
    return encode(SegmentedData(tuple(segments), len(data)))
