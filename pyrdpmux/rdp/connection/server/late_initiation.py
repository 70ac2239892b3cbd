"""Hyper-V's order: the X.224 Connection Request comes when TLS and CredSSP are done."""

from __future__ import annotations

from pyrdpmux.errors import SequenceError
from pyrdpmux.rdp.connection.events import ConnectionRequested
from pyrdpmux.rdp.connection.framer import take_tpkt
from pyrdpmux.rdp.connection.machine import Phase
from pyrdpmux.rdp.connection.server.link import ServerPhase
from pyrdpmux.rdp.connection.server.settings import BasicSettingsExchange
from pyrdpmux.rdp.x224.negotiation import NegotiationResponse, ResponseFlags, SecurityProtocol
from pyrdpmux.rdp.x224.tpdu import ConnectionConfirm, ConnectionRequest, decode_tpdu
from pyrdpmux.rdp.x224.tpkt import Tpkt
from pyrdpmux.wire import decode


class LateInitiation(ServerPhase):
    """1.3.1.1 Connection Initiation inside TLS: there is nothing left to negotiate."""

    def seconds(self) -> float | None:
        return self.link.config.limits.settings

    def take_frame(self, buffer: bytearray) -> bytes | None:
        return take_tpkt(buffer)

    def decode(self, frame: bytes) -> object:
        return decode_tpdu(decode(Tpkt, frame).payload)

    def on_eof(self) -> Phase:
        return self.link.end("closed by the peer after NLA", by_peer=True)

    def on_connection_request(self, request: ConnectionRequest) -> Phase:
        link = self.link
        facts = link.facts
        if request.negotiation is None:
            raise SequenceError(self.name, "a request without negotiation", ("RDP_NEG_REQ",))
        facts.routing = request.routing
        facts.has_negotiated = True
        facts.requested_protocols = request.negotiation.requested_protocols
        link.emit(ConnectionRequested(facts.requested_protocols, request.cookie, request.routing))
        # QUIRK(FreeRDP): what the client sees as selected has to be one that it asks for here.
        for protocol in (SecurityProtocol.HYBRID, SecurityProtocol.SSL):
            if facts.requested_protocols & protocol:
                flags = ResponseFlags.EXTENDED_CLIENT_DATA_SUPPORTED
                link.send_tpdu(ConnectionConfirm(NegotiationResponse(protocol, flags)))
                return BasicSettingsExchange(link)
        raise SequenceError(self.name, f"a request for {facts.requested_protocols!r}", ("HYBRID", "SSL"))

    HANDLERS = {ConnectionRequest: on_connection_request}
