"""Connection Initiation at a port for several desktops: preconnection PDU, then X.224 or TLS at once.

Hyper-V's clients have an order of their own: preconnection PDU, TLS, CredSSP, and only then the X.224
Connection Request, inside TLS. What a client begins with tells which order it follows.
"""

from __future__ import annotations

from dataclasses import replace

from pyrdpmux.errors import NegotiationFailed, PeerError, SequenceError
from pyrdpmux.rdp.connection.framer import take_tpkt
from pyrdpmux.rdp.connection.machine import Phase
from pyrdpmux.rdp.connection.server.destination import Destination
from pyrdpmux.rdp.connection.server.initiation import Initiation
from pyrdpmux.rdp.connection.server.negotiation import choose_protocol
from pyrdpmux.rdp.connection.server.security import TlsHandshake
from pyrdpmux.rdp.preconnection import Preconnection, is_preconnection, take_preconnection
from pyrdpmux.rdp.tls.endpoint import TlsEndpoint
from pyrdpmux.rdp.x224.negotiation import SecurityProtocol
from pyrdpmux.rdp.x224.tpdu import ConnectionRequest
from pyrdpmux.wire import decode

#: the content type of a TLS record that holds a handshake message (RFC 8446 5.1)
TLS_HANDSHAKE = 0x16


class TlsBeginning:
    """The client has begun a TLS handshake."""


class GatewayInitiation(Initiation):
    """What a connection with a ``selector`` begins with."""

    def take_frame(self, buffer: bytearray) -> bytes | None:
        is_first = is_preconnection(buffer)
        if is_first is None:
            return None
        if is_first:
            return take_preconnection(buffer)
        if buffer[0] == TLS_HANDSHAKE:
            return bytes(buffer)  # left where it is, for the endpoint
        return take_tpkt(buffer)

    def decode(self, frame: bytes) -> object:
        if is_preconnection(frame):
            return decode(Preconnection, frame)
        return TlsBeginning() if frame[0] == TLS_HANDSHAKE else super().decode(frame)

    def on_preconnection(self, pdu: Preconnection) -> Phase:
        link = self.link
        if link.found.destination.preconnection is not None:
            raise SequenceError(self.name, "a second Preconnection", ("ConnectionRequest",))
        link.found = replace(link.found, destination=Destination(pdu))
        return self

    def on_tls(self, _beginning: TlsBeginning) -> Phase:
        """Hyper-V's order: nothing is negotiated, both sides take NLA for granted."""
        link = self.link
        link.select(link.found.destination)
        link.found = replace(link.found, begins_with_tls=True)
        selected = choose_protocol(link.config.security, SecurityProtocol.HYBRID)
        context = link.config.security.tls_context
        if context is None:  # not with HYBRID, which needs one
            raise NegotiationFailed(0, "TLS is not configured")
        link.found = replace(link.found, selected_protocol=selected)
        link.start_tls(TlsEndpoint(context, server_side=True))
        return TlsHandshake(link)

    def explain(self, error: PeerError) -> None:
        if not self.link.found.begins_with_tls:  # who has not asked in X.224 cannot be answered in it
            super().explain(error)

    HANDLERS = {
        Preconnection: on_preconnection,
        TlsBeginning: on_tls,
        ConnectionRequest: Initiation.on_connection_request,
    }
