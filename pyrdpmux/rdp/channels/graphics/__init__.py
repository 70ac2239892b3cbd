"""The graphics pipeline: surfaces, caches and codecs on a dynamic channel of its own (MS-RDPEGFX)."""
