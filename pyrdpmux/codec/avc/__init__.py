"""AVC420, AVC444 and AVC444v2: H.264 in the graphics pipeline (MS-RDPEGFX 2.2.4.4 to 2.2.4.6, 3.3.8.3).

============  ===========================================================================================
`stream`      the messages: regions, their quantisers, one or two bitstreams
`yuv`         BGRX to and from YUV, BT.709, full range
`convert`     BGRX to 4:2:0 by swscale, from PyAV, too
`views`       YUV 4:4:4 as two 4:2:0 pictures, in the two layouts, and back
`regions`     regions in whole macroblocks, and what AVC444 asks of them
`h264`        the H.264 encoder and decoder, from PyAV: the extra ``pyrdpmux[h264]``
`codec`       all of it together: frames to messages, messages to surfaces
============  ===========================================================================================
"""
