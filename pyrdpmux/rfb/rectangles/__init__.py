"""Decoders of rectangles: one file for each family of encodings."""
