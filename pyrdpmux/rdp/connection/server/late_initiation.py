"""Hyper-V's order: the X.224 Connection Request comes when TLS and CredSSP are done."""

from __future__ import annotations

from dataclasses import replace

from pyrdpmux.errors import SequenceError
from pyrdpmux.rdp.connection.events import ConnectionRequested
from pyrdpmux.rdp.connection.framer import take_tpkt
from pyrdpmux.rdp.connection.machine import Phase
from pyrdpmux.rdp.connection.server.door_link import DoorPhase
from pyrdpmux.rdp.connection.server.negotiation import response_flags
from pyrdpmux.rdp.x224.negotiation import NegotiationResponse, SecurityProtocol
from pyrdpmux.rdp.x224.tpdu import ConnectionConfirm, ConnectionRequest, decode_tpdu
from pyrdpmux.rdp.x224.tpkt import Tpkt
from pyrdpmux.wire import decode


class LateInitiation(DoorPhase):
    """1.3.1.1 Connection Initiation inside TLS: there is nothing left to negotiate.

    Nor to choose: a routing token that comes this late is told to the owner, but leads nowhere.
    """

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
        if request.negotiation is None:
            raise SequenceError(self.name, "a request without negotiation", ("RDP_NEG_REQ",))
        requested = request.negotiation.requested_protocols
        link.found = replace(link.found, has_negotiated=True, requested_protocols=requested)
        link.emit(ConnectionRequested(requested, request.cookie, request.routing))
        # QUIRK(FreeRDP): what the client sees as selected has to be one that it asks for here.
        for protocol in (SecurityProtocol.HYBRID, SecurityProtocol.SSL):
            if requested & protocol:
                flags = response_flags(link.config)
                link.send_tpdu(ConnectionConfirm(NegotiationResponse(protocol, flags)))
                return link.secure()
        raise SequenceError(self.name, f"a request for {requested!r}", ("HYBRID", "SSL"))

    HANDLERS = {ConnectionRequest: on_connection_request}
