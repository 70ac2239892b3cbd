"""Multitransport bootstrapping: the offer of a UDP transport, and the client's answer."""

from dataclasses import dataclass
from typing import Final, Self

from pyrdpmux.wire import OpenIntEnum, OpenIntFlag, Reader, Writer
from pyrdpmux.wire.secret import Secret

COOKIE_SIZE: Final = 16


class RequestedProtocol(OpenIntFlag):
    """requestedProtocol of MS-RDPBCGR 2.2.15.1."""

    UDP_FEC_RELIABLE = 0x01
    UDP_FEC_LOSSY = 0x02


class MultitransportResult(OpenIntEnum):
    """hrResponse of MS-RDPBCGR 2.2.15.2."""

    OK = 0x00000000
    ABORT = 0x80004004


@dataclass(frozen=True, slots=True)
class InitiateMultitransportRequest:
    """MS-RDPBCGR 2.2.15.1 Server Initiate Multitransport Request PDU, after the security header."""

    request_id: int
    requested_protocol: RequestedProtocol
    security_cookie: Secret[bytes]

    @classmethod
    def read(cls, r: Reader) -> Self:
        request_id = r.u32_le("requestId")
        requested_protocol = RequestedProtocol(r.u16_le("requestedProtocol"))
        r.pad("reserved", 2)
        return cls(request_id, requested_protocol, Secret(r.raw("securityCookie", COOKIE_SIZE)))

    def write(self, w: Writer) -> None:
        w.u32_le("requestId", self.request_id)
        w.u16_le("requestedProtocol", self.requested_protocol)
        w.pad("reserved", 2)
        w.fixed("securityCookie", self.security_cookie.reveal(), COOKIE_SIZE)


@dataclass(frozen=True, slots=True)
class InitiateMultitransportResponse:
    """MS-RDPBCGR 2.2.15.2 Client Initiate Multitransport Response PDU, after the security header."""

    request_id: int
    result: MultitransportResult

    @classmethod
    def read(cls, r: Reader) -> Self:
        return cls(r.u32_le("requestId"), MultitransportResult(r.u32_le("hrResponse")))

    def write(self, w: Writer) -> None:
        w.u32_le("requestId", self.request_id)
        w.u32_le("hrResponse", self.result)
