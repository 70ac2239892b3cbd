"""The envelope of everything on the I/O channel: share control header and, inside it, share data header.

``decode_share`` reads the one PDU of a frame, ``decode_shares`` all of them where a peer packs several into
one MCS Send Data. The two tables are the only places that connect a type number with its class.
"""

from dataclasses import dataclass
from typing import Any, Final, Self

from pyrdpmux.rdp.pdu.activation import ConfirmActive, DeactivateAll, DemandActive
from pyrdpmux.rdp.pdu.cache_error import (
    BitmapCacheError,
    DrawGdiPlusError,
    DrawNineGridError,
    OffscreenCacheError,
)
from pyrdpmux.rdp.pdu.display import (
    FrameAcknowledge,
    MonitorLayout,
    PlaySound,
    RefreshRectangle,
    ServerStatusInfo,
    SetKeyboardImeStatus,
    SetKeyboardIndicators,
    ShutdownDenied,
    ShutdownRequest,
    SuppressOutput,
)
from pyrdpmux.rdp.pdu.error_info import SetErrorInfo
from pyrdpmux.rdp.pdu.finalization import Control, FontList, FontMap, PersistentKeyList, Synchronize
from pyrdpmux.rdp.pdu.input import InputEvents
from pyrdpmux.rdp.pdu.pointer import PointerUpdate
from pyrdpmux.rdp.pdu.redirection import EnhancedRedirection
from pyrdpmux.rdp.pdu.session_info import AutoReconnectStatus, SaveSessionInfo
from pyrdpmux.rdp.pdu.update import GraphicsUpdate
from pyrdpmux.wire import OpenIntEnum, OpenIntFlag, Reader, Writer, decode

TS_PROTOCOL_VERSION: Final = 1
FLOW_MARKER: Final = 0x8000
CONTROL_HEADER_SIZE: Final = 6
SHORT_CONTROL_HEADER_SIZE: Final = 4
COMPRESSION_TYPE_MASK: Final = 0x0F


class PduType(OpenIntEnum):
    """type of MS-RDPBCGR 2.2.8.1.1.1.1."""

    DEMAND_ACTIVE = 0x1
    CONFIRM_ACTIVE = 0x3
    DEACTIVATE_ALL = 0x6
    DATA = 0x7
    SERVER_REDIRECTION = 0xA


class PduType2(OpenIntEnum):
    """pduType2 of MS-RDPBCGR 2.2.8.1.1.1.2 (and, the last one, of MS-RDPRFX 2.2.3.1)."""

    UPDATE = 0x02
    CONTROL = 0x14
    POINTER = 0x1B
    INPUT = 0x1C
    SYNCHRONIZE = 0x1F
    REFRESH_RECT = 0x21
    PLAY_SOUND = 0x22
    SUPPRESS_OUTPUT = 0x23
    SHUTDOWN_REQUEST = 0x24
    SHUTDOWN_DENIED = 0x25
    SAVE_SESSION_INFO = 0x26
    FONT_LIST = 0x27
    FONT_MAP = 0x28
    SET_KEYBOARD_INDICATORS = 0x29
    BITMAP_CACHE_PERSISTENT_LIST = 0x2B
    BITMAP_CACHE_ERROR = 0x2C
    SET_KEYBOARD_IME_STATUS = 0x2D
    OFFSCREEN_CACHE_ERROR = 0x2E
    SET_ERROR_INFO = 0x2F
    DRAW_NINE_GRID_ERROR = 0x30
    DRAW_GDI_PLUS_ERROR = 0x31
    ARC_STATUS = 0x32
    STATUS_INFO = 0x36
    MONITOR_LAYOUT = 0x37
    FRAME_ACKNOWLEDGE = 0x38


class StreamId(OpenIntEnum):
    """streamId of MS-RDPBCGR 2.2.8.1.1.1.2."""

    UNDEFINED = 0
    LOW = 1
    MEDIUM = 2
    HIGH = 4


class CompressionFlags(OpenIntFlag):
    """compressedType of MS-RDPBCGR 2.2.8.1.1.1.2; the low four bits are the package, a number."""

    COMPRESSED = 0x20
    AT_FRONT = 0x40
    FLUSHED = 0x80


class FlowType(OpenIntEnum):
    """pduTypeFlow of T.128 8.5."""

    TEST = 0x41
    RESPONSE = 0x42
    STOP = 0x43


@dataclass(frozen=True, slots=True)
class UnknownShareData:
    """MS-RDPBCGR 2.2.8.1.1.1.2 Share Data Header in front of a body we do not know."""

    pdu_type2: PduType2
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class CompressedShareData:
    """MS-RDPBCGR 3.1.8.2 a compressed body: only the connection has the history to decompress it with."""

    pdu_type2: PduType2
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class UnknownShareControl:
    """MS-RDPBCGR 2.2.8.1.1.1.1 Share Control Header in front of a body we do not know."""

    pdu_type: PduType
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class FlowControl:
    """T.128 8.5 FlowPDU, which MS-RDPBCGR 2.2.8.1.1.1.1 says to ignore."""

    flow_type: FlowType
    flow_identifier: int = 0
    flow_number: int = 0


ShareDataBody = (
    Synchronize
    | Control
    | FontList
    | FontMap
    | PersistentKeyList
    | GraphicsUpdate
    | PointerUpdate
    | InputEvents
    | RefreshRectangle
    | SuppressOutput
    | MonitorLayout
    | ShutdownRequest
    | ShutdownDenied
    | PlaySound
    | SetKeyboardIndicators
    | SetKeyboardImeStatus
    | ServerStatusInfo
    | FrameAcknowledge
    | SaveSessionInfo
    | AutoReconnectStatus
    | SetErrorInfo
    | BitmapCacheError
    | OffscreenCacheError
    | DrawNineGridError
    | DrawGdiPlusError
    | UnknownShareData
    | CompressedShareData
)

SHARE_DATA_TYPES: Final[dict[PduType2, type[Any]]] = {
    PduType2.UPDATE: GraphicsUpdate,
    PduType2.CONTROL: Control,
    PduType2.POINTER: PointerUpdate,
    PduType2.INPUT: InputEvents,
    PduType2.SYNCHRONIZE: Synchronize,
    PduType2.REFRESH_RECT: RefreshRectangle,
    PduType2.PLAY_SOUND: PlaySound,
    PduType2.SUPPRESS_OUTPUT: SuppressOutput,
    PduType2.SHUTDOWN_REQUEST: ShutdownRequest,
    PduType2.SHUTDOWN_DENIED: ShutdownDenied,
    PduType2.SAVE_SESSION_INFO: SaveSessionInfo,
    PduType2.FONT_LIST: FontList,
    PduType2.FONT_MAP: FontMap,
    PduType2.SET_KEYBOARD_INDICATORS: SetKeyboardIndicators,
    PduType2.BITMAP_CACHE_PERSISTENT_LIST: PersistentKeyList,
    PduType2.BITMAP_CACHE_ERROR: BitmapCacheError,
    PduType2.SET_KEYBOARD_IME_STATUS: SetKeyboardImeStatus,
    PduType2.OFFSCREEN_CACHE_ERROR: OffscreenCacheError,
    PduType2.SET_ERROR_INFO: SetErrorInfo,
    PduType2.DRAW_NINE_GRID_ERROR: DrawNineGridError,
    PduType2.DRAW_GDI_PLUS_ERROR: DrawGdiPlusError,
    PduType2.ARC_STATUS: AutoReconnectStatus,
    PduType2.STATUS_INFO: ServerStatusInfo,
    PduType2.MONITOR_LAYOUT: MonitorLayout,
    PduType2.FRAME_ACKNOWLEDGE: FrameAcknowledge,
}

_PDU_TYPE2_OF: Final[dict[type[Any], PduType2]] = {cls: number for number, cls in SHARE_DATA_TYPES.items()}


def _read_data_body(r: Reader, number: PduType2, compressed_type: CompressionFlags) -> ShareDataBody:
    if compressed_type & CompressionFlags.COMPRESSED:
        return CompressedShareData(number, r.payload("data"))
    cls = SHARE_DATA_TYPES.get(number)
    if cls is None:
        return UnknownShareData(number, r.rest("data"))
    body: ShareDataBody = r.structure(cls, cls.__name__)
    return body


@dataclass(frozen=True, slots=True)
class ShareData:
    """MS-RDPBCGR 2.2.8.1.1.1.2 Share Data Header (TS_SHAREDATAHEADER) and its body.

    ``uncompressed_length`` is None where it counts what follows it, as clients do; Windows servers put the
    whole PDU's length there, and mstsc zero for some PDUs. Nobody reads it of an uncompressed PDU.
    """

    share_id: int
    body: ShareDataBody
    stream_id: StreamId = StreamId.LOW
    compressed_type: CompressionFlags = CompressionFlags(0)
    compressed_length: int = 0
    uncompressed_length: int | None = None

    @classmethod
    def read(cls, r: Reader) -> Self:
        share_id = r.u32_le("shareId")
        r.pad("pad1", 1)
        stream_id = StreamId(r.u8("streamId"))
        length = r.u16_le("uncompressedLength")
        uncompressed_length = None if length == r.remaining else length
        number = PduType2(r.u8("pduType2"))
        compressed_type = CompressionFlags(r.u8("compressedType"))
        compressed_length = r.u16_le("compressedLength")
        body = _read_data_body(r, number, compressed_type)
        return cls(share_id, body, stream_id, compressed_type, compressed_length, uncompressed_length)

    @property
    def pdu_type2(self) -> PduType2:
        """The number of the body's type."""
        body = self.body
        if isinstance(body, UnknownShareData | CompressedShareData):
            return body.pdu_type2
        return _PDU_TYPE2_OF[type(body)]

    def write(self, w: Writer) -> None:
        w.u32_le("shareId", self.share_id)
        w.pad("pad1", 1)
        w.u8("streamId", self.stream_id)
        if self.uncompressed_length is not None:
            w.u16_le("uncompressedLength", self.uncompressed_length)
            self._write_rest(w)
            return
        with w.length_u16_le("uncompressedLength"):
            self._write_rest(w)

    def _write_rest(self, w: Writer) -> None:
        w.u8("pduType2", self.pdu_type2)
        w.u8("compressedType", self.compressed_type)
        w.u16_le("compressedLength", self.compressed_length)
        body = self.body
        if isinstance(body, UnknownShareData | CompressedShareData):
            w.raw("data", body.data)
        else:
            w.structure(body, type(body).__name__)


ShareControlBody = (
    DemandActive
    | ConfirmActive
    | DeactivateAll
    | ShareData
    | EnhancedRedirection
    | UnknownShareControl
    | FlowControl
)

SHARE_CONTROL_TYPES: Final[dict[PduType, type[Any]]] = {
    PduType.DEMAND_ACTIVE: DemandActive,
    PduType.CONFIRM_ACTIVE: ConfirmActive,
    PduType.DEACTIVATE_ALL: DeactivateAll,
    PduType.DATA: ShareData,
    PduType.SERVER_REDIRECTION: EnhancedRedirection,
}

_PDU_TYPE_OF: Final[dict[type[Any], PduType]] = {cls: number for number, cls in SHARE_CONTROL_TYPES.items()}


@dataclass(frozen=True, slots=True)
class ShareControl:
    """MS-RDPBCGR 2.2.8.1.1.1.1 Share Control Header (TS_SHARECONTROLHEADER) and its body."""

    pdu_source: int
    body: ShareControlBody
    version: int = TS_PROTOCOL_VERSION

    @classmethod
    def read(cls, r: Reader) -> Self:
        total_length = r.u16_le("totalLength")
        if total_length == FLOW_MARKER:
            return cls._read_flow(r)
        pdu_type = r.u16_le("pduType")
        number, version = PduType(pdu_type & 0x0F), pdu_type >> 4
        if total_length == SHORT_CONTROL_HEADER_SIZE and number == PduType.DEACTIVATE_ALL:
            # QUIRK(Windows XP as server): a Deactivate All PDU that ends before pduSource; written in full.
            return cls(0, DeactivateAll(None, None), version)
        if total_length < CONTROL_HEADER_SIZE:
            raise r.error("totalLength", f"{total_length}, at least {CONTROL_HEADER_SIZE} expected")
        pdu_source = r.u16_le("pduSource")
        body_class = SHARE_CONTROL_TYPES.get(number)
        name = body_class.__name__ if body_class else "data"
        size = total_length - CONTROL_HEADER_SIZE
        if number == PduType.DATA:
            # QUIRK(aardwolf 0.2.16): counts its header twice in data PDUs, six bytes too many. The length is
            # redundant where no other PDU follows: the frame says where the body ends.
            size = min(size, r.remaining)
        with r.region(name, size):
            if body_class is None:
                return cls(pdu_source, UnknownShareControl(number, r.rest("")), version)
            return cls(pdu_source, body_class.read(r), version)

    @classmethod
    def _read_flow(cls, r: Reader) -> Self:
        # QUIRK(observed of Windows): the padding comes after pduTypeFlow, not before it as T.128 has it.
        flow_type = FlowType(r.u8("pduTypeFlow"))
        r.pad("pad8bits", 1)
        flow_identifier = r.u8("flowIdentifier")
        flow_number = r.u8("flowNumber")
        return cls(r.u16_le("pduSource"), FlowControl(flow_type, flow_identifier, flow_number))

    def write(self, w: Writer) -> None:
        body = self.body
        if isinstance(body, FlowControl):
            w.u16_le("totalLength", FLOW_MARKER)
            w.u8("pduTypeFlow", body.flow_type)
            w.pad("pad8bits", 1)
            w.u8("flowIdentifier", body.flow_identifier)
            w.u8("flowNumber", body.flow_number)
            w.u16_le("pduSource", self.pdu_source)
            return
        start = w.offset
        with w.length_u16_le("totalLength", extra=2):
            number = body.pdu_type if isinstance(body, UnknownShareControl) else _PDU_TYPE_OF[type(body)]
            if not 0 <= number <= 0x0F:
                raise w.error("pduType", f"type {number} does not fit 4 bits")
            w.u16_le("pduType", self.version << 4 | number)
            w.u16_le("pduSource", self.pdu_source)
            if isinstance(body, UnknownShareControl):
                w.raw("data", body.data)
            else:
                w.structure(body, type(body).__name__)
        if w.offset - start == FLOW_MARKER:
            raise w.error("totalLength", f"{FLOW_MARKER:#x} would mean a flow PDU")


@dataclass(frozen=True, slots=True)
class ShareSequence:
    """MS-RDPBCGR 2.2.8.1.1.1.1 Share Control Headers, as many as one MCS Send Data carries.

    QUIRK(old Windows servers): totalLength may be shorter than the frame, and another PDU
    follows. What is too short for a header is kept in ``trailing``.
    """

    pdus: tuple[ShareControl, ...]
    trailing: bytes = b""

    @classmethod
    def read(cls, r: Reader) -> Self:
        pdus = [r.structure(ShareControl, "pdus[0]")]
        while r.remaining >= SHORT_CONTROL_HEADER_SIZE:
            pdus.append(r.structure(ShareControl, f"pdus[{len(pdus)}]"))
        return cls(tuple(pdus), r.rest("trailing"))

    def write(self, w: Writer) -> None:
        w.items(self.pdus, "pdus")
        w.raw("trailing", self.trailing)


def decode_share(data: bytes) -> ShareControl:
    """The one share control PDU of a frame."""
    return decode(ShareControl, data)


def decode_share_data(pdu_type2: PduType2, data: bytes) -> ShareDataBody:
    """The body of a data PDU by itself, such as one that was compressed."""
    cls = SHARE_DATA_TYPES.get(pdu_type2)
    if cls is None:
        return UnknownShareData(pdu_type2, data)
    body: ShareDataBody = decode(cls, data)
    return body


def decode_shares(data: bytes) -> tuple[ShareControl, ...]:
    """All share control PDUs of a frame: nearly always one."""
    return decode(ShareSequence, data).pdus
