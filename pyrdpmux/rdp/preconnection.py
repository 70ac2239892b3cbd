"""What a client may send in front of everything else, to say which of several desktops it wants (MS-RDPEPS).

A server that waits for it tells it from an X.224 or TLS beginning by its third and fourth byte: only here
they are zero, as the upper half of a size that is never large.
"""

from dataclasses import dataclass
from typing import Final, Self

from pyrdpmux.errors import DecodeError
from pyrdpmux.wire import OpenIntEnum, Reader, Writer

SIZE_V1: Final = 16
MIN_SIZE_V2: Final = 18
#: names, GUIDs and their options are far shorter; the field could say 131 088
MAX_SIZE: Final = 4096
#: as many bytes tell a preconnection PDU from other beginnings
DECISIVE_SIZE: Final = 4


class PreconnectionVersion(OpenIntEnum):
    """Version of MS-RDPEPS 2.2.1.1."""

    V1 = 1
    V2 = 2


@dataclass(frozen=True, slots=True)
class Preconnection:
    """MS-RDPEPS 2.2.1 Server RDP Preconnection PDU (RDP_PRECONNECTION_PDU_V1, RDP_PRECONNECTION_PDU_V2).

    ``blob`` is as sent, mostly with a null at its end; None in version 1, which only the size tells apart.
    """

    id: int = 0
    blob: str | None = None
    version: PreconnectionVersion = PreconnectionVersion.V2

    @property
    def target(self) -> str:
        """The part of the blob that names the desktop: in front of ``;key=value`` options, if any."""
        return (self.blob or "").split("\0", 1)[0].split(";", 1)[0]

    @classmethod
    def read(cls, r: Reader) -> Self:
        size = r.u32_le("cbSize")
        if size != SIZE_V1 and not MIN_SIZE_V2 <= size <= MAX_SIZE:
            raise r.error("cbSize", f"{size}, {SIZE_V1} or {MIN_SIZE_V2} to {MAX_SIZE} allowed")
        with r.region("body", size - 4):
            r.pad("Flags", 4)
            version = PreconnectionVersion(r.u32_le("Version"))
            if version == PreconnectionVersion.V1 and size != SIZE_V1:
                raise r.error("Version", f"1 in a PDU of {size} bytes")
            source_id = r.u32_le("Id")
            if size == SIZE_V1:
                return cls(source_id, None, version)
            blob = r.utf16("wszPCB", 2 * r.u16_le("cchPCB"))
            r.pad("rest", r.remaining)  # to be ignored (MS-RDPEPS appendix A, note 8)
            return cls(source_id, blob, version)

    def write(self, w: Writer) -> None:
        units = 0 if self.blob is None else len(self.blob.encode("utf-16-le", "surrogatepass")) // 2
        w.u32_le("cbSize", SIZE_V1 if self.blob is None else MIN_SIZE_V2 + 2 * units)
        w.pad("Flags", 4)
        w.u32_le("Version", self.version)
        w.u32_le("Id", self.id)
        if self.blob is not None:
            w.u16_le("cchPCB", units)
            w.utf16("wszPCB", self.blob)


def is_preconnection(buffer: bytes | bytearray) -> bool | None:
    """Whether ``buffer`` begins with a preconnection PDU; None while that cannot be said."""
    if len(buffer) < DECISIVE_SIZE:
        return None
    return not any(buffer[2:4])


def take_preconnection(buffer: bytearray) -> bytes | None:
    """Remove a whole preconnection PDU from the front of ``buffer``; None while it is incomplete."""
    if len(buffer) < DECISIVE_SIZE:
        return None
    size = buffer[0] | buffer[1] << 8
    if not SIZE_V1 <= size <= MAX_SIZE:
        raise DecodeError("Preconnection.cbSize", f"{size}, {SIZE_V1} to {MAX_SIZE} allowed", 0)
    if len(buffer) < size:
        return None
    frame = bytes(buffer[:size])
    del buffer[:size]
    return frame
