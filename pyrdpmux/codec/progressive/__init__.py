"""RemoteFX progressive (MS-RDPEGFX 2.2.4.2): RemoteFX whose tiles come in passes of growing quality.

====================  ==========================================  =============================
file                  what                                        section
====================  ==========================================  =============================
`extrapolate`         the wavelet that leaves no tile borders     3.2.8.1.2.2, 3.3.8.2.2
`block`, `region`     the structures RFX_PROGRESSIVE_*            2.2.4.2.1
`passes`              extra quantization; what a pass sends       3.1.8.1.3, 3.2.8.1.5
`srl`                 Simplified Run-Length codes and raw bits    3.1.8.1.5, 3.2.8.1.5.2.1
`encoder`             frames to blocks, with the state of tiles   3.2.8.1
`decoder`             and back                                    3.3.8.2
====================  ==========================================  =============================

Colors, quantization and RLGR1 are :mod:`pyrdpmux.codec.rfx`'s, and so is the tile-minor layout.
"""
