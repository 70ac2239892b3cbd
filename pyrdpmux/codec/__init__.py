"""Pixels to and from the bytes of bitmap updates. numpy only; knows no connection.

=============  =========  ======================================  ===================  ===================
codec          lossless   specification                           encode               decode
=============  =========  ======================================  ===================  ===================
planar         yes        MS-RDPEGDI 2.2.2.5.1, 3.1.9             `planar.encode`      `planar.decode`
interleaved    after      MS-RDPBCGR 2.2.9.1.1.3.1.2.4, 3.1.9     `interleaved.encode` `interleaved.decode`
               reduction
uncompressed   after      MS-RDPBCGR 2.2.9.1.1.3.1.2.2            `bitmap`             `bitmap`
               reduction
=============  =========  ======================================  ===================  ===================

`bitmap.encode_rectangles` is what a server calls once per update; `compare.changed_tiles` says where.

All encoders are batch-first: numpy's fixed cost of about sixty calls is paid once per call, so 64 tiles
cost little more than one. All decoders take hostile input: they raise DecodeError and nothing else, and
write no more than the pixels that the caller asked for.
"""
