"""Bytes and fields. Knows no RDP; nobody outside this package packs or unpacks integers by hand."""

from pyrdpmux.wire.block import Block
from pyrdpmux.wire.enums import OpenIntEnum, OpenIntFlag
from pyrdpmux.wire.payload import Payload, frame_offset
from pyrdpmux.wire.reader import Reader
from pyrdpmux.wire.secret import Secret
from pyrdpmux.wire.structure import Structure, decode, encode
from pyrdpmux.wire.writer import Writer

__all__ = [
    "decode",
    "encode",
    "Structure",
    "Reader",
    "Writer",
    "Block",
    "OpenIntEnum",
    "OpenIntFlag",
    "Payload",
    "frame_offset",
    "Secret",
]
