"""The MCS domain PDUs (T.125 7, part 10) that RDP uses, in aligned PER.

The first byte holds the choice in its upper six bits; an ENUMERATED or an OPTIONAL flag that follows
begins in the two bits left.
"""

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final, Self

from pyrdpmux.errors import DecodeError
from pyrdpmux.rdp.mcs.connect import Result
from pyrdpmux.wire import OpenIntEnum, OpenIntFlag, Reader, Writer, ber, decode, frame_offset, per

CHOICE_ERECT_DOMAIN_REQUEST: Final = 1
CHOICE_DISCONNECT_PROVIDER_ULTIMATUM: Final = 8
CHOICE_ATTACH_USER_REQUEST: Final = 10
CHOICE_ATTACH_USER_CONFIRM: Final = 11
CHOICE_CHANNEL_JOIN_REQUEST: Final = 14
CHOICE_CHANNEL_JOIN_CONFIRM: Final = 15
CHOICE_SEND_DATA_REQUEST: Final = 25
CHOICE_SEND_DATA_INDICATION: Final = 26

#: T.125 7, part 1: user ids are dynamic channel ids, which begin here
MIN_USER_ID: Final = 1001

_OPTIONAL_PRESENT: Final = 0x02

BER_SEQUENCE: Final = b"\x30"
MAX_REASON: Final = 7


class Reason(OpenIntEnum):
    """T.125 7, part 1: Reason."""

    DOMAIN_DISCONNECTED = 0
    PROVIDER_INITIATED = 1
    TOKEN_PURGED = 2
    USER_REQUESTED = 3
    CHANNEL_PURGED = 4


class DataPriority(IntEnum):
    """T.125 7, part 7: DataPriority. Two bits, so there are no others."""

    TOP = 0
    HIGH = 1
    MEDIUM = 2
    LOW = 3


class Segmentation(OpenIntFlag):
    """T.125 7, part 7: Segmentation. RDP sends every MCS data unit whole: BEGIN | END."""

    END = 1
    BEGIN = 2


WHOLE: Final = Segmentation.BEGIN | Segmentation.END


def _read_choice(r: Reader, choice: int) -> int:
    """The choice; returns the two bits behind it."""
    value = r.u8("choice")
    if value >> 2 != choice:
        raise r.error("choice", f"{value >> 2}, expected {choice}")
    return value & 0x03


def _read_result(r: Reader, bits: int) -> Result:
    """A 4-bit ENUMERATED whose first bit is the last of the choice byte."""
    return Result((bits & 0x01) << 3 | r.u8("result") >> 5)


def _write_confirm(w: Writer, choice: int, result: Result, has_optional: bool) -> None:
    if not 0 <= result <= 0x0F:
        raise w.error("result", f"{result} does not fit 4 bits")
    w.u8("choice", choice << 2 | (_OPTIONAL_PRESENT if has_optional else 0) | result >> 3)
    w.u8("result", (result & 0x07) << 5)


@dataclass(frozen=True, slots=True)
class ErectDomainRequest:
    """MS-RDPBCGR 2.2.1.5 Client MCS Erect Domain Request PDU (T.125 11.8)."""

    sub_height: int = 0
    sub_interval: int = 0

    @classmethod
    def read(cls, r: Reader) -> Self:
        _read_choice(r, CHOICE_ERECT_DOMAIN_REQUEST)
        if r.remaining == 4 and r.peek_u8("subHeight") == 0:
            # QUIRK(rdesktop, aardwolf): 04 00 01 00 01, that is two plain 16-bit integers where PER has a
            # length and a value. We take it and write the right form.
            return cls(r.u16_be("subHeight"), r.u16_be("subInterval"))
        return cls(per.read_integer(r, "subHeight"), per.read_integer(r, "subInterval"))

    def write(self, w: Writer) -> None:
        w.u8("choice", CHOICE_ERECT_DOMAIN_REQUEST << 2)
        per.write_integer(w, "subHeight", self.sub_height)
        per.write_integer(w, "subInterval", self.sub_interval)


@dataclass(frozen=True, slots=True)
class DisconnectProviderUltimatum:
    """T.125 11.15 DisconnectProviderUltimatum: the end of the MCS connection, and why.

    QUIRK(any peer): what follows the reason is passed over: it ends the connection all the same.
    """

    reason: Reason

    @classmethod
    def read(cls, r: Reader) -> Self:
        bits = _read_choice(r, CHOICE_DISCONNECT_PROVIDER_ULTIMATUM)
        reason = Reason(bits << 1 | r.u8("reason") >> 7)
        r.pad("rest", r.remaining)
        return cls(reason)

    def write(self, w: Writer) -> None:
        if not 0 <= self.reason <= 0x07:
            raise w.error("reason", f"{self.reason} does not fit 3 bits")
        w.u8("choice", CHOICE_DISCONNECT_PROVIDER_ULTIMATUM << 2 | self.reason >> 1)
        w.u8("reason", (self.reason & 0x01) << 7)


@dataclass(frozen=True, slots=True)
class AttachUserRequest:
    """MS-RDPBCGR 2.2.1.6 Client MCS Attach User Request PDU (T.125 11.17)."""

    @classmethod
    def read(cls, r: Reader) -> Self:
        _read_choice(r, CHOICE_ATTACH_USER_REQUEST)
        return cls()

    def write(self, w: Writer) -> None:
        w.u8("choice", CHOICE_ATTACH_USER_REQUEST << 2)


@dataclass(frozen=True, slots=True)
class AttachUserConfirm:
    """MS-RDPBCGR 2.2.1.7 Server MCS Attach User Confirm PDU (T.125 11.18)."""

    result: Result
    initiator: int | None = None

    @classmethod
    def read(cls, r: Reader) -> Self:
        bits = _read_choice(r, CHOICE_ATTACH_USER_CONFIRM)
        result = _read_result(r, bits)
        if not bits & _OPTIONAL_PRESENT:
            return cls(result)
        return cls(result, per.read_integer_u16(r, "initiator", MIN_USER_ID))

    def write(self, w: Writer) -> None:
        _write_confirm(w, CHOICE_ATTACH_USER_CONFIRM, self.result, self.initiator is not None)
        if self.initiator is not None:
            per.write_integer_u16(w, "initiator", self.initiator, MIN_USER_ID)


@dataclass(frozen=True, slots=True)
class ChannelJoinRequest:
    """MS-RDPBCGR 2.2.1.8 Client MCS Channel Join Request PDU (T.125 11.21)."""

    initiator: int
    channel_id: int

    @classmethod
    def read(cls, r: Reader) -> Self:
        _read_choice(r, CHOICE_CHANNEL_JOIN_REQUEST)
        return cls(per.read_integer_u16(r, "initiator", MIN_USER_ID), r.u16_be("channelId"))

    def write(self, w: Writer) -> None:
        w.u8("choice", CHOICE_CHANNEL_JOIN_REQUEST << 2)
        per.write_integer_u16(w, "initiator", self.initiator, MIN_USER_ID)
        w.u16_be("channelId", self.channel_id)


@dataclass(frozen=True, slots=True)
class ChannelJoinConfirm:
    """MS-RDPBCGR 2.2.1.9 Server MCS Channel Join Confirm PDU (T.125 11.22)."""

    result: Result
    initiator: int
    requested: int
    channel_id: int | None = None

    @classmethod
    def read(cls, r: Reader) -> Self:
        bits = _read_choice(r, CHOICE_CHANNEL_JOIN_CONFIRM)
        result = _read_result(r, bits)
        initiator = per.read_integer_u16(r, "initiator", MIN_USER_ID)
        requested = r.u16_be("requested")
        return cls(result, initiator, requested, r.u16_be("channelId") if bits & _OPTIONAL_PRESENT else None)

    def write(self, w: Writer) -> None:
        _write_confirm(w, CHOICE_CHANNEL_JOIN_CONFIRM, self.result, self.channel_id is not None)
        per.write_integer_u16(w, "initiator", self.initiator, MIN_USER_ID)
        w.u16_be("requested", self.requested)
        if self.channel_id is not None:
            w.u16_be("channelId", self.channel_id)


#: by the upper half of the byte that holds both; a table because this is the path of every byte of a session
_PRIORITY_AND_SEGMENTATION: Final = tuple(
    (DataPriority(value >> 2), Segmentation(value & 0x03)) for value in range(16)
)


def _read_send_data(r: Reader, choice: int) -> tuple[int, int, bytes, DataPriority, Segmentation, bool]:
    _read_choice(r, choice)
    initiator = per.read_integer_u16(r, "initiator", MIN_USER_ID)
    channel_id = r.u16_be("channelId")
    priority, segmentation = _PRIORITY_AND_SEGMENTATION[r.u8("dataPriority") >> 4]
    start = r.offset
    length = per.read_length(r, "userData")
    two_bytes = length <= per.MAX_SHORT_LENGTH and r.offset - start == 2
    if length != r.remaining:
        raise r.error("userData", f"length {length}, but {r.remaining} bytes follow")
    return initiator, channel_id, r.payload("userData"), priority, segmentation, two_bytes


def _write_send_data(w: Writer, choice: int, pdu: "SendDataRequest | SendDataIndication") -> None:
    w.u8("choice", choice << 2)
    per.write_integer_u16(w, "initiator", pdu.initiator, MIN_USER_ID)
    w.u16_be("channelId", pdu.channel_id)
    w.u8("dataPriority", pdu.priority << 6 | pdu.segmentation << 4)
    per.write_length(w, "userData", len(pdu.user_data), two_bytes=pdu.two_byte_length)
    w.raw("userData", pdu.user_data)


@dataclass(frozen=True, slots=True)
class SendDataRequest:
    """T.125 11.32 SendDataRequest: the client's data on a channel.

    ``two_byte_length`` is a matter of style only: mstsc and Windows write the shortest length, FreeRDP and
    rdesktop always two bytes.
    """

    initiator: int
    channel_id: int
    user_data: bytes
    priority: DataPriority = DataPriority.HIGH
    segmentation: Segmentation = WHOLE
    two_byte_length: bool = field(default=False, compare=False, repr=False)

    @classmethod
    def read(cls, r: Reader) -> Self:
        return cls(*_read_send_data(r, CHOICE_SEND_DATA_REQUEST))

    def write(self, w: Writer) -> None:
        _write_send_data(w, CHOICE_SEND_DATA_REQUEST, self)


@dataclass(frozen=True, slots=True)
class SendDataIndication:
    """T.125 11.33 SendDataIndication: the server's data on a channel. See :class:`SendDataRequest`."""

    initiator: int
    channel_id: int
    user_data: bytes
    priority: DataPriority = DataPriority.HIGH
    segmentation: Segmentation = WHOLE
    two_byte_length: bool = field(default=False, compare=False, repr=False)

    @classmethod
    def read(cls, r: Reader) -> Self:
        return cls(*_read_send_data(r, CHOICE_SEND_DATA_INDICATION))

    def write(self, w: Writer) -> None:
        _write_send_data(w, CHOICE_SEND_DATA_INDICATION, self)


DomainPdu = (
    ErectDomainRequest
    | DisconnectProviderUltimatum
    | AttachUserRequest
    | AttachUserConfirm
    | ChannelJoinRequest
    | ChannelJoinConfirm
    | SendDataRequest
    | SendDataIndication
)

DOMAIN_PDU_TYPES: Final[dict[int, type[DomainPdu]]] = {
    CHOICE_ERECT_DOMAIN_REQUEST: ErectDomainRequest,
    CHOICE_DISCONNECT_PROVIDER_ULTIMATUM: DisconnectProviderUltimatum,
    CHOICE_ATTACH_USER_REQUEST: AttachUserRequest,
    CHOICE_ATTACH_USER_CONFIRM: AttachUserConfirm,
    CHOICE_CHANNEL_JOIN_REQUEST: ChannelJoinRequest,
    CHOICE_CHANNEL_JOIN_CONFIRM: ChannelJoinConfirm,
    CHOICE_SEND_DATA_REQUEST: SendDataRequest,
    CHOICE_SEND_DATA_INDICATION: SendDataIndication,
}


@dataclass(frozen=True, slots=True)
class _BerDisconnect:
    """T.125 11.15 as rdesktop sends it.

    QUIRK(rdesktop 1.9): a BER SEQUENCE of the reason and an empty SEQUENCE, where PER is due. Its first byte
    is that of no domain PDU that RDP uses.
    """

    pdu: DisconnectProviderUltimatum

    @classmethod
    def read(cls, r: Reader) -> Self:
        size = ber.read_header(r, "sequence", BER_SEQUENCE[0])
        with r.region("sequence", size):
            reason = Reason(ber.read_integer(r, "reason"))
            r.rest("userData")
        if reason > MAX_REASON:
            raise r.error("reason", f"{reason} does not fit 3 bits")
        return cls(DisconnectProviderUltimatum(reason))

    def write(self, w: Writer) -> None:
        self.pdu.write(w)


def decode_domain_pdu(data: bytes) -> DomainPdu:
    """Whichever domain PDU ``data`` (an X.224 Data TPDU's user data) is; those RDP never uses are refused."""
    cls = DOMAIN_PDU_TYPES.get(data[0] >> 2) if data else None
    if data[:1] == BER_SEQUENCE:
        return decode(_BerDisconnect, data).pdu
    if cls is None:
        raise DecodeError(
            "DomainPdu.choice",
            f"unknown domain PDU {data[:1].hex()} of {len(data)} bytes",
            frame_offset(data),
        )
    return decode(cls, data)
