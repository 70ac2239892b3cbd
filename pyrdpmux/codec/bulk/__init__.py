"""Lossless compression of whole packets, each end with the same history of what was sent before.

=========  =========================  ==============================  ==========================
format     specification              module                          history
=========  =========================  ==============================  ==========================
MPPC       MS-RDPBCGR 3.1.8           :mod:`~.mppc`                   8 KB (RDP 4), 64 KB (RDP 5)
NCRUSH     MS-RDPEGDI 3.1.8.1         :mod:`~.ncrush`                 64 KB, sliding (RDP 6.0)
XCRUSH     MS-RDPEGDI 3.1.8.2         :mod:`~.xcrush`                 2 MB and MPPC's (RDP 6.1)
ZGFX       MS-RDPEGFX 3.1.9.1         :mod:`~.zgfx`                   2.5 MB (RDP 8.0)
RDP8-lite  MS-RDPEDYC 2.2.3.3         :mod:`~.zgfx`                   8 KB
=========  =========================  ==============================  ==========================

lz4 finds the repetitions (:mod:`~.matches`), numpy codes and packs them. The first four are a
:class:`~.packet.Compressor` and a :class:`~.packet.Decompressor`; :mod:`~.packets` chooses by type. ZGFX
messages carry their flags within.
"""
