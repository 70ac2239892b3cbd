"""Where a frame ends: TPKT or fast-path, told apart by the first byte (MS-RDPBCGR 2.2.8.1.2)."""

from pyrdpmux.errors import DecodeError
from pyrdpmux.rdp.fastpath.header import fast_path_size, is_fast_path
from pyrdpmux.rdp.x224 import tpkt

#: TPKT header and the shortest TPDU, X.224 Data
MIN_TPKT_SIZE = tpkt.HEADER_SIZE + 3


def frame_size(buffer: bytes | bytearray) -> int | None:
    """Size of the frame at the start of ``buffer``, or None while its header is incomplete.

    Raises DecodeError for bytes that begin neither a TPKT nor a fast-path PDU.
    """
    if not buffer:
        return None
    if is_fast_path(buffer[0]):
        return fast_path_size(buffer)
    if buffer[0] != tpkt.VERSION:
        raise DecodeError("frame.action", f"{buffer[0]:#04x} begins neither TPKT nor fast-path", 0)
    if len(buffer) < tpkt.HEADER_SIZE:
        return None
    size = buffer[2] << 8 | buffer[3]
    if size < MIN_TPKT_SIZE:
        raise DecodeError("Tpkt.length", f"{size}, at least {MIN_TPKT_SIZE} expected", 2)
    return size


def take_frame(buffer: bytearray) -> bytes | None:
    """Remove and return one whole frame from the front of ``buffer``, or None while there is none."""
    size = frame_size(buffer)
    if size is None or len(buffer) < size:
        return None
    frame = bytes(buffer[:size])
    del buffer[:size]
    return frame


def take_tpkt(buffer: bytearray) -> bytes | None:
    """The same for phases that know TPKT only: anything else is refused with its first byte."""
    if buffer and buffer[0] != tpkt.VERSION:
        raise DecodeError("Tpkt.version", f"{buffer[0]:#04x}, expected {tpkt.VERSION:#04x}", 0)
    return take_frame(buffer)
