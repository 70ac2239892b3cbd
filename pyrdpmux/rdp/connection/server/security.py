"""Enhanced RDP security (MS-RDPBCGR 5.4): the TLS handshake, and CredSSP on top of it for NLA."""

from __future__ import annotations

from pyrdpmux.rdp.connection.events import SecurityEstablished
from pyrdpmux.rdp.connection.machine import Phase
from pyrdpmux.rdp.connection.server.late_initiation import LateInitiation
from pyrdpmux.rdp.connection.server.link import ServerLink, ServerPhase
from pyrdpmux.rdp.connection.server.settings import BasicSettingsExchange
from pyrdpmux.rdp.tls.credssp import CredSspServer, EarlyUserAuthResult, take_ts_request
from pyrdpmux.rdp.x224.negotiation import SecurityProtocol
from pyrdpmux.wire import encode


class TlsHandshake(ServerPhase):
    """Between the Connection Confirm and the first plain text: nothing but TLS records."""

    def seconds(self) -> float | None:
        return self.link.config.limits.security

    def take_frame(self, buffer: bytearray) -> bytes | None:
        return None

    def on_eof(self) -> Phase:
        # What a client does whose user, or whose trust store, refuses the certificate.
        return self.link.end("closed by the peer during the TLS handshake", by_peer=True)

    def on_tls_established(self) -> Phase:
        link = self.link
        if link.facts.selected_protocol == SecurityProtocol.SSL:
            link.emit(SecurityEstablished(SecurityProtocol.SSL, describe_tls(link)))
            return BasicSettingsExchange(link)
        return NetworkLevelAuthentication(link)


class NetworkLevelAuthentication(ServerPhase):
    """CredSSP (MS-CSSP 3.1.5): the client proves who it is before it sees anything of RDP."""

    def __init__(self, link: ServerLink) -> None:
        super().__init__(link)
        security = link.config.security
        assert security.accounts is not None
        assert security.certificate is not None
        self.credssp = CredSspServer(
            accounts=security.accounts,
            public_key=security.certificate.public_key_der,
            target_name=link.config.server_name,
            wall_clock=link.config.wall_clock,
            entropy=link.config.entropy,
        )

    def seconds(self) -> float | None:
        return self.link.config.limits.security

    def take_frame(self, buffer: bytearray) -> bytes | None:
        return take_ts_request(buffer)

    def decode(self, frame: bytes) -> object:
        return frame

    def on_eof(self) -> Phase:
        return self.link.end("closed by the peer during NLA", by_peer=True)

    def on_ts_request(self, frame: bytes) -> Phase:
        try:
            self.credssp.receive_data(frame)
        finally:  # an error is queued for the client before it is raised here
            answer = self.credssp.data_to_send()
            if answer:
                self.link.send_frame(answer, self.credssp)
        if not self.credssp.is_complete:
            return self
        return self._admit()

    def _admit(self) -> Phase:
        link = self.link
        facts = link.facts
        proof = self.credssp.proof
        assert proof is not None
        facts.user, facts.domain = proof.user, proof.domain
        if facts.selected_protocol & SecurityProtocol.HYBRID_EX:
            authorize = link.config.security.authorize
            is_allowed = authorize is None or authorize(proof)
            result = EarlyUserAuthResult.success() if is_allowed else EarlyUserAuthResult.denied()
            link.send_frame(encode(result), result)
            if not is_allowed:
                return link.end(f"{facts.user} may not be here", by_peer=False)
        link.emit(SecurityEstablished(facts.selected_protocol, describe_tls(link), facts.user, facts.domain))
        return LateInitiation(link) if facts.begins_with_tls else BasicSettingsExchange(link)

    HANDLERS = {bytes: on_ts_request}


def describe_tls(link: ServerLink) -> str:
    """Protocol version and cipher suite, for logs."""
    return f"{link.tls.version} {link.tls.cipher}" if link.tls is not None else "no TLS"
