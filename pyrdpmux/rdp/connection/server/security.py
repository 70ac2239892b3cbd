"""Enhanced RDP security (MS-RDPBCGR 5.4): the TLS handshake, and CredSSP on top of it for NLA."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from pyrdpmux.errors import LimitExceeded
from pyrdpmux.rdp.connection.events import LogonRequested, SecurityEstablished
from pyrdpmux.rdp.connection.limits import MAX_HELD_BYTES
from pyrdpmux.rdp.connection.machine import Phase
from pyrdpmux.rdp.connection.server.door_link import DoorLink, DoorPhase
from pyrdpmux.rdp.connection.server.late_initiation import LateInitiation
from pyrdpmux.rdp.nla.credssp import CredSspServer, EarlyUserAuthResult, take_ts_request
from pyrdpmux.rdp.nla.logon import Proof
from pyrdpmux.rdp.x224.negotiation import SecurityProtocol
from pyrdpmux.wire import encode


class SecurePhase(DoorPhase):
    """The time for TLS and NLA is one: people take it as they please."""

    def seconds(self) -> float | None:
        return self.link.config.limits.security

    def until(self, now: float) -> float | None:
        return self.link.secure_by


class TlsHandshake(SecurePhase):
    """Between the Connection Confirm and the first plain text: nothing but TLS records."""

    def __init__(self, link: DoorLink, *, has_begun: bool = False) -> None:
        super().__init__(link)
        self.has_begun = has_begun

    def seconds(self) -> float | None:
        return super().seconds() if self.has_begun else self.link.config.limits.client_hello

    def until(self, now: float) -> float | None:
        return super().until(now) if self.has_begun else now + self.link.config.limits.client_hello

    def take_frame(self, buffer: bytearray) -> bytes | None:
        return None

    def on_eof(self) -> Phase:
        # What a client does whose user, or whose trust store, refuses the certificate.
        return self.link.end("closed by the peer during the TLS handshake", by_peer=True)

    def on_tls_begun(self) -> Phase:
        link = self.link
        link.secure_by = link.now + link.config.limits.security
        return TlsHandshake(link, has_begun=True)

    def on_tls_established(self) -> Phase:
        link = self.link
        if link.found.selected_protocol == SecurityProtocol.SSL:
            link.emit(SecurityEstablished(SecurityProtocol.SSL, link.describe_tls()))
            return link.secure()
        return NetworkLevelAuthentication(link)


class NetworkLevelAuthentication(SecurePhase):
    """CredSSP (MS-CSSP 3.1.5): the client proves who it is before it sees anything of RDP.

    Whether its password is right is answered by the accounts at once, or by the owner in its own time.
    """

    def __init__(self, link: DoorLink) -> None:
        super().__init__(link)
        security = link.config.security
        assert security.has_nla
        assert security.certificate is not None
        self.credssp = CredSspServer(
            accounts=security.accounts,
            public_key=security.certificate.public_key_der,
            target_name=link.config.server_name,
            wall_clock=link.config.wall_clock,
            entropy=link.config.entropy,
            min_version=security.min_credssp_version,
        )

    @property
    def awaits_answer(self) -> bool:
        return self.credssp.logon is not None

    def take_frame(self, buffer: bytearray) -> bytes | None:
        if not self.awaits_answer:
            return take_ts_request(buffer)
        if len(buffer) > MAX_HELD_BYTES:
            raise LimitExceeded("MAX_HELD_BYTES", len(buffer), MAX_HELD_BYTES)
        return None

    def decode(self, frame: bytes) -> object:
        return frame

    def on_eof(self) -> Phase:
        return self.link.end("closed by the peer during NLA", by_peer=True)

    def on_ts_request(self, frame: bytes) -> Phase:
        return self._go_on(lambda: self.credssp.receive_data(frame))

    def on_answer(self, proof: Proof | None) -> Phase:
        """The owner's, to ``LogonRequested``."""
        return self._go_on(lambda: self.credssp.answer(proof))

    def _go_on(self, step: Callable[[], None]) -> Phase:
        try:
            step()
        finally:  # an error is queued for the client before it is raised here
            answer = self.credssp.data_to_send()
            if answer:
                self.link.send_frame(answer, self.credssp)
        if self.credssp.logon is not None:
            self.link.emit(LogonRequested(self.credssp.logon))
            return self
        return self._admit() if self.credssp.is_complete else self

    def _admit(self) -> Phase:
        link = self.link
        proof = self.credssp.proof
        assert proof is not None
        if link.found.selected_protocol & SecurityProtocol.HYBRID_EX:
            authorize = link.config.security.authorize
            is_allowed = authorize is None or authorize(proof)
            result = EarlyUserAuthResult.success() if is_allowed else EarlyUserAuthResult.denied()
            link.send_frame(encode(result), result)
            if not is_allowed:
                return link.end(f"{proof.user} may not be here", by_peer=False)
        version = self.credssp.version
        link.found = replace(
            link.found,
            user=proof.user,
            domain=proof.domain,
            ticket=proof.ticket,
            credssp_version=version,
        )
        selected = link.found.selected_protocol
        link.emit(SecurityEstablished(selected, link.describe_tls(), proof.user, proof.domain, version))
        return LateInitiation(link) if link.found.begins_with_tls else link.secure()

    HANDLERS = {bytes: on_ts_request}
