"""ClearCodec (MS-RDPEGFX 2.2.4.1, 3.3.8.1): exact pictures of text in two bytes a column.

Up to three layers, each painted over the one before::

    residual   runs of one color over the whole bitmap            3 bytes of color and a length of 1, 3 or 7
    bands      rows of columns ("V-Bars"), at most 52 pixels high  2 bytes for a column that the client knows
    subcodecs  rectangles: raw, NSCodec, or a palette with runs (RLEX)

A column that is not known costs its *short* V-Bar, the part between the band's background above and below,
unless that is known. Both caches are filled at a cursor that goes round; server and client count alike, so an
encoder belongs to one client and its messages must all arrive, in order (``seqNumber``).

`encoder.Encoder` and `decoder.Decoder` are the two ends; `layout` finds lines of text, `columns` the columns'
hashes and caches, `runs` what residual, RLEX and the alpha codec share.
"""
