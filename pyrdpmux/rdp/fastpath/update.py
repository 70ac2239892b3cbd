"""Fast-path output: several updates in one PDU, each with a three or four byte header.

Three layers, each lossless by itself: :class:`FastPathOutput` is the PDU, :class:`FastPathUpdate` one update
or fragment with its data as it is on the wire, and an :data:`UpdateBody` what the data mean. Between the
last two stand reassembly (:mod:`pyrdpmux.rdp.fastpath.fragment`) and bulk compression.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, Self

from pyrdpmux.errors import EncodeError
from pyrdpmux.rdp.fastpath.header import MAX_RECEIVED_SIZE, FastPathFlags, FastPathHeader, read_plain_header
from pyrdpmux.rdp.fastpath.surface import SurfaceCommands
from pyrdpmux.rdp.pdu.pointer import (
    CachedPointer,
    ColorPointer,
    LargePointer,
    NewPointer,
    PointerPosition,
    SystemPointer,
    SystemPointerType,
)
from pyrdpmux.rdp.pdu.update import BitmapUpdate, OrdersUpdate, PaletteUpdate, SynchronizeUpdate
from pyrdpmux.wire import OpenIntEnum, Reader, Writer, encode

UPDATE_HEADER_SIZE: Final = 3
#: One PDU cannot hold more, and a sane one holds a few.
MAX_UPDATES: Final = MAX_RECEIVED_SIZE // UPDATE_HEADER_SIZE
COMPRESSION_USED: Final = 0x2
#: Of compressionFlags (MS-RDPBCGR 2.2.8.1.1.1.2): without it the data is plain although flags are there.
PACKET_COMPRESSED: Final = 0x20


class UpdateCode(OpenIntEnum):
    """updateCode of MS-RDPBCGR 2.2.9.1.2.1."""

    ORDERS = 0x0
    BITMAP = 0x1
    PALETTE = 0x2
    SYNCHRONIZE = 0x3
    SURFCMDS = 0x4
    PTR_NULL = 0x5
    PTR_DEFAULT = 0x6
    PTR_POSITION = 0x8
    COLOR = 0x9
    CACHED = 0xA
    POINTER = 0xB
    LARGE_POINTER = 0xC


class Fragmentation(IntEnum):
    """fragmentation of MS-RDPBCGR 2.2.9.1.2.1; two bits, all taken."""

    SINGLE = 0
    LAST = 1
    FIRST = 2
    NEXT = 3


@dataclass(frozen=True, slots=True)
class FastPathUpdate:
    """MS-RDPBCGR 2.2.9.1.2.1 Fast-Path Update (TS_FP_UPDATE): one update, or a fragment of one."""

    update_code: UpdateCode
    data: bytes
    fragmentation: Fragmentation = Fragmentation.SINGLE
    compression_flags: int | None = None

    @property
    def is_compressed(self) -> bool:
        return bool((self.compression_flags or 0) & PACKET_COMPRESSED)

    @property
    def size(self) -> int:
        """Bytes on the wire."""
        return UPDATE_HEADER_SIZE + (self.compression_flags is not None) + len(self.data)

    @classmethod
    def read(cls, r: Reader) -> Self:
        header = r.u8("updateHeader")
        compression_flags = r.u8("compressionFlags") if header >> 6 & COMPRESSION_USED else None
        data = r.payload("updateData", r.u16_le("size"))
        return cls(UpdateCode(header & 0x0F), data, Fragmentation(header >> 4 & 0x03), compression_flags)

    def write(self, w: Writer) -> None:
        if not 0 <= self.update_code <= 0x0F:
            raise w.error("updateHeader", f"code {self.update_code} does not fit 4 bits")
        has_flags = self.compression_flags is not None
        w.u8(
            "updateHeader",
            self.update_code | self.fragmentation << 4 | (COMPRESSION_USED << 6 if has_flags else 0),
        )
        if self.compression_flags is not None:
            w.u8("compressionFlags", self.compression_flags)
        w.u16_le("size", len(self.data))
        w.raw("updateData", self.data)


def _read_updates(r: Reader) -> tuple[FastPathUpdate, ...]:
    updates: list[FastPathUpdate] = []
    while r.remaining:
        if len(updates) == MAX_UPDATES:
            raise r.error("fpOutputUpdates", f"more than {MAX_UPDATES} updates")
        updates.append(FastPathUpdate.read(r))
    return tuple(updates)


def decode_updates(body: bytes) -> tuple[FastPathUpdate, ...]:
    """The updates in a PDU's body (decrypted, without FIPS padding)."""
    return _read_updates(Reader(body, "FastPathOutput"))


def encode_updates(updates: Iterable[FastPathUpdate]) -> bytes:
    """A PDU's body, ready to be encrypted."""
    w = Writer("FastPathOutput")
    for update in updates:
        update.write(w)
    return w.getvalue()


@dataclass(frozen=True, slots=True)
class FastPathOutput:
    """MS-RDPBCGR 2.2.9.1.2 Server Fast-Path Update PDU (TS_FP_UPDATE_PDU), not encrypted."""

    updates: tuple[FastPathUpdate, ...]
    flags: FastPathFlags = FastPathFlags(0)
    has_long_length: bool = False

    @classmethod
    def read(cls, r: Reader) -> Self:
        header = read_plain_header(r)
        return cls(_read_updates(r), header.flags, header.has_long_length)

    def write(self, w: Writer) -> None:
        header = FastPathHeader(flags=self.flags, has_long_length=self.has_long_length)
        header.write(w, sum([update.size for update in self.updates]))
        for update in self.updates:
            update.write(w)


@dataclass(frozen=True, slots=True)
class CompressedUpdate:
    """MS-RDPBCGR 2.2.9.1.2.1 updateData under bulk compression (3.1.8), as it is on the wire."""

    update_code: UpdateCode
    data: bytes
    compression_flags: int


@dataclass(frozen=True, slots=True)
class UnknownFastPathUpdate:
    """MS-RDPBCGR 2.2.9.1.2.1 updateData of an unknown updateCode."""

    update_code: UpdateCode
    data: bytes


SharedBody = (
    BitmapUpdate
    | PaletteUpdate
    | SurfaceCommands
    | PointerPosition
    | ColorPointer
    | CachedPointer
    | NewPointer
    | LargePointer
)
UpdateBody = (
    SharedBody | OrdersUpdate | SynchronizeUpdate | SystemPointer | CompressedUpdate | UnknownFastPathUpdate
)

BODY_TYPES: Final[dict[UpdateCode, type[SharedBody]]] = {
    UpdateCode.BITMAP: BitmapUpdate,
    UpdateCode.PALETTE: PaletteUpdate,
    UpdateCode.SURFCMDS: SurfaceCommands,
    UpdateCode.PTR_POSITION: PointerPosition,
    UpdateCode.COLOR: ColorPointer,
    UpdateCode.CACHED: CachedPointer,
    UpdateCode.POINTER: NewPointer,
    UpdateCode.LARGE_POINTER: LargePointer,
}
UPDATE_CODES: Final = {cls: code for code, cls in BODY_TYPES.items()}
SYSTEM_POINTER_CODES: Final = {
    SystemPointerType.NULL: UpdateCode.PTR_NULL,
    SystemPointerType.DEFAULT: UpdateCode.PTR_DEFAULT,
}


def _read_orders(r: Reader) -> OrdersUpdate:
    """MS-RDPEGDI 2.2.2.2 Fast-Path Orders Update (TS_FP_UPDATE_ORDERS): the slow path's without padding."""
    number_orders = r.u16_le("numberOrders")
    return OrdersUpdate(number_orders, r.rest("orderData"))


def _read_synchronize(r: Reader) -> SynchronizeUpdate:
    """MS-RDPBCGR 2.2.9.1.2.1.3: empty."""
    # QUIRK(FreeRDP): allows for the slow path's two bytes of padding here; its contents mean nothing anyway.
    if r.remaining:
        r.pad("pad2Octets", 2)
    return SynchronizeUpdate()


#: What the fast path lays out in its own way.
BODY_READERS: Final[dict[UpdateCode, Callable[[Reader], UpdateBody]]] = {
    UpdateCode.ORDERS: _read_orders,
    UpdateCode.SYNCHRONIZE: _read_synchronize,
    UpdateCode.PTR_NULL: lambda _r: SystemPointer(SystemPointerType.NULL),
    UpdateCode.PTR_DEFAULT: lambda _r: SystemPointer(SystemPointerType.DEFAULT),
}


def decode_update(update: FastPathUpdate) -> UpdateBody:
    """What one update means; a fragment has to go through a ``Reassembler`` first."""
    code = update.update_code
    r = Reader(update.data, f"FastPathUpdate.{code.name}")
    if update.fragmentation is not Fragmentation.SINGLE:
        raise r.error("updateHeader", f"{update.fragmentation.name} fragment, expected a whole update")
    if update.is_compressed and update.compression_flags is not None:
        return CompressedUpdate(code, update.data, update.compression_flags)
    body: UpdateBody
    if (reader := BODY_READERS.get(code)) is not None:
        body = reader(r)
    elif (cls := BODY_TYPES.get(code)) is not None:
        body = cls.read(r)
    else:
        body = UnknownFastPathUpdate(code, r.rest("updateData"))
    r.finish("updateData")
    return body


def encode_update(body: UpdateBody) -> FastPathUpdate:
    """One whole update; where it is too big for a PDU, ``fragment`` cuts it."""
    match body:
        case CompressedUpdate(code, data, compression_flags):
            return FastPathUpdate(code, data, compression_flags=compression_flags)
        case UnknownFastPathUpdate(code, data):
            return FastPathUpdate(code, data)
        case SynchronizeUpdate():
            return FastPathUpdate(UpdateCode.SYNCHRONIZE, b"")
        case SystemPointer(pointer_type):
            return FastPathUpdate(_system_pointer_code(pointer_type), b"")
        case OrdersUpdate(number_orders, order_data):
            return FastPathUpdate(UpdateCode.ORDERS, _encode_orders(number_orders, order_data))
        case _:
            return FastPathUpdate(UPDATE_CODES[type(body)], encode(body))


def _system_pointer_code(pointer_type: SystemPointerType) -> UpdateCode:
    code = SYSTEM_POINTER_CODES.get(pointer_type)
    if code is None:
        raise EncodeError("FastPathUpdate.updateCode", f"no code for a system pointer {pointer_type.name}")
    return code


def _encode_orders(number_orders: int, order_data: bytes) -> bytes:
    w = Writer("FastPathUpdate")
    w.u16_le("numberOrders", number_orders)
    w.raw("orderData", order_data)
    return w.getvalue()
