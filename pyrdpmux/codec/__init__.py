"""Pixels to and from the bytes of bitmap updates. numpy only; knows no connection.

=============  ===========  ===============================  ==============================================
codec          lossless     specification                    where
=============  ===========  ===============================  ==============================================
uncompressed   at depth     MS-RDPEGFX 2.2.2.1               `uncompressed`
interleaved    at depth     MS-RDPBCGR 2.2.9.1.1.3.1.2.4     `interleaved`
planar         yes          MS-RDPEGDI 2.2.2.5.1, 3.1.9      `planar`
NSCodec        no           MS-RDPNSC 2.2.2                  `nscodec`
RemoteFX       no           MS-RDPRFX 2.2.2                  `rfx.encoder`, `rfx.decoder`
progressive    no           MS-RDPEGFX 2.2.4.2               `progressive.encoder`, `progressive.decoder`
ClearCodec     yes          MS-RDPEGFX 2.2.4.1               `clear.encoder`, `clear.decoder`
alpha          yes          MS-RDPEGFX 2.2.4.3               `alpha`
AVC420, 444    no           MS-RDPEGFX 2.2.4.4 to 2.2.4.6    `avc.codec` (extra ``h264``)
JPEG           no           MS-RDPBCGR 2.2.7.2.10            `jpeg` (extra ``jpeg``)
bulk           yes          several                          `bulk`
=============  ===========  ===============================  ==============================================

`table.CODECS` is the same for programs.

`bitmap.encode_rectangles` is what a server calls once per update; `compare.changed_tiles` says where.

All encoders are batch-first: numpy's fixed cost of about sixty calls is paid once per call, so 64 tiles
cost little more than one. All decoders take hostile input: they raise DecodeError and nothing else, and
write no more than the pixels that the caller asked for.
"""
