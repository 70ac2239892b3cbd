"""Connection Initiation: the X.224 Connection Request and its Confirm (MS-RDPBCGR 1.3.1.1)."""

from __future__ import annotations

from dataclasses import replace

from pyrdpmux.errors import NegotiationFailed, PeerError
from pyrdpmux.rdp.connection.events import ConnectionRequested
from pyrdpmux.rdp.connection.framer import take_tpkt
from pyrdpmux.rdp.connection.machine import Phase
from pyrdpmux.rdp.connection.server.destination import Destination
from pyrdpmux.rdp.connection.server.door_link import DoorPhase
from pyrdpmux.rdp.connection.server.negotiation import choose_protocol, response_flags
from pyrdpmux.rdp.connection.server.security import TlsHandshake
from pyrdpmux.rdp.tls.endpoint import TlsEndpoint
from pyrdpmux.rdp.x224.negotiation import (
    FailureCode,
    NegotiationFailure,
    NegotiationResponse,
    SecurityProtocol,
)
from pyrdpmux.rdp.x224.tpdu import ConnectionConfirm, ConnectionRequest, decode_tpdu
from pyrdpmux.rdp.x224.tpkt import Tpkt
from pyrdpmux.wire import decode


class Initiation(DoorPhase):
    """The X.224 Connection Request and its answer, whatever may come before."""

    def seconds(self) -> float | None:
        return self.link.config.limits.connection_initiation

    def take_frame(self, buffer: bytearray) -> bytes | None:
        return take_tpkt(buffer)

    def decode(self, frame: bytes) -> object:
        return decode_tpdu(decode(Tpkt, frame).payload)

    def on_eof(self) -> Phase:
        return self.link.end("closed by the peer before it said anything", by_peer=True)

    def on_connection_request(self, request: ConnectionRequest) -> Phase:
        link = self.link
        link.select(Destination(link.found.destination.preconnection, request.routing, request.cookie))
        has_negotiated = request.negotiation is not None
        requested = SecurityProtocol.RDP
        if request.negotiation is not None:
            requested = request.negotiation.requested_protocols
        link.emit(ConnectionRequested(requested, request.cookie, request.routing))
        selected = choose_protocol(link.config.security, requested)
        link.found = replace(
            link.found,
            selected_protocol=selected,
            has_negotiated=has_negotiated,
            requested_protocols=requested,
        )
        flags = response_flags(link.config)
        link.send_tpdu(ConnectionConfirm(NegotiationResponse(selected, flags) if has_negotiated else None))
        return self._secure(selected)

    def _secure(self, selected: SecurityProtocol) -> Phase:
        link = self.link
        context = link.config.security.tls_context
        if selected == SecurityProtocol.RDP or context is None:
            return link.secure()
        link.start_tls(TlsEndpoint(context, server_side=True))
        return TlsHandshake(link)

    def explain(self, error: PeerError) -> None:
        if isinstance(error, NegotiationFailed):
            code = FailureCode(error.failure_code)
            self.link.send_tpdu(ConnectionConfirm(NegotiationFailure(code)))


class ConnectionInitiation(Initiation):
    """1.3.1.1 Connection Initiation, entered when the TCP connection is accepted."""

    HANDLERS = {ConnectionRequest: Initiation.on_connection_request}
