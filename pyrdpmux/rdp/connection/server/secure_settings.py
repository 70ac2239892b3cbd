"""Security Commencement, Secure Settings Exchange, connect-time auto-detection and licensing.

The I/O channel speaks with security headers in these phases, whatever the security (MS-RDPBCGR 2.2.1.10,
2.2.1.11, 2.2.1.12).
"""

from __future__ import annotations

from pyrdpmux.errors import SequenceError
from pyrdpmux.rdp.connection.events import LoggedOn, SecurityEstablished
from pyrdpmux.rdp.connection.machine import Phase
from pyrdpmux.rdp.connection.secure import unseal
from pyrdpmux.rdp.connection.server.activation import demand_active
from pyrdpmux.rdp.connection.server.link import ServerLink
from pyrdpmux.rdp.connection.server.logon import recognise_returning_user
from pyrdpmux.rdp.connection.server.session import SessionPhase
from pyrdpmux.rdp.pdu.auto_detect import AutoDetectResponse, BandwidthMeasureResults, RttMeasureResponse
from pyrdpmux.rdp.pdu.client_info import ClientInfo
from pyrdpmux.rdp.pdu.licensing import VALID_CLIENT
from pyrdpmux.rdp.pdu.security import SecurityExchange, SecurityFlags
from pyrdpmux.rdp.standard_security.encryption import CLIENT_RANDOM_SIZE, StandardSecurity
from pyrdpmux.rdp.x224.negotiation import SecurityProtocol
from pyrdpmux.wire import decode, encode


class SecurityCommencement(SessionPhase):
    """1.3.1.1 RDP Security Commencement: the client's random, encrypted with our public key."""

    def seconds(self) -> float | None:
        return self.link.config.limits.settings

    def decode_io(self, data: bytes) -> object:
        flags, body = unseal(None, data, has_header=True)
        if not flags & SecurityFlags.EXCHANGE_PKT:
            raise SequenceError(self.name, f"security header with {flags!r}", ("EXCHANGE_PKT",))
        return decode(SecurityExchange, body)

    def on_security_exchange(self, pdu: SecurityExchange) -> Phase:
        link = self.link
        options = link.config.standard
        assert options is not None
        client_random = options.key.decrypt(pdu.encrypted_client_random, CLIENT_RANDOM_SIZE)
        link.client_random = client_random
        link.standard = StandardSecurity.for_server(client_random, link.server_random, link.encryption_method)
        link.emit(SecurityEstablished(SecurityProtocol.RDP, link.standard.description))
        return SecureSettingsExchange(link)

    HANDLERS = {**SessionPhase.HANDLERS, SecurityExchange: on_security_exchange}


class SecureSettingsExchange(SessionPhase):
    """1.3.1.1 Secure Settings Exchange: the Client Info PDU."""

    def seconds(self) -> float | None:
        return self.link.config.limits.settings

    def decode_io(self, data: bytes) -> object:
        flags, body = self.unseal(data, has_header=True)
        if not flags & SecurityFlags.INFO_PKT:
            raise SequenceError(self.name, f"security header with {flags!r}", ("INFO_PKT",))
        return decode(ClientInfo, body)

    def on_client_info(self, info: ClientInfo) -> Phase:
        link = self.link
        facts = link.facts
        facts.client_info = info
        facts.is_reconnect = recognise_returning_user(link, info)
        secured = link.secured
        link.emit(
            LoggedOn(
                secured.user if secured.user is not None else info.user_name,
                (secured.domain or "") if secured.is_authenticated else info.domain,
                secured.is_authenticated,
                facts.is_reconnect,
                secured.ticket,
            )
        )
        if link.can_auto_detect and link.config.connect_time_auto_detect:
            return ConnectTimeAutoDetection(link)
        return license_and_demand(link)

    HANDLERS = {**SessionPhase.HANDLERS, ClientInfo: on_client_info}


class ConnectTimeAutoDetection(SessionPhase):
    """1.3.1.1 Optional Connect-Time Auto-Detection. A client that does not answer is not waited for."""

    def __init__(self, link: ServerLink) -> None:
        super().__init__(link)
        link.send_message(link.auto_detect.begin_connect_time(link.now))

    def seconds(self) -> float | None:
        return self.link.config.limits.auto_detection

    def on_timeout(self, seconds: float) -> Phase:
        self.link.note(f"no answer to auto-detect within {seconds:g} s")
        self.link.auto_detect.give_up_connect_time()
        return license_and_demand(self.link)

    def on_auto_detect(self, pdu: AutoDetectResponse) -> Phase:
        if self.link.take_answer(pdu):
            return license_and_demand(self.link)
        return self

    HANDLERS = {
        **SessionPhase.HANDLERS,
        RttMeasureResponse: on_auto_detect,
        BandwidthMeasureResults: on_auto_detect,
    }


def license_and_demand(link: ServerLink) -> Phase:
    """1.3.1.1 Licensing, without a license to give: valid client; then the Demand Active PDU."""
    if link.config.licensing is not None:
        return link.config.licensing(link)
    link.send_unencrypted(encode(VALID_CLIENT), VALID_CLIENT, SecurityFlags.LICENSE_PKT)
    return conclude_licensing(link)


def conclude_licensing(link: ServerLink) -> Phase:
    """The client has been told that licensing is over: the Demand Active PDU."""
    link.agree_keepalive()
    return demand_active(link)
