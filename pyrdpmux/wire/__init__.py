"""Bytes and fields. Knows no RDP; nobody outside this package packs or unpacks integers by hand."""

from pyrdpmux.wire.enums import OpenIntEnum
from pyrdpmux.wire.reader import Reader, Structure, decode
from pyrdpmux.wire.writer import Writer, encode

__all__ = ["OpenIntEnum", "Reader", "Structure", "Writer", "decode", "encode"]
