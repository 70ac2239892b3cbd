"""X.224 class 0 TPDUs (ITU-T X.224 section 13): CR, CC, DR, DT and ER.

The length indicator counts the header without itself; in CR and CC the RDP negotiation data is part of the
header, in DT the user data follows it.
"""

from dataclasses import dataclass
from typing import Final, Self

from pyrdpmux.errors import DecodeError
from pyrdpmux.rdp.x224.negotiation import (
    COOKIE_PREFIX,
    TYPE_CORRELATION_INFO,
    TYPE_FAILURE,
    CorrelationInfo,
    NegotiationFailure,
    NegotiationRequest,
    NegotiationResponse,
    RequestFlags,
)
from pyrdpmux.wire import OpenIntEnum, Reader, Writer, decode, frame_offset

CODE_CONNECTION_REQUEST: Final = 0xE0
CODE_CONNECTION_CONFIRM: Final = 0xD0
CODE_DISCONNECT_REQUEST: Final = 0x80
CODE_DATA: Final = 0xF0
CODE_ERROR: Final = 0x70

END_OF_TSDU: Final = 0x80
CR_LF: Final = b"\r\n"


class DisconnectReason(OpenIntEnum):
    """X.224 13.5.3 d: reason of a DR TPDU."""

    NOT_SPECIFIED = 0
    CONGESTION = 1
    SESSION_ENTITY_NOT_ATTACHED = 2
    ADDRESS_UNKNOWN = 3


def _read_header(r: Reader, code: int) -> int:
    """Length indicator and TPDU code; returns how many header bytes follow the code."""
    length_indicator = r.u8("LI")
    if length_indicator < 1 or length_indicator > r.remaining:
        raise r.error("LI", f"{length_indicator}, but {r.remaining} bytes follow")
    _read_code(r, code)
    return length_indicator - 1


def _read_code(r: Reader, code: int) -> None:
    # The low half of CR, CC carries the credit, which class 0 does not use.
    actual = r.u8("code")
    if actual & 0xF0 != code:
        raise r.error("code", f"{actual:#04x}, expected {code:#04x}")


def _read_routing(r: Reader) -> bytes | None:
    """The line in front of the negotiation request, without its CR LF, if there is one."""
    if not r.remaining or r.peek_u8("routingToken") in (0x01, TYPE_CORRELATION_INFO):
        return None
    line = bytearray()
    while not line.endswith(CR_LF):
        line += r.raw("routingToken", 1)
    return bytes(line[:-2])


@dataclass(frozen=True, slots=True)
class ConnectionRequest:
    """MS-RDPBCGR 2.2.1.1 Client X.224 Connection Request PDU.

    ``routing`` is the whole cookie or routing token line without CR LF: ``Cookie: mstshash=IDENTIFIER``
    or ``Cookie: msts=...`` or a load balancer's own token.
    """

    negotiation: NegotiationRequest | None = None
    routing: bytes | None = None
    correlation: CorrelationInfo | None = None
    source_reference: int = 0
    destination_reference: int = 0
    class_options: int = 0

    @property
    def cookie(self) -> bytes | None:
        """The identifier after ``Cookie: mstshash=`` (mstsc truncates it to nine characters)."""
        if self.routing is not None and self.routing.startswith(COOKIE_PREFIX):
            return self.routing[len(COOKIE_PREFIX) :]
        return None

    @classmethod
    def read(cls, r: Reader) -> Self:
        with r.region("header", _read_header(r, CODE_CONNECTION_REQUEST)):
            destination = r.u16_be("DST-REF")
            source = r.u16_be("SRC-REF")
            options = r.u8("CLASS OPTION")
            routing = _read_routing(r)
            negotiation = correlation = None
            if r.remaining:
                negotiation = r.structure(NegotiationRequest, "rdpNegReq")
                if negotiation.flags & RequestFlags.CORRELATION_INFO_PRESENT:
                    correlation = r.structure(CorrelationInfo, "rdpCorrelationInfo")
        return cls(negotiation, routing, correlation, source, destination, options)

    def write(self, w: Writer) -> None:
        with w.length_u8("LI"):
            w.u8("code", CODE_CONNECTION_REQUEST)
            w.u16_be("DST-REF", self.destination_reference)
            w.u16_be("SRC-REF", self.source_reference)
            w.u8("CLASS OPTION", self.class_options)
            if self.routing is not None:
                if CR_LF in self.routing:
                    raise w.error("routingToken", "contains CR LF")
                w.raw("routingToken", self.routing + CR_LF)
            if self.negotiation is not None:
                w.structure(self.negotiation, "rdpNegReq")
            if self.correlation is not None:
                w.structure(self.correlation, "rdpCorrelationInfo")


@dataclass(frozen=True, slots=True)
class ConnectionConfirm:
    """MS-RDPBCGR 2.2.1.2 Server X.224 Connection Confirm PDU."""

    negotiation: NegotiationResponse | NegotiationFailure | None = None
    source_reference: int = 0x1234
    destination_reference: int = 0
    class_options: int = 0

    @classmethod
    def read(cls, r: Reader) -> Self:
        with r.region("header", _read_header(r, CODE_CONNECTION_CONFIRM)):
            destination = r.u16_be("DST-REF")
            source = r.u16_be("SRC-REF")
            options = r.u8("CLASS OPTION")
            negotiation: NegotiationResponse | NegotiationFailure | None = None
            if r.remaining:
                if r.peek_u8("rdpNegData") == TYPE_FAILURE:
                    negotiation = r.structure(NegotiationFailure, "rdpNegData")
                else:
                    negotiation = r.structure(NegotiationResponse, "rdpNegData")
        return cls(negotiation, source, destination, options)

    def write(self, w: Writer) -> None:
        with w.length_u8("LI"):
            w.u8("code", CODE_CONNECTION_CONFIRM)
            w.u16_be("DST-REF", self.destination_reference)
            w.u16_be("SRC-REF", self.source_reference)
            w.u8("CLASS OPTION", self.class_options)
            if self.negotiation is not None:
                w.structure(self.negotiation, "rdpNegData")


@dataclass(frozen=True, slots=True)
class DisconnectRequest:
    """X.224 13.5 Disconnect Request (DR) TPDU."""

    reason: DisconnectReason = DisconnectReason.NOT_SPECIFIED
    source_reference: int = 0
    destination_reference: int = 0
    variable_part: bytes = b""

    @classmethod
    def read(cls, r: Reader) -> Self:
        with r.region("header", _read_header(r, CODE_DISCONNECT_REQUEST)):
            destination = r.u16_be("DST-REF")
            source = r.u16_be("SRC-REF")
            reason = DisconnectReason(r.u8("reason"))
            variable = r.rest("variablePart")
        return cls(reason, source, destination, variable)

    def write(self, w: Writer) -> None:
        with w.length_u8("LI"):
            w.u8("code", CODE_DISCONNECT_REQUEST)
            w.u16_be("DST-REF", self.destination_reference)
            w.u16_be("SRC-REF", self.source_reference)
            w.u8("reason", self.reason)
            w.raw("variablePart", self.variable_part)


@dataclass(frozen=True, slots=True)
class Data:
    """X.224 13.7 Data (DT) TPDU; each RDP PDU is one, with the end-of-TSDU mark set.

    QUIRK(any peer): the length indicator is redundant, since the header has one size in class 0, and is
    passed over. In the other TPDUs it tells what belongs to the header.
    """

    user_data: bytes

    @classmethod
    def read(cls, r: Reader) -> Self:
        r.u8("LI")
        _read_code(r, CODE_DATA)
        eot = r.u8("EOT")
        if not eot & END_OF_TSDU:
            raise r.error("EOT", f"{eot:#04x}: a segmented TSDU, which RDP does not use")
        return cls(r.payload("userData"))

    def write(self, w: Writer) -> None:
        with w.length_u8("LI"):
            w.u8("code", CODE_DATA)
            w.u8("EOT", END_OF_TSDU)
        w.raw("userData", self.user_data)


@dataclass(frozen=True, slots=True)
class ErrorTpdu:
    """X.224 13.12 TPDU Error (ER) TPDU: our TPDU was not understood."""

    reject_cause: int
    destination_reference: int = 0
    variable_part: bytes = b""

    @classmethod
    def read(cls, r: Reader) -> Self:
        with r.region("header", _read_header(r, CODE_ERROR)):
            destination = r.u16_be("DST-REF")
            cause = r.u8("rejectCause")
            variable = r.rest("variablePart")
        return cls(cause, destination, variable)

    def write(self, w: Writer) -> None:
        with w.length_u8("LI"):
            w.u8("code", CODE_ERROR)
            w.u16_be("DST-REF", self.destination_reference)
            w.u8("rejectCause", self.reject_cause)
            w.raw("variablePart", self.variable_part)


Tpdu = ConnectionRequest | ConnectionConfirm | DisconnectRequest | Data | ErrorTpdu

TPDU_TYPES: Final[dict[int, type[Tpdu]]] = {
    CODE_CONNECTION_REQUEST: ConnectionRequest,
    CODE_CONNECTION_CONFIRM: ConnectionConfirm,
    CODE_DISCONNECT_REQUEST: DisconnectRequest,
    CODE_DATA: Data,
    CODE_ERROR: ErrorTpdu,
}


def decode_tpdu(data: bytes) -> Tpdu:
    """Whichever TPDU ``data`` (a TPKT's payload) is."""
    code = data[1] & 0xF0 if len(data) > 1 else -1
    cls = TPDU_TYPES.get(code)
    if cls is None:
        raise DecodeError(
            "Tpdu.code", f"unknown TPDU in {len(data)} bytes", frame_offset(data) + min(1, len(data))
        )
    return decode(cls, data)
