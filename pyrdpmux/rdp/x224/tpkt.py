"""TPKT, RFC 1006 section 6: version, reserved, big-endian length of the whole packet."""

from dataclasses import dataclass
from typing import Final, Self

from pyrdpmux.wire import Reader, Writer

VERSION: Final = 3
HEADER_SIZE: Final = 4


@dataclass(frozen=True, slots=True)
class Tpkt:
    """RFC 1006, 6. TPKT packet: a length in front of one TPDU."""

    payload: bytes

    @classmethod
    def read(cls, r: Reader) -> Self:
        r.constant_u8("version", VERSION)
        r.pad("reserved", 1)
        length = r.u16_be("length")
        if length != r.remaining + HEADER_SIZE:
            raise r.error("length", f"{length}, but the packet has {r.remaining + HEADER_SIZE} bytes")
        return cls(r.payload("tpdu"))

    def write(self, w: Writer) -> None:
        w.u8("version", VERSION)
        w.pad("reserved", 1)
        w.u16_be("length", HEADER_SIZE + len(self.payload))
        w.raw("tpdu", self.payload)
