"""The PDUs that set up, feed and close dynamic virtual channels.

Sp is ignored: Windows and mstsc leave bits in it (MS-RDPEDYC 6, notes 2, 4 and 6 to 9). A PDU is always
written with the narrowest ChannelId and Length.
"""

from dataclasses import dataclass, field
from typing import Final, Self

from pyrdpmux.errors import DecodeError
from pyrdpmux.rdp.channels.dynamic.header import (
    Command,
    command_of,
    read_channel,
    read_first,
    read_number,
    width_code,
    write_channel,
    write_first,
    write_number,
)
from pyrdpmux.rdp.channels.dynamic.soft_sync import SoftSyncRequest, SoftSyncResponse
from pyrdpmux.wire import Reader, Writer, decode, frame_offset

#: the static channel that carries them
CHANNEL_NAME: Final = "drdynvc"
VERSION_1: Final = 1
#: adds priority classes
VERSION_2: Final = 2
#: adds compressed data
VERSION_3: Final = 3
PRIORITY_CLASSES: Final = 4
#: of a ChannelName without its terminator; the longest in the specifications has 49 bytes
MAX_CHANNEL_NAME: Final = 255


@dataclass(frozen=True, slots=True)
class CapabilitiesRequest:
    """MS-RDPEDYC 2.2.1.1 DVC Capabilities Request PDU (DYNVC_CAPS_VERSION1, 2 and 3), from the server.

    ``priority_charges`` are absent in version 1; a version above 3 is taken to have what 3 has.
    """

    version: int = VERSION_3
    priority_charges: tuple[int, int, int, int] | None = (0, 0, 0, 0)

    @classmethod
    def read(cls, r: Reader) -> Self:
        read_first(r, Command.CAPABILITIES)
        r.pad("Pad", 1)
        version = r.u16_le("Version")
        if version == 0:
            raise r.error("Version", "0, expected at least 1")
        if version == VERSION_1:
            return cls(version, None)
        return cls(
            version,
            (
                r.u16_le("PriorityCharge0"),
                r.u16_le("PriorityCharge1"),
                r.u16_le("PriorityCharge2"),
                r.u16_le("PriorityCharge3"),
            ),
        )

    def write(self, w: Writer) -> None:
        write_first(w, Command.CAPABILITIES)
        w.pad("Pad", 1)
        w.u16_le("Version", self.version)
        if (self.version == VERSION_1) != (self.priority_charges is None):
            raise w.error("PriorityCharge0", "there are priority charges from version 2 on")
        for index, charge in enumerate(self.priority_charges or ()):
            w.u16_le(f"PriorityCharge{index}", charge)

    @property
    def bandwidth_shares(self) -> tuple[float, float, float, float]:
        """2.2.1.1.2: each class's share of the bandwidth, 0 to 1; 0 for one whose data goes at once."""
        charges = self.priority_charges or (0,) * PRIORITY_CLASSES
        weights = [1 / charge if charge else 0.0 for charge in charges]
        total = sum(weights) or 1.0
        first, second, third, fourth = [weight / total for weight in weights]
        return first, second, third, fourth


@dataclass(frozen=True, slots=True)
class CapabilitiesResponse:
    """MS-RDPEDYC 2.2.1.2 DVC Capabilities Response PDU (DYNVC_CAPS_RSP), from the client."""

    version: int = VERSION_3

    @classmethod
    def read(cls, r: Reader) -> Self:
        read_first(r, Command.CAPABILITIES)
        r.pad("Pad", 1)
        return cls(r.u16_le("Version"))

    def write(self, w: Writer) -> None:
        write_first(w, Command.CAPABILITIES)
        w.pad("Pad", 1)
        w.u16_le("Version", self.version)


@dataclass(frozen=True, slots=True)
class CreateRequest:
    """MS-RDPEDYC 2.2.2.1 DVC Create Request PDU (DYNVC_CREATE_REQ), from the server.

    ``name`` is ANSI, mapped byte for byte; ``priority`` is a class of the capabilities' charges.
    """

    channel_id: int
    name: str
    priority: int = 0

    @classmethod
    def read(cls, r: Reader) -> Self:
        priority, channel_id = read_channel(r, Command.CREATE)
        if r.remaining > MAX_CHANNEL_NAME + 1:
            raise r.error("ChannelName", f"{r.remaining} bytes, at most {MAX_CHANNEL_NAME + 1} allowed")
        name, terminator, rest = r.rest("ChannelName").partition(b"\0")
        if not terminator or rest:
            raise r.error("ChannelName", "expected one null, at its end")
        return cls(channel_id, name.decode("latin-1"), priority)

    def write(self, w: Writer) -> None:
        if not 0 <= self.priority < PRIORITY_CLASSES:
            raise w.error("Pri", f"{self.priority}, at most {PRIORITY_CLASSES - 1} allowed")
        write_channel(w, Command.CREATE, self.channel_id, self.priority)
        if len(self.name) > MAX_CHANNEL_NAME or "\0" in self.name:
            raise w.error("ChannelName", f"{len(self.name)} characters, or a null among them")
        try:
            w.raw("ChannelName", self.name.encode("latin-1") + b"\0")
        except UnicodeEncodeError:
            raise w.error("ChannelName", "not in the ANSI character set") from None


@dataclass(frozen=True, slots=True)
class CreateResponse:
    """MS-RDPEDYC 2.2.2.2 DVC Create Response PDU (DYNVC_CREATE_RSP), from the client.

    ``creation_status`` is an HRESULT (MS-ERREF 2.1): negative for a failure.
    """

    channel_id: int
    creation_status: int = 0

    @property
    def is_success(self) -> bool:
        return self.creation_status >= 0

    @classmethod
    def read(cls, r: Reader) -> Self:
        _sp, channel_id = read_channel(r, Command.CREATE)
        return cls(channel_id, r.i32_le("CreationStatus"))

    def write(self, w: Writer) -> None:
        write_channel(w, Command.CREATE, self.channel_id)
        w.i32_le("CreationStatus", self.creation_status)


@dataclass(frozen=True, slots=True)
class DataFirst:
    """MS-RDPEDYC 2.2.3.1 DVC Data First PDU (DYNVC_DATA_FIRST): ``length`` is that of the whole message."""

    channel_id: int
    length: int
    data: bytes = field(repr=False)

    @classmethod
    def read(cls, r: Reader) -> Self:
        return cls(*_read_first_block(r, Command.DATA_FIRST))

    def write(self, w: Writer) -> None:
        _write_first_block(w, Command.DATA_FIRST, self.channel_id, self.length, self.data)


@dataclass(frozen=True, slots=True)
class Data:
    """MS-RDPEDYC 2.2.3.2 DVC Data PDU (DYNVC_DATA): a message, or a block after a Data First."""

    channel_id: int
    data: bytes = field(repr=False)

    @classmethod
    def read(cls, r: Reader) -> Self:
        _sp, channel_id = read_channel(r, Command.DATA)
        return cls(channel_id, r.payload("Data"))

    def write(self, w: Writer) -> None:
        write_channel(w, Command.DATA, self.channel_id)
        w.raw("Data", self.data)


@dataclass(frozen=True, slots=True)
class DataFirstCompressed:
    """MS-RDPEDYC 2.2.3.3 DVC Data First Compressed PDU (DYNVC_DATA_FIRST_COMPRESSED).

    ``length`` is that of the whole message, uncompressed; ``data`` is an RDP_SEGMENTED_DATA of RDP8-lite.
    """

    channel_id: int
    length: int
    data: bytes = field(repr=False)

    @classmethod
    def read(cls, r: Reader) -> Self:
        return cls(*_read_first_block(r, Command.DATA_FIRST_COMPRESSED))

    def write(self, w: Writer) -> None:
        _write_first_block(w, Command.DATA_FIRST_COMPRESSED, self.channel_id, self.length, self.data)


@dataclass(frozen=True, slots=True)
class DataCompressed:
    """MS-RDPEDYC 2.2.3.4 DVC Data Compressed PDU (DYNVC_DATA_COMPRESSED): as Data, in RDP8-lite."""

    channel_id: int
    data: bytes = field(repr=False)

    @classmethod
    def read(cls, r: Reader) -> Self:
        _sp, channel_id = read_channel(r, Command.DATA_COMPRESSED)
        return cls(channel_id, r.payload("Data"))

    def write(self, w: Writer) -> None:
        write_channel(w, Command.DATA_COMPRESSED, self.channel_id)
        w.raw("Data", self.data)


@dataclass(frozen=True, slots=True)
class Close:
    """MS-RDPEDYC 2.2.4 Closing a DVC (DYNVC_CLOSE): a request, and the answer to it."""

    channel_id: int

    @classmethod
    def read(cls, r: Reader) -> Self:
        _sp, channel_id = read_channel(r, Command.CLOSE)
        return cls(channel_id)

    def write(self, w: Writer) -> None:
        write_channel(w, Command.CLOSE, self.channel_id)


def _read_first_block(r: Reader, command: Command) -> tuple[int, int, bytes]:
    code, channel_id = read_channel(r, command)
    length = read_number(r, "Length", code)
    return channel_id, length, r.payload("Data")


def _write_first_block(w: Writer, command: Command, channel_id: int, length: int, data: bytes) -> None:
    write_channel(w, command, channel_id, width_code(length))
    write_number(w, "Length", length)
    w.raw("Data", data)


DataPdu = DataFirst | Data | DataFirstCompressed | DataCompressed
ClientPdu = CapabilitiesResponse | CreateResponse | DataPdu | Close | SoftSyncResponse
ServerPdu = CapabilitiesRequest | CreateRequest | DataPdu | Close | SoftSyncRequest
DynamicPdu = ClientPdu | ServerPdu

_COMMON: Final[dict[int, type[DataPdu | Close]]] = {
    Command.DATA_FIRST: DataFirst,
    Command.DATA: Data,
    Command.CLOSE: Close,
    Command.DATA_FIRST_COMPRESSED: DataFirstCompressed,
    Command.DATA_COMPRESSED: DataCompressed,
}
#: by the side that sends them: some commands are requests from one and responses from the other
CLIENT_PDU_TYPES: Final[dict[int, type[ClientPdu]]] = {
    **_COMMON,
    Command.CAPABILITIES: CapabilitiesResponse,
    Command.CREATE: CreateResponse,
    Command.SOFT_SYNC_RESPONSE: SoftSyncResponse,
}
SERVER_PDU_TYPES: Final[dict[int, type[ServerPdu]]] = {
    **_COMMON,
    Command.CAPABILITIES: CapabilitiesRequest,
    Command.CREATE: CreateRequest,
    Command.SOFT_SYNC_REQUEST: SoftSyncRequest,
}


def decode_client_pdu(data: bytes) -> ClientPdu:
    """The PDU that a client sent in one message of ``drdynvc``. Raises DecodeError.

    3.1.5.2.4: what is not recognized ends the channel, so there is no unknown PDU to keep.
    """
    cls = CLIENT_PDU_TYPES.get(command_of(data[0])) if data else None
    if cls is None:
        raise _unknown(data)
    return decode(cls, data)


def decode_server_pdu(data: bytes) -> ServerPdu:
    """The PDU that a server sent in one message of ``drdynvc``. Raises DecodeError."""
    cls = SERVER_PDU_TYPES.get(command_of(data[0])) if data else None
    if cls is None:
        raise _unknown(data)
    return decode(cls, data)


def _unknown(data: bytes) -> DecodeError:
    return DecodeError(
        "DynamicPdu.Cmd", f"unknown PDU {data[:1].hex()} of {len(data)} bytes", frame_offset(data)
    )
