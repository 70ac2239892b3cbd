"""GCC Conference Create Request and Response (T.124 8.7) in aligned PER, around the settings blocks.

Of the conference itself RDP uses nothing, so a fixed frame is read and written, octet for octet as
MS-RDPBCGR 4.1.3 and 4.1.4 explain it.
"""

from dataclasses import dataclass
from typing import Final, Self, TypeVar

from pyrdpmux.rdp.mcs.client_data import (
    ClientClusterData,
    ClientCoreData,
    ClientDataBlock,
    ClientMessageChannelData,
    ClientMonitorData,
    ClientMonitorExtendedData,
    ClientMultitransportChannelData,
    ClientNetworkData,
    ClientSecurityData,
    UnknownClientData,
)
from pyrdpmux.rdp.mcs.connect import MAX_CLIENT_USER_DATA_SIZE, MAX_SERVER_USER_DATA_SIZE
from pyrdpmux.rdp.mcs.server_data import (
    ServerCoreData,
    ServerDataBlock,
    ServerMessageChannelData,
    ServerMultitransportChannelData,
    ServerNetworkData,
    ServerSecurityData,
    UnknownServerData,
)
from pyrdpmux.wire import OpenIntEnum, Reader, Writer, per

#: choice 0 (object), 5 bytes, itu-t(0) recommendation(0) t(20) 124 version(0) 1
T124_IDENTIFIER: Final = bytes.fromhex("00 05 00 14 7c 00 01")
KEY_CLIENT_TO_SERVER: Final = b"Duca"
KEY_SERVER_TO_CLIENT: Final = b"McDn"
KEY_MIN_SIZE: Final = 4

MIN_NODE_ID: Final = 1001
#: what Windows servers call themselves, and everyone after them
DEFAULT_NODE_ID: Final = 31219

#: conferenceCreateRequest (choice 0) with userData as its only optional field
_REQUEST_CHOICE: Final = 0x0008
#: conferenceCreateResponse (choice 1) with userData
_RESPONSE_CHOICE: Final = 0x14
#: the numeric string "1": its length less one, the digit in a half byte, three booleans and an extension bit
_CONFERENCE_NAME: Final = bytes((0x00, 0x10))
#: one user data set, value present, its key an h221NonStandard
_USER_DATA_SETS: Final = 1
_USER_DATA_CHOICE: Final = 0xC0
#: QUIRK(Windows Server, FreeRDP, xrdp): the response's connectPDU length is always 42, whatever follows
_RESPONSE_CONNECT_PDU_LENGTH: Final = 0x2A

HEADER_SIZE: Final = 4

B = TypeVar("B")


class ConferenceResult(OpenIntEnum):
    """T.124 8.7: result of a ConferenceCreateResponse."""

    SUCCESS = 0
    USER_REJECTED = 1
    RESOURCES_NOT_AVAILABLE = 2
    REJECTED_FOR_SYMMETRY_BREAKING = 3
    LOCKED_CONFERENCE_NOT_SUPPORTED = 4


_KnownClientData = (
    ClientCoreData
    | ClientSecurityData
    | ClientNetworkData
    | ClientClusterData
    | ClientMonitorData
    | ClientMessageChannelData
    | ClientMultitransportChannelData
    | ClientMonitorExtendedData
)

CLIENT_DATA_TYPES: Final[dict[int, type[_KnownClientData]]] = {
    ClientCoreData.TYPE: ClientCoreData,
    ClientSecurityData.TYPE: ClientSecurityData,
    ClientNetworkData.TYPE: ClientNetworkData,
    ClientClusterData.TYPE: ClientClusterData,
    ClientMonitorData.TYPE: ClientMonitorData,
    ClientMessageChannelData.TYPE: ClientMessageChannelData,
    ClientMultitransportChannelData.TYPE: ClientMultitransportChannelData,
    ClientMonitorExtendedData.TYPE: ClientMonitorExtendedData,
}

_KnownServerData = (
    ServerCoreData
    | ServerSecurityData
    | ServerNetworkData
    | ServerMessageChannelData
    | ServerMultitransportChannelData
)

SERVER_DATA_TYPES: Final[dict[int, type[_KnownServerData]]] = {
    ServerCoreData.TYPE: ServerCoreData,
    ServerSecurityData.TYPE: ServerSecurityData,
    ServerNetworkData.TYPE: ServerNetworkData,
    ServerMessageChannelData.TYPE: ServerMessageChannelData,
    ServerMultitransportChannelData.TYPE: ServerMultitransportChannelData,
}


def _read_header(r: Reader) -> tuple[int, int]:
    """MS-RDPBCGR 2.2.1.3.1: type, and the size of what follows the header."""
    block_type = r.u16_le("type")
    length = r.u16_le("length")
    if not HEADER_SIZE <= length <= r.remaining + HEADER_SIZE:
        raise r.error(
            "length", f"{length}, but the block can have {HEADER_SIZE} to {r.remaining + HEADER_SIZE}"
        )
    return block_type, length - HEADER_SIZE


def _read_client_block(r: Reader) -> ClientDataBlock:
    block_type, size = _read_header(r)
    cls = CLIENT_DATA_TYPES.get(block_type)
    if cls is None:
        return UnknownClientData(block_type, r.raw("data", size))
    with r.region(cls.__name__, size):
        return cls.read(r)


def _read_server_block(r: Reader) -> ServerDataBlock:
    block_type, size = _read_header(r)
    cls = SERVER_DATA_TYPES.get(block_type)
    if cls is None:
        return UnknownServerData(block_type, r.raw("data", size))
    with r.region(cls.__name__, size):
        return cls.read(r)


def _write_block(w: Writer, block: ClientDataBlock | ServerDataBlock) -> None:
    if isinstance(block, UnknownClientData | UnknownServerData):
        w.u16_le("type", block.block_type)
        with w.length_u16_le("length", extra=HEADER_SIZE):
            w.raw("data", block.data)
        return
    w.u16_le("type", block.TYPE)
    with w.length_u16_le("length", extra=HEADER_SIZE):
        w.structure(block, type(block).__name__)


def _read_identifier(r: Reader) -> None:
    identifier = r.raw("t124Identifier", len(T124_IDENTIFIER))
    if identifier != T124_IDENTIFIER:
        raise r.error("t124Identifier", f"{identifier.hex()}, expected {T124_IDENTIFIER.hex()}")


def _read_user_data_size(r: Reader, key: bytes, maximum: int) -> int:
    """The one user data set up to its value; returns the size of the blocks."""
    r.constant_u8("userData.count", _USER_DATA_SETS)
    r.constant_u8("userData.choice", _USER_DATA_CHOICE)
    actual = per.read_octet_string(r, "h221NonStandard", KEY_MIN_SIZE, KEY_MIN_SIZE)
    if actual != key:
        raise r.error("h221NonStandard", f"{actual!r}, expected {key!r}")
    size = per.read_length(r, "value")
    if size > maximum or size != r.remaining:
        raise r.error("value", f"length {size}, but {r.remaining} bytes follow, at most {maximum} allowed")
    return size


def _write_user_data(
    w: Writer, key: bytes, blocks: tuple[ClientDataBlock, ...] | tuple[ServerDataBlock, ...]
) -> None:
    w.u8("userData.count", _USER_DATA_SETS)
    w.u8("userData.choice", _USER_DATA_CHOICE)
    per.write_octet_string(w, "h221NonStandard", key, KEY_MIN_SIZE)
    with per.length_prefix(w, "value"):
        for block in blocks:
            _write_block(w, block)


def _first(cls: type[B], blocks: tuple[object, ...]) -> B | None:
    return next((block for block in blocks if isinstance(block, cls)), None)


@dataclass(frozen=True, slots=True)
class ConferenceCreateRequest:
    """T.124 8.7 ConferenceCreateRequest: gccCCrq of MS-RDPBCGR 2.2.1.3, with the client's settings."""

    blocks: tuple[ClientDataBlock, ...]

    def first(self, cls: type[B]) -> B | None:
        """The first block of a kind, or None."""
        return _first(cls, self.blocks)

    @classmethod
    def read(cls, r: Reader) -> Self:
        _read_identifier(r)
        # QUIRK(IronRDP 0.7): leaves out the two bytes of the length of its user data. The length is
        # redundant: where the user data end, all of it does.
        per.read_length(r, "connectPDU")
        choice = r.u16_be("connectGCCPDU")
        if choice != _REQUEST_CHOICE:
            raise r.error("connectGCCPDU", f"{choice:#06x}, expected {_REQUEST_CHOICE:#06x}")
        # Two digits to a byte, whose count is written less one; then the last bits of the fixed fields.
        r.pad("conferenceName", r.u8("conferenceName") // 2 + 1)
        r.pad("terminationMethod", 1)
        blocks = []
        with r.region("blocks", _read_user_data_size(r, KEY_CLIENT_TO_SERVER, MAX_CLIENT_USER_DATA_SIZE)):
            while r.remaining:
                blocks.append(_read_client_block(r))
        return cls(tuple(blocks))

    def write(self, w: Writer) -> None:
        w.raw("t124Identifier", T124_IDENTIFIER)
        with per.length_prefix(w, "connectPDU"):
            w.u16_be("connectGCCPDU", _REQUEST_CHOICE)
            w.raw("conferenceName", _CONFERENCE_NAME)
            w.pad("terminationMethod", 1)
            _write_user_data(w, KEY_CLIENT_TO_SERVER, self.blocks)


@dataclass(frozen=True, slots=True)
class ConferenceCreateResponse:
    """T.124 8.7 ConferenceCreateResponse: gccCCrsp of MS-RDPBCGR 2.2.1.4, with the server's settings."""

    blocks: tuple[ServerDataBlock, ...]
    result: ConferenceResult = ConferenceResult.SUCCESS
    node_id: int = DEFAULT_NODE_ID
    tag: int = 1

    def first(self, cls: type[B]) -> B | None:
        """The first block of a kind, or None."""
        return _first(cls, self.blocks)

    @classmethod
    def read(cls, r: Reader) -> Self:
        _read_identifier(r)
        per.read_length(r, "connectPDU")
        r.constant_u8("connectGCCPDU", _RESPONSE_CHOICE)
        # No check: clients ignore it (3.2.5.3.4), and 3.3.5.3.4 allows 65536, one more than T.124.
        node_id = r.u16_be("nodeID") + MIN_NODE_ID
        tag = per.read_integer(r, "tag")
        result = ConferenceResult(r.u8("result") >> 4)
        blocks = []
        with r.region("blocks", _read_user_data_size(r, KEY_SERVER_TO_CLIENT, MAX_SERVER_USER_DATA_SIZE)):
            while r.remaining:
                blocks.append(_read_server_block(r))
        return cls(tuple(blocks), result, node_id, tag)

    def write(self, w: Writer) -> None:
        w.raw("t124Identifier", T124_IDENTIFIER)
        per.write_length(w, "connectPDU", _RESPONSE_CONNECT_PDU_LENGTH)
        w.u8("connectGCCPDU", _RESPONSE_CHOICE)
        w.u16_be("nodeID", self.node_id - MIN_NODE_ID)
        per.write_integer(w, "tag", self.tag)
        w.u8("result", self.result << 4)
        _write_user_data(w, KEY_SERVER_TO_CLIENT, self.blocks)
