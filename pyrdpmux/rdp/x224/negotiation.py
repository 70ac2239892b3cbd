"""The RDP part of the X.224 connection sequence: what security both sides agree on.

A Connection Request carries an optional routing token or cookie, then an optional RDP_NEG_REQ, then an
optional RDP_NEG_CORRELATION_INFO; the Connection Confirm carries an RDP_NEG_RSP or an RDP_NEG_FAILURE, or
nothing where the client sent no request.

QUIRK(any peer): the length in each of them is redundant, since its type has one size, and is passed over.
"""

from dataclasses import dataclass
from typing import Final, Self

from pyrdpmux.wire import OpenIntEnum, OpenIntFlag, Reader, Writer

TYPE_REQUEST: Final = 0x01
TYPE_RESPONSE: Final = 0x02
TYPE_FAILURE: Final = 0x03
TYPE_CORRELATION_INFO: Final = 0x06

NEGOTIATION_SIZE: Final = 8
CORRELATION_INFO_SIZE: Final = 36
COOKIE_PREFIX: Final = b"Cookie: mstshash="


class SecurityProtocol(OpenIntFlag):
    """requestedProtocols and selectedProtocol of MS-RDPBCGR 2.2.1.1.1 and 2.2.1.2.1."""

    RDP = 0x00000000
    SSL = 0x00000001
    HYBRID = 0x00000002
    RDSTLS = 0x00000004
    HYBRID_EX = 0x00000008
    RDSAAD = 0x00000010


class RequestFlags(OpenIntFlag):
    """flags of MS-RDPBCGR 2.2.1.1.1."""

    RESTRICTED_ADMIN_MODE_REQUIRED = 0x01
    REDIRECTED_AUTHENTICATION_MODE_REQUIRED = 0x02
    CORRELATION_INFO_PRESENT = 0x08


class ResponseFlags(OpenIntFlag):
    """flags of MS-RDPBCGR 2.2.1.2.1."""

    EXTENDED_CLIENT_DATA_SUPPORTED = 0x01
    DYNVC_GFX_PROTOCOL_SUPPORTED = 0x02
    NEGRSP_RESERVED = 0x04
    RESTRICTED_ADMIN_MODE_SUPPORTED = 0x08
    REDIRECTED_AUTHENTICATION_MODE_SUPPORTED = 0x10


class FailureCode(OpenIntEnum):
    """failureCode of MS-RDPBCGR 2.2.1.2.2."""

    SSL_REQUIRED_BY_SERVER = 1
    SSL_NOT_ALLOWED_BY_SERVER = 2
    SSL_CERT_NOT_ON_SERVER = 3
    INCONSISTENT_FLAGS = 4
    HYBRID_REQUIRED_BY_SERVER = 5
    SSL_WITH_USER_AUTH_REQUIRED_BY_SERVER = 6


@dataclass(frozen=True, slots=True)
class NegotiationRequest:
    """MS-RDPBCGR 2.2.1.1.1 RDP Negotiation Request (RDP_NEG_REQ)."""

    requested_protocols: SecurityProtocol
    flags: RequestFlags = RequestFlags(0)

    @classmethod
    def read(cls, r: Reader) -> Self:
        r.constant_u8("type", TYPE_REQUEST)
        flags = RequestFlags(r.u8("flags"))
        r.u16_le("length")
        return cls(SecurityProtocol(r.u32_le("requestedProtocols")), flags)

    def write(self, w: Writer) -> None:
        w.u8("type", TYPE_REQUEST)
        w.u8("flags", self.flags)
        w.u16_le("length", NEGOTIATION_SIZE)
        w.u32_le("requestedProtocols", self.requested_protocols)


@dataclass(frozen=True, slots=True)
class CorrelationInfo:
    """MS-RDPBCGR 2.2.1.1.2 RDP Correlation Info (RDP_NEG_CORRELATION_INFO): an identifier for logs."""

    correlation_id: bytes
    flags: int = 0

    @classmethod
    def read(cls, r: Reader) -> Self:
        r.constant_u8("type", TYPE_CORRELATION_INFO)
        flags = r.u8("flags")
        r.u16_le("length")
        correlation_id = r.raw("correlationId", 16)
        r.pad("reserved", 16)
        return cls(correlation_id, flags)

    def write(self, w: Writer) -> None:
        w.u8("type", TYPE_CORRELATION_INFO)
        w.u8("flags", self.flags)
        w.u16_le("length", CORRELATION_INFO_SIZE)
        w.fixed("correlationId", self.correlation_id, 16)
        w.pad("reserved", 16)


@dataclass(frozen=True, slots=True)
class NegotiationResponse:
    """MS-RDPBCGR 2.2.1.2.1 RDP Negotiation Response (RDP_NEG_RSP)."""

    selected_protocol: SecurityProtocol
    flags: ResponseFlags = ResponseFlags(0)

    @classmethod
    def read(cls, r: Reader) -> Self:
        r.constant_u8("type", TYPE_RESPONSE)
        flags = ResponseFlags(r.u8("flags"))
        r.u16_le("length")
        return cls(SecurityProtocol(r.u32_le("selectedProtocol")), flags)

    def write(self, w: Writer) -> None:
        w.u8("type", TYPE_RESPONSE)
        w.u8("flags", self.flags)
        w.u16_le("length", NEGOTIATION_SIZE)
        w.u32_le("selectedProtocol", self.selected_protocol)


@dataclass(frozen=True, slots=True)
class NegotiationFailure:
    """MS-RDPBCGR 2.2.1.2.2 RDP Negotiation Failure (RDP_NEG_FAILURE)."""

    failure_code: FailureCode
    flags: int = 0

    @classmethod
    def read(cls, r: Reader) -> Self:
        r.constant_u8("type", TYPE_FAILURE)
        flags = r.u8("flags")
        r.u16_le("length")
        return cls(FailureCode(r.u32_le("failureCode")), flags)

    def write(self, w: Writer) -> None:
        w.u8("type", TYPE_FAILURE)
        w.u8("flags", self.flags)
        w.u16_le("length", NEGOTIATION_SIZE)
        w.u32_le("failureCode", self.failure_code)
