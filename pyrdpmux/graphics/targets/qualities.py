"""How the wavelet codecs, RemoteFX and progressive, quantize a picture of each quality."""

from typing import Final

from pyrdpmux.graphics.commands import Quality

FACTORS: Final = {
    Quality.GOOD: (6, 6, 6, 6, 7, 7, 8, 8, 8, 9),
    Quality.MOVING: (7, 7, 7, 7, 8, 8, 9, 9, 9, 10),
    Quality.COARSE: (8, 9, 9, 9, 10, 10, 10, 11, 11, 11),
}
"""Of sub-bands, LL3 first, as both codecs' structures take them: they differ in the order of HL and LH, which
have equal factors here. GOOD is what Windows and FreeRDP send."""
