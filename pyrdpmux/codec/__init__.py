"""Pixels to and from bytes. numpy only; knows no connection.

=============  ========  =======  =========  =====  ============================
codec          lossless  state    unit       extra  specification
=============  ========  =======  =========  =====  ============================
uncompressed   yes       none     rectangle  -      MS-RDPEGFX 2.2.2.1
interleaved    yes       none     rectangle  -      MS-RDPBCGR 2.2.9.1.1.3.1.2.4
planar         yes       none     rectangle  -      MS-RDPEGDI 2.2.2.5.1
nscodec        no        none     rectangle  -      MS-RDPNSC 2.2.2
remotefx       no        surface  frame      -      MS-RDPRFX 2.2.2
progressive    no        surface  frame      -      MS-RDPEGFX 2.2.4.2
clear          yes       client   rectangle  -      MS-RDPEGFX 2.2.4.1
alpha          yes       none     rectangle  -      MS-RDPEGFX 2.2.4.3
avc420         no        surface  frame      h264   MS-RDPEGFX 2.2.4.4
avc444         no        surface  frame      h264   MS-RDPEGFX 2.2.4.5, 2.2.4.6
jpeg           no        none     rectangle  jpeg   MS-RDPBCGR 2.2.7.2.10
=============  ========  =======  =========  =====  ============================

:data:`CODECS` is the same for programs, with the bulk compressors; :mod:`.table` says what the words mean.
Lossless is at the depth of the wire, and but for the fourth byte, which is alpha's.
All encoders take a frame and rectangles of it, and are batch-first: numpy's fixed cost of about sixty calls
is paid once per call, so 64 tiles cost little more than one. All decoders take hostile input: they raise
DecodeError and nothing else, and write no more than the pixels that the caller asked for.

:func:`encode_rectangles` is what a server calls once per bitmap update, :func:`changed_tiles` says where;
:func:`reduce_and_expand` is what a client shows of it at less than 32 bits.
"""

from pyrdpmux.codec.bitmap import EncodedBitmap, encode_rectangles
from pyrdpmux.codec.bitmap import decode as decode_bitmap
from pyrdpmux.codec.color import PALETTE, Pixels, reduce_and_expand
from pyrdpmux.codec.compare import Changes, changed_tiles
from pyrdpmux.codec.table import CODECS, Codec, State, Unit

__all__ = ["CODECS", "PALETTE", "Changes", "Codec", "EncodedBitmap", "Pixels", "State", "Unit"]
__all__ += ["changed_tiles", "decode_bitmap", "encode_rectangles", "reduce_and_expand"]
