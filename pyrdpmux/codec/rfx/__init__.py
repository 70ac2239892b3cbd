"""RemoteFX (MS-RDPRFX): tiles of 64x64, wavelets, quantization, and adaptive run-length Golomb-Rice codes.

====================  =========================================  =========================
file                  what                                       section
====================  =========================================  =========================
`color`               BGRX tiles to planes of Y, Cb, Cr          3.1.8.1.3, 3.1.8.2.5
`dwt`                 three levels of the 5/3 wavelet            3.1.8.1.4, 3.1.8.2.4
`quant`               shifts per sub-band, order of sub-bands    3.1.8.1.5, 3.1.8.1.6
`rlgr_tables`         the adaptation as tables                   3.1.8.1.7.3
`rlgr`                coefficients to bytes                      3.1.8.1.7.3
`rlgr_decoder`        and back                                   3.1.8.1.7.3
`tile`                all of it: tiles to three streams, back    3.1.8.1, 3.1.8.2
`block`, `headers`,   the structures TS_RFX_*                    2.2.2
`message`
`encoder`, `decoder`  frames to messages, and back               3.1.8.3
====================  =========================================  =========================

Planes lie *tile-minor*: (64, 64, lanes), a lane being one component of one tile, so that every step of the
wavelet works on whole rows of lanes and never strides. A lane's coefficients are a column of (4096, lanes).
"""
