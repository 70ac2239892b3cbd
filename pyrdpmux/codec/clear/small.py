"""Small pictures, such as a letter that is typed or a cursor: by rules of thumb, in a tenth of the time.

Columns that a client knows would be shorter now and then, but looking for them takes half a millisecond,
whatever the size. Small pictures are kept as glyphs: the same one costs four bytes from the second time on.
"""

from typing import Final

from pyrdpmux.codec.clear import residual, runs
from pyrdpmux.codec.clear.stream import CompositePayload, Subcodec, SubcodecId
from pyrdpmux.codec.color import Words
from pyrdpmux.wire import encode as encode_structure

RAW_PIXELS: Final = 192
"""Of a picture that may go raw."""
MAX_RUNS: Final = 96
"""Of a picture that goes as runs."""
_RUN_SIZE: Final = 4


def payload(pixels: Words) -> CompositePayload | None:
    """Of (h, w) words 0x00RRGGBB, C-contiguous; None where columns are worth a look."""
    flat = pixels.reshape(-1)
    starts, lengths = runs.runs_of(flat)
    is_raw = len(flat) <= RAW_PIXELS
    if len(starts) <= MAX_RUNS and (not is_raw or _RUN_SIZE * len(starts) <= 3 * len(flat)):
        return CompositePayload(runs.pack(residual.octets(flat[starts]), lengths))
    if not is_raw:
        return None
    height, width = pixels.shape
    raw = residual.octets(flat).tobytes()
    area = Subcodec(0, 0, width, height, SubcodecId.RAW, raw)
    return CompositePayload(subcodecs=encode_structure(area))
