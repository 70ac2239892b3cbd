"""What the phases of a client connection share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from pyrdpmux.codec.bulk.packets import PacketDecompressor
from pyrdpmux.errors import DecodeError, LimitExceeded, StateError
from pyrdpmux.rdp.channels.dynamic.pdu import CHANNEL_NAME
from pyrdpmux.rdp.channels.traffic import Agreement, StaticTraffic
from pyrdpmux.rdp.connection.channel import Channel, Offer
from pyrdpmux.rdp.connection.channel_router import ChannelRouter
from pyrdpmux.rdp.connection.client.channels.dynamic import ClientDynamicChannels
from pyrdpmux.rdp.connection.client.channels.graphics import Graphics
from pyrdpmux.rdp.connection.client.channels.table import CLIENT_CHANNELS
from pyrdpmux.rdp.connection.client.config import ClientConfig
from pyrdpmux.rdp.connection.envelope import wrap
from pyrdpmux.rdp.connection.machine import Machine, Phase
from pyrdpmux.rdp.connection.secure import seal
from pyrdpmux.rdp.fastpath.fragment import Reassembler
from pyrdpmux.rdp.mcs.client_data import EncryptionMethod
from pyrdpmux.rdp.mcs.domain import SendDataRequest
from pyrdpmux.rdp.mcs.server_data import ServerCoreData, ServerSecurityData
from pyrdpmux.rdp.pdu.capabilities import CapabilitySet, find_capability
from pyrdpmux.rdp.pdu.capabilities.session import VirtualChannelCapability
from pyrdpmux.rdp.pdu.message_channel import KnownMessage, message_flags
from pyrdpmux.rdp.pdu.security import SecurityFlags
from pyrdpmux.rdp.pdu.share import ShareControl, ShareControlBody, ShareData, ShareDataBody
from pyrdpmux.rdp.standard_security.encryption import StandardSecurity
from pyrdpmux.rdp.x224.negotiation import SecurityProtocol
from pyrdpmux.wire import encode

#: what a suspended client has to say is kept up to this many messages
MAX_HELD_MESSAGES: Final = 256


@dataclass(slots=True)
class ClientFacts:
    """What a client connection has learnt."""

    selected_protocol: SecurityProtocol = SecurityProtocol.RDP
    #: monitors, among others (2.2.1.2.1)
    takes_extended_data: bool = False
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
        #: of all that the server may compress: updates, share data and channels have one history (3.1.8)
        self.incoming = PacketDecompressor(config.compression) if config.compression is not None else None
        self.has_been_active = False
        #: of a bandwidth measurement: when it began, bytes of payload since, bytes of all frames before
        self.bandwidth_started = now
        self.bandwidth_bytes = 0
        self.bandwidth_base = 0
        self.received_bytes = 0
        self.static_traffic = StaticTraffic(config.limits.channel_message_bytes)
        self.router = ChannelRouter()
        #: messages that wait for the end of a suspension, by the channels that they are for
        self._held: list[tuple[int, bytes]] = []
        #: the server has suspended all static channels (2.2.6.1.1)
        self.is_suspended = False

    def agree_static_traffic(self, ours: VirtualChannelCapability) -> None:
        """How static channels are used, by our capability set and the server's."""
        theirs = find_capability(self.facts.capabilities, VirtualChannelCapability)
        agreed = Agreement.of(theirs, ours, self.config.compression)
        sending = agreed.to_server if self.config.compression is not None else None
        self.static_traffic.agree(
            agreed.chunk_size, sending=sending, receiving=agreed.to_client, incoming=self.incoming
        )

    def decompress(self, flags: int, data: bytes) -> bytes:
        """What a server has compressed, or has not, which may empty the history all the same."""
        if self.incoming is None:
            raise DecodeError("compressionFlags", f"{flags:#04x}, but no compression was offered", 0)
        return self.incoming.decompress(flags, data)

    def send_static(self, channel: str, message: bytes) -> None:
        """A message on a static channel, cut into chunks. StateError where there is no such channel now."""
        found = next((key for key, name in self.facts.channels.items() if name == channel), None)
        if found is None or self.is_suspended:
            reason = "the server has suspended" if self.is_suspended else "the server has not"
            raise StateError(self.phase_name, f"sending on channel {channel}, which {reason}")
        self._send_chunks(found, message)

    def _send_chunks(self, channel_id: int, message: bytes) -> None:
        position = list(self.facts.channels).index(channel_id)
        options = self.config.static_channels[position].options
        for pdu in self.static_traffic.send(message, options):
            self.send_data(channel_id, encode(pdu), pdu)

    def begin_channels(self) -> None:
        """The server has numbered the static channels."""
        listeners = self.config.dynamic_channels
        names = () if listeners is None else (*listeners, CHANNEL_NAME)
        table: dict[str, Callable[[str], Channel]] = {**CLIENT_CHANNELS}
        table[Graphics.NAME] = partial(Graphics, sets=self.config.graphics)
        offer = Offer(table, names, self.config.limits.channel_message_bytes)
        self.router.begin(self.facts.channels, offer, ClientDynamicChannels, self.now)

    def flush_channels(self) -> None:
        """Send and tell what the machines of channels have queued; nothing is sent while suspended."""
        for channel_id, queued in self.router.take():
            for text in queued.notes:
                self.note(text)
            self._held += [(channel_id, message) for message in queued.messages]
            for event in queued.events:
                self.emit(event)
        if self.is_suspended:
            if len(self._held) > MAX_HELD_MESSAGES:
                raise LimitExceeded("MAX_HELD_MESSAGES", len(self._held), MAX_HELD_MESSAGES)
            return
        held, self._held = self._held, []
        for channel_id, message in held:
            self._send_chunks(channel_id, message)

    def dynamic_for(self, action: str, channel: str) -> ClientDynamicChannels:
        """The manager of dynamic channels. StateError where there is none."""
        if not isinstance(self.router.dynamic, ClientDynamicChannels):
            raise StateError(self.phase_name, f"{action} channel {channel} without dynamic channels")
        return self.router.dynamic

    def graphics_for(self, action: str) -> Graphics:
        """The graphics pipeline. StateError where its channel is not open."""
        machine = self.dynamic_for(action, Graphics.NAME).machine(Graphics.NAME)
        if not isinstance(machine, Graphics):
            raise StateError(self.phase_name, f"{action} the graphics pipeline, which is not open")
        return machine

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
