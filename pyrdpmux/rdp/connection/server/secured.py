"""What the door leaves to the session: how the connection is secured, and who is there."""

from dataclasses import dataclass

from pyrdpmux.rdp.connection.server.destination import Destination
from pyrdpmux.rdp.x224.negotiation import SecurityProtocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Secured:
    """All that the session is told of what was before it. Plain values, but for the owner's ``ticket``."""

    selected_protocol: SecurityProtocol = SecurityProtocol.RDP
    #: the X.224 Connection Request had an RDP Negotiation Request, for these protocols
    has_negotiated: bool = False
    requested_protocols: SecurityProtocol = SecurityProtocol.RDP
    #: Hyper-V's order: TLS and NLA first, then the X.224 Connection Request
    begins_with_tls: bool = False
    #: what the client asked for before it proved who it is
    destination: Destination = Destination()
    #: who was proved by NLA; None without, and then whatever name comes later proves nothing
    user: str | None = None
    domain: str | None = None
    #: what came with the proof (``Proof.ticket``)
    ticket: object | None = None
    #: for logs: "TLSv1.3 TLS_AES_256_GCM_SHA384"; empty without TLS
    tls: str = ""
    #: the version of CredSSP in use; None without NLA
    credssp_version: int | None = None

    @property
    def is_authenticated(self) -> bool:
        """NLA has proved who it is."""
        return self.user is not None
