"""What the phases of a client connection share."""

from __future__ import annotations

from dataclasses import dataclass, field

from pyrdpmux.errors import StateError
from pyrdpmux.rdp.channels.static import ChannelReassembler
from pyrdpmux.rdp.connection.client.config import ClientConfig
from pyrdpmux.rdp.connection.envelope import wrap
from pyrdpmux.rdp.connection.machine import Machine, Phase
from pyrdpmux.rdp.connection.secure import seal
from pyrdpmux.rdp.fastpath.fragment import Reassembler
from pyrdpmux.rdp.mcs.client_data import EncryptionMethod
from pyrdpmux.rdp.mcs.domain import SendDataRequest
from pyrdpmux.rdp.mcs.server_data import ServerCoreData, ServerSecurityData
from pyrdpmux.rdp.pdu.capabilities import CapabilitySet
from pyrdpmux.rdp.pdu.message_channel import KnownMessage, message_flags
from pyrdpmux.rdp.pdu.security import SecurityFlags
from pyrdpmux.rdp.pdu.share import ShareControl, ShareControlBody, ShareData, ShareDataBody
from pyrdpmux.rdp.standard_security.encryption import StandardSecurity
from pyrdpmux.rdp.x224.negotiation import SecurityProtocol
from pyrdpmux.wire import encode


@dataclass(slots=True)
class ClientFacts:
    """What a client connection has learnt."""

    selected_protocol: SecurityProtocol = SecurityProtocol.RDP
    server_core: ServerCoreData | None = None
    server_security: ServerSecurityData | None = None
    io_channel_id: int = 0
    message_channel_id: int | None = None
    user_channel_id: int = 0
    #: static channels by number, in the order asked for
    channels: dict[int, str] = field(default_factory=dict)
    share_id: int = 0
    capabilities: tuple[CapabilitySet, ...] = ()
    width: int = 0
    height: int = 0
    bits_per_pixel: int = 0


class ClientLink(Machine):
    """The connection as its phases see it."""

    def __init__(self, config: ClientConfig, now: float) -> None:
        super().__init__(now, config.tracer)
        self.config = config
        self.facts = ClientFacts()
        self.standard: StandardSecurity | None = None
        self.client_random = b""
        self.encryption_method = EncryptionMethod.NONE
        self.updates = Reassembler(config.max_request_size)
        self.has_been_active = False
        #: of a bandwidth measurement: when it began, bytes of payload since, bytes of all frames before
        self.bandwidth_started = now
        self.bandwidth_bytes = 0
        self.bandwidth_base = 0
        self.received_bytes = 0
        self._reassemblers: dict[int, ChannelReassembler] = {}

    def reassembler(self, channel_id: int) -> ChannelReassembler:
        """The one of this static channel."""
        if channel_id not in self._reassemblers:
            size = self.config.limits.channel_message_bytes
            self._reassemblers[channel_id] = ChannelReassembler(size)
        return self._reassemblers[channel_id]

    def send_data(
        self, channel_id: int, body: bytes, pdu: object, flags: SecurityFlags = SecurityFlags(0)
    ) -> None:
        """A Send Data Request, encrypted and headed as the security in force wants."""
        has_header = bool(flags) or self.standard is not None
        sealed = seal(self.standard, body, flags, has_header=has_header)
        request = SendDataRequest(self.facts.user_channel_id, channel_id, sealed)
        self.send_frame(wrap(request), pdu)

    def send_licensing(self, body: bytes, pdu: object, *, encrypts: bool) -> None:
        """A licensing PDU: encrypted only for servers that say they read such (SEC_LICENSE_ENCRYPT_CS)."""
        security = self.standard if encrypts else None
        sealed = seal(security, body, SecurityFlags.LICENSE_PKT, has_header=True)
        request = SendDataRequest(self.facts.user_channel_id, self.facts.io_channel_id, sealed)
        self.send_frame(wrap(request), pdu)

    def send_share(self, body: ShareControlBody) -> None:
        share = ShareControl(self.facts.user_channel_id, body)
        self.send_data(self.facts.io_channel_id, encode(share), body)

    def send_share_data(self, body: ShareDataBody) -> None:
        share = ShareControl(self.facts.user_channel_id, ShareData(self.facts.share_id, body))
        self.send_data(self.facts.io_channel_id, encode(share), body)

    def send_message(self, message: KnownMessage) -> None:
        """A PDU on the message channel; the security header says which one (2.2.8.1.1.2.1)."""
        if self.facts.message_channel_id is None:
            raise StateError(self.phase_name, "sending on the message channel, which was not agreed")
        self.send_data(self.facts.message_channel_id, encode(message), message, message_flags(message))


class ClientPhase(Phase):
    """A phase of a client connection."""

    def __init__(self, link: ClientLink) -> None:
        self.link = link
