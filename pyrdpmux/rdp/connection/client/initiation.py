"""Connection Initiation, the TLS handshake and NLA, from the client's side."""

from __future__ import annotations

from pyrdpmux.errors import NegotiationFailed, SequenceError, TlsFailed
from pyrdpmux.rdp.connection.client.link import ClientLink, ClientPhase
from pyrdpmux.rdp.connection.client.settings import begin_basic_settings
from pyrdpmux.rdp.connection.events import SecurityEstablished
from pyrdpmux.rdp.connection.framer import take_tpkt
from pyrdpmux.rdp.connection.machine import Phase
from pyrdpmux.rdp.nla.credssp import CredSspClient, EarlyUserAuthResult, take_ts_request
from pyrdpmux.rdp.tls.certificate import public_key_of
from pyrdpmux.rdp.tls.endpoint import TlsEndpoint
from pyrdpmux.rdp.x224.negotiation import (
    COOKIE_PREFIX,
    NegotiationFailure,
    NegotiationRequest,
    NegotiationResponse,
    ResponseFlags,
    SecurityProtocol,
)
from pyrdpmux.rdp.x224.tpdu import ConnectionConfirm, ConnectionRequest, decode_tpdu
from pyrdpmux.rdp.x224.tpkt import Tpkt
from pyrdpmux.wire import decode


def begin(link: ClientLink) -> Phase:
    """Send the Connection Request that opens everything."""
    config = link.config
    routing = config.routing
    if routing is None and config.cookie is not None:
        routing = COOKIE_PREFIX + config.cookie
    link.send_tpdu(ConnectionRequest(NegotiationRequest(config.protocols), routing))
    return ConnectionInitiation(link)


class ConnectionInitiation(ClientPhase):
    """1.3.1.1 Connection Initiation: the request is out, the confirm awaited."""

    def seconds(self) -> float | None:
        return self.link.config.limits.settings

    def take_frame(self, buffer: bytearray) -> bytes | None:
        return take_tpkt(buffer)

    def decode(self, frame: bytes) -> object:
        return decode_tpdu(decode(Tpkt, frame).payload)

    def on_confirm(self, confirm: ConnectionConfirm) -> Phase:
        link = self.link
        match confirm.negotiation:
            case NegotiationFailure(failure_code=code):
                raise NegotiationFailed(code, code.name)
            case NegotiationResponse(selected_protocol=selected, flags=flags):
                link.facts.selected_protocol = selected
                link.facts.takes_extended_data = bool(flags & ResponseFlags.EXTENDED_CLIENT_DATA_SUPPORTED)
        selected = link.facts.selected_protocol
        is_offered = selected & link.config.protocols or selected == link.config.protocols
        if not is_offered:  # also for standard RDP security where TLS was asked for: no downgrade
            raise SequenceError(self.name, f"selected protocol {selected!r}", (repr(link.config.protocols),))
        if selected == SecurityProtocol.RDP:
            return begin_basic_settings(link)
        context = link.config.tls_context
        if context is None:
            raise SequenceError(self.name, "TLS", ("RDP",))
        link.start_tls(TlsEndpoint(context, server_side=False, server_hostname=link.config.server_hostname))
        return TlsHandshake(link)

    HANDLERS = {ConnectionConfirm: on_confirm}


class TlsHandshake(ClientPhase):
    """Between the Connection Confirm and the first plain text."""

    def seconds(self) -> float | None:
        return self.link.config.limits.security

    def take_frame(self, buffer: bytearray) -> bytes | None:
        return None

    def on_tls_established(self) -> Phase:
        link = self.link
        self._check_certificate()
        if link.facts.selected_protocol == SecurityProtocol.SSL:
            link.emit(SecurityEstablished(SecurityProtocol.SSL, describe_tls(link)))
            return begin_basic_settings(link)
        return NetworkLevelAuthentication(link)

    def _check_certificate(self) -> None:
        accepts = self.link.config.accepts_certificate
        assert self.link.tls is not None
        if accepts is not None and not accepts(self.link.tls.peer_certificate_der() or b""):
            raise TlsFailed("the server's certificate is not the expected one")


class NetworkLevelAuthentication(ClientPhase):
    """CredSSP (MS-CSSP 3.1.5), then the Early User Authorization Result under HYBRID_EX."""

    def __init__(self, link: ClientLink) -> None:
        super().__init__(link)
        assert link.tls is not None
        config = link.config
        self.credssp = CredSspClient(
            user=config.user,
            domain=config.domain,
            password=config.password,
            public_key=public_key_of(link.tls.peer_certificate_der() or b""),
            wall_clock=config.wall_clock,
            entropy=config.entropy,
        )
        self._flush()

    def seconds(self) -> float | None:
        return self.link.config.limits.security

    def take_frame(self, buffer: bytearray) -> bytes | None:
        if not self.credssp.is_complete:
            return take_ts_request(buffer)
        if len(buffer) < EarlyUserAuthResult.SIZE:
            return None
        frame = bytes(buffer[: EarlyUserAuthResult.SIZE])
        del buffer[: EarlyUserAuthResult.SIZE]
        return frame

    def decode(self, frame: bytes) -> object:
        return decode(EarlyUserAuthResult, frame) if self.credssp.is_complete else frame

    def on_ts_request(self, frame: bytes) -> Phase:
        try:
            self.credssp.receive_data(frame)
        finally:
            self._flush()
        if self.credssp.is_complete and not self.link.facts.selected_protocol & SecurityProtocol.HYBRID_EX:
            return self._proceed()
        return self

    def on_early_result(self, result: EarlyUserAuthResult) -> Phase:
        result.check()
        return self._proceed()

    def _proceed(self) -> Phase:
        link = self.link
        config = link.config
        link.emit(
            SecurityEstablished(link.facts.selected_protocol, describe_tls(link), config.user, config.domain)
        )
        return begin_basic_settings(link)

    def _flush(self) -> None:
        data = self.credssp.data_to_send()
        if data:
            self.link.send_frame(data, self.credssp)

    HANDLERS = {bytes: on_ts_request, EarlyUserAuthResult: on_early_result}


def describe_tls(link: ClientLink) -> str:
    """Protocol version and cipher suite, for logs."""
    return f"{link.tls.version} {link.tls.cipher}" if link.tls is not None else "no TLS"
