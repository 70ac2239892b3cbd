"""Bytes and fields. Knows no RDP; nobody outside this package packs or unpacks integers by hand."""

from pyrdpmux.wire.block import Block
from pyrdpmux.wire.enums import OpenIntEnum, OpenIntFlag
from pyrdpmux.wire.reader import Reader, Structure, decode
from pyrdpmux.wire.writer import Writer, encode

__all__ = ["Block", "OpenIntEnum", "OpenIntFlag", "Reader", "Structure", "Writer", "decode", "encode"]
