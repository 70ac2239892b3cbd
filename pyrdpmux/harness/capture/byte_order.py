"""The byte order of a capture file's numbers, which its first bytes tell."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from pyrdpmux.wire import Reader, Writer

#: Jumbo frames and segmentation offload stay below 256 KiB, tcpdump's own default snapshot length.
MAXIMUM_PACKET_SIZE: Final = 262_144


@dataclass(frozen=True, slots=True)
class ByteOrder:
    """How this file writes its numbers."""

    u16: Callable[[Reader, str], int]
    u32: Callable[[Reader, str], int]
    put_u32: Callable[[Writer, str, int], None]

    def encoded(self, value: int) -> bytes:
        """Four bytes."""
        w = Writer("magic")
        self.put_u32(w, "magic", value)
        return w.getvalue()

    def packet_size(self, r: Reader, field: str) -> int:
        """A size of captured bytes, which is checked before it is believed."""
        size = self.u32(r, field)
        if size > MAXIMUM_PACKET_SIZE:
            raise r.error(field, f"{size}, at most {MAXIMUM_PACKET_SIZE} allowed")
        return size


LITTLE: Final = ByteOrder(Reader.u16_le, Reader.u32_le, Writer.u32_le)
BIG: Final = ByteOrder(Reader.u16_be, Reader.u32_be, Writer.u32_be)
