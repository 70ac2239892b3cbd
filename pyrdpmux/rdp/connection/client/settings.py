"""Basic Settings Exchange, Channel Connection and what follows up to licensing, from the client's side."""

from __future__ import annotations

from typing import Final

from pyrdpmux.errors import SequenceError
from pyrdpmux.rdp.channels.display_control.layout import monitor_data
from pyrdpmux.rdp.channels.graphics.header import CHANNEL_NAME as GRAPHICS_CHANNEL
from pyrdpmux.rdp.connection.client.link import ClientLink, ClientPhase
from pyrdpmux.rdp.connection.client.secure_settings import begin_security
from pyrdpmux.rdp.connection.envelope import unwrap, wrap
from pyrdpmux.rdp.connection.framer import take_tpkt
from pyrdpmux.rdp.connection.machine import Phase
from pyrdpmux.rdp.mcs.client_core import (
    ClientCoreData,
    ClientEarlyCapabilityFlags,
    ColorDepth,
    ConnectionType,
    HighColorDepth,
    SupportedColorDepths,
)
from pyrdpmux.rdp.mcs.client_data import (
    ClientDataBlock,
    ClientMessageChannelData,
    ClientNetworkData,
    ClientSecurityData,
)
from pyrdpmux.rdp.mcs.connect import ConnectInitial, ConnectResponse, Result
from pyrdpmux.rdp.mcs.domain import (
    AttachUserConfirm,
    AttachUserRequest,
    ChannelJoinConfirm,
    ChannelJoinRequest,
    ErectDomainRequest,
    decode_domain_pdu,
)
from pyrdpmux.rdp.mcs.gcc import ConferenceCreateRequest, ConferenceCreateResponse
from pyrdpmux.rdp.mcs.server_data import (
    ServerCoreData,
    ServerEarlyCapabilityFlags,
    ServerMessageChannelData,
    ServerNetworkData,
    ServerSecurityData,
)
from pyrdpmux.wire import decode, encode

ALL_DEPTHS: Final = (
    SupportedColorDepths.BPP_15
    | SupportedColorDepths.BPP_16
    | SupportedColorDepths.BPP_24
    | SupportedColorDepths.BPP_32
)


def begin_basic_settings(link: ClientLink) -> Phase:
    """Send the MCS Connect Initial PDU with our GCC blocks."""
    request = ConferenceCreateRequest(_client_blocks(link))
    initial = ConnectInitial(encode(request))
    link.send_frame(wrap(initial), request)
    return BasicSettingsExchange(link)


def _client_blocks(link: ClientLink) -> tuple[ClientDataBlock, ...]:
    config = link.config
    early = (
        ClientEarlyCapabilityFlags.SUPPORT_ERRINFO_PDU
        | ClientEarlyCapabilityFlags.VALID_CONNECTION_TYPE
        | ClientEarlyCapabilityFlags.SUPPORT_MONITOR_LAYOUT_PDU
    )
    if config.bits_per_pixel == 32:
        early |= ClientEarlyCapabilityFlags.WANT_32BPP_SESSION
    if GRAPHICS_CHANNEL in (config.dynamic_channels or ()):
        early |= ClientEarlyCapabilityFlags.SUPPORT_DYNVC_GFX_PROTOCOL
    if config.wants_message_channel:
        early |= ClientEarlyCapabilityFlags.SUPPORT_NETCHAR_AUTODETECT
        early |= ClientEarlyCapabilityFlags.SUPPORT_HEARTBEAT_PDU
    if config.skip_channel_join:
        early |= ClientEarlyCapabilityFlags.SUPPORT_SKIP_CHANNELJOIN
    core = ClientCoreData(
        *config.size,
        client_name=config.client_name,
        post_beta2_color_depth=ColorDepth.BPP_8,
        client_product_id=1,
        serial_number=0,
        high_color_depth=HighColorDepth(min(config.bits_per_pixel, 24)),
        supported_color_depths=ALL_DEPTHS,
        early_capability_flags=early,
        client_dig_product_id="",
        connection_type=ConnectionType.LAN,
        server_selected_protocol=link.facts.selected_protocol,
    )
    blocks: list[ClientDataBlock] = [core, ClientSecurityData(config.encryption_methods)]
    if config.static_channels:
        blocks.append(ClientNetworkData(config.static_channels))
    if config.monitors and link.facts.takes_extended_data:
        blocks += monitor_data(config.monitors)
    if config.wants_message_channel:
        blocks.append(ClientMessageChannelData())
    return tuple(blocks)


class BasicSettingsExchange(ClientPhase):
    """1.3.1.1 Basic Settings Exchange: the server's Connect Response is awaited."""

    def seconds(self) -> float | None:
        return self.link.config.limits.settings

    def take_frame(self, buffer: bytearray) -> bytes | None:
        return take_tpkt(buffer)

    def decode(self, frame: bytes) -> object:
        return decode(ConnectResponse, unwrap(frame))

    def on_response(self, response: ConnectResponse) -> Phase:
        link = self.link
        if response.result != Result.SUCCESSFUL:
            raise SequenceError(self.name, f"result {response.result.name}", ("SUCCESSFUL",))
        for block in decode(ConferenceCreateResponse, response.user_data).blocks:
            self._adopt(block)
        if link.facts.io_channel_id == 0:
            raise SequenceError(self.name, "ConferenceCreateResponse", ("ServerNetworkData",))
        link.send_domain(ErectDomainRequest())
        link.send_domain(AttachUserRequest())
        return ChannelConnection(link)

    def _adopt(self, block: object) -> None:
        facts = self.link.facts
        match block:
            case ServerCoreData():
                facts.server_core = block
            case ServerSecurityData():
                facts.server_security = block
                self.link.encryption_method = block.encryption_method
            case ServerNetworkData():
                facts.io_channel_id = block.mcs_channel_id
                names = [item.name.decode("ascii", "replace") for item in self.link.config.static_channels]
                facts.channels = dict(zip(block.channel_ids, names, strict=False))
                self.link.begin_channels()
            case ServerMessageChannelData():
                facts.message_channel_id = block.mcs_channel_id

    HANDLERS = {ConnectResponse: on_response}


class ChannelConnection(ClientPhase):
    """1.3.1.1 Channel Connection: one join after the other, each confirmed before the next."""

    def __init__(self, link: ClientLink) -> None:
        super().__init__(link)
        self.waiting: list[int] = []

    def seconds(self) -> float | None:
        return self.link.config.limits.settings

    def take_frame(self, buffer: bytearray) -> bytes | None:
        return take_tpkt(buffer)

    def decode(self, frame: bytes) -> object:
        return decode_domain_pdu(unwrap(frame))

    def on_attached(self, confirm: AttachUserConfirm) -> Phase:
        facts = self.link.facts
        if confirm.result != Result.SUCCESSFUL or confirm.initiator is None:
            raise SequenceError(self.name, f"AttachUserConfirm({confirm.result.name})", ("SUCCESSFUL",))
        facts.user_channel_id = confirm.initiator
        if self._may_skip_joins():
            return begin_security(self.link)
        self.waiting = [facts.user_channel_id, facts.io_channel_id]
        if facts.message_channel_id is not None:
            self.waiting.append(facts.message_channel_id)
        self.waiting += facts.channels
        self._join_next()
        return self

    def _may_skip_joins(self) -> bool:
        core = self.link.facts.server_core
        flags = (core.early_capability_flags or 0) if core is not None else 0
        supported = bool(flags & ServerEarlyCapabilityFlags.SKIP_CHANNELJOIN_SUPPORTED)
        return self.link.config.skip_channel_join and supported

    def _join_next(self) -> None:
        self.link.send_domain(ChannelJoinRequest(self.link.facts.user_channel_id, self.waiting[0]))

    def on_joined(self, confirm: ChannelJoinConfirm) -> Phase:
        if not self.waiting or confirm.result != Result.SUCCESSFUL or confirm.requested != self.waiting[0]:
            raise SequenceError(
                self.name, f"ChannelJoinConfirm({confirm.result.name}, {confirm.requested})", ()
            )
        self.waiting.pop(0)
        if self.waiting:
            self._join_next()
            return self
        return begin_security(self.link)

    HANDLERS = {AttachUserConfirm: on_attached, ChannelJoinConfirm: on_joined}
