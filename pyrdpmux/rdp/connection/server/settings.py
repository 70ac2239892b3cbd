"""Basic Settings Exchange and Channel Connection: what both sides are, and over which channels they talk."""

from __future__ import annotations

from pyrdpmux.errors import LimitExceeded, SequenceError
from pyrdpmux.rdp.connection.envelope import unwrap, wrap
from pyrdpmux.rdp.connection.events import ClientIntroduced
from pyrdpmux.rdp.connection.facts import StaticChannel
from pyrdpmux.rdp.connection.framer import take_tpkt
from pyrdpmux.rdp.connection.limits import MAX_CHANNEL_REQUESTS
from pyrdpmux.rdp.connection.machine import Phase
from pyrdpmux.rdp.connection.server.gcc_blocks import adopt_client_blocks, server_blocks
from pyrdpmux.rdp.connection.server.link import IO_CHANNEL_ID, ServerLink, ServerPhase
from pyrdpmux.rdp.connection.server.secure_settings import SecureSettingsExchange, SecurityCommencement
from pyrdpmux.rdp.mcs.connect import (
    SERVER_PARAMETERS,
    ConnectInitial,
    ConnectResponse,
    DomainParameters,
    Result,
    merge_domain_parameters,
)
from pyrdpmux.rdp.mcs.domain import (
    AttachUserConfirm,
    AttachUserRequest,
    ChannelJoinConfirm,
    ChannelJoinRequest,
    DisconnectProviderUltimatum,
    ErectDomainRequest,
    SendDataRequest,
    decode_domain_pdu,
)
from pyrdpmux.rdp.mcs.gcc import ConferenceCreateRequest, ConferenceCreateResponse
from pyrdpmux.wire import decode, encode


class BasicSettingsExchange(ServerPhase):
    """1.3.1.1 Basic Settings Exchange: MCS Connect Initial with the client's GCC blocks, and our answer."""

    def seconds(self) -> float | None:
        return self.link.config.limits.settings

    def take_frame(self, buffer: bytearray) -> bytes | None:
        return take_tpkt(buffer)

    def decode(self, frame: bytes) -> object:
        return decode(ConnectInitial, unwrap(frame))

    def on_connect_initial(self, initial: ConnectInitial) -> Phase:
        link = self.link
        request = decode(ConferenceCreateRequest, initial.user_data)
        adopt_client_blocks(link, request.blocks)
        self._assign_channels()
        response = ConferenceCreateResponse(server_blocks(link))
        link.send_frame(
            wrap(ConnectResponse(encode(response), domain_parameters=_agree(initial))),
            response,
        )
        self._introduce()
        return ChannelConnection(link)

    def _assign_channels(self) -> None:
        """Numbers in the order of Windows servers: I/O, static channels, message channel, user."""
        facts = self.link.facts
        next_id = IO_CHANNEL_ID + 1
        if facts.client_network is not None:
            for definition in facts.client_network.channels:
                name = definition.name.decode("ascii", "replace").lower()
                facts.channels[next_id] = StaticChannel(name, next_id, definition.options)
                next_id += 1
        if facts.wants_message_channel:
            facts.message_channel_id = next_id
            next_id += 1
        facts.user_channel_id = next_id

    def _introduce(self) -> None:
        facts = self.link.facts
        core = facts.client_core
        assert core is not None
        self.link.emit(
            ClientIntroduced(
                core.client_name,
                core.client_build,
                core.desktop_width,
                core.desktop_height,
                tuple(channel.name for channel in facts.channels.values()),
                facts.client_monitors,
            )
        )

    HANDLERS = {ConnectInitial: on_connect_initial}


def _agree(initial: ConnectInitial) -> DomainParameters:
    """3.3.5.3.3; where that asks for a refusal, what Windows servers say: no client has been seen to care."""
    merged = merge_domain_parameters(
        initial.target_parameters, initial.minimum_parameters, initial.maximum_parameters
    )
    return merged or SERVER_PARAMETERS


class ChannelConnection(ServerPhase):
    """1.3.1.1 Channel Connection: erect domain, attach user, join channels.

    QUIRK(aardwolf, IronRDP with skip-channel-join): clients join all, some or none of their channels; the
    first Send Data Request ends the phase whatever was joined.
    """

    def __init__(self, link: ServerLink) -> None:
        super().__init__(link)
        self.is_attached = False
        self.requests = 0

    def seconds(self) -> float | None:
        return self.link.config.limits.settings

    def take_frame(self, buffer: bytearray) -> bytes | None:
        return take_tpkt(buffer)

    def decode(self, frame: bytes) -> object:
        return decode_domain_pdu(unwrap(frame))

    def accept(self, pdu: object) -> Phase:
        self.requests += 1
        if self.requests > MAX_CHANNEL_REQUESTS:
            raise LimitExceeded("MAX_CHANNEL_REQUESTS", self.requests, MAX_CHANNEL_REQUESTS)
        return super().accept(pdu)

    def on_erect_domain(self, _pdu: ErectDomainRequest) -> Phase:
        return self

    def on_attach_user(self, _pdu: AttachUserRequest) -> Phase:
        self.is_attached = True
        self.link.send_domain(AttachUserConfirm(Result.SUCCESSFUL, self.link.facts.user_channel_id))
        return self

    def on_channel_join(self, request: ChannelJoinRequest) -> Phase:
        link = self.link
        facts = link.facts
        known = {IO_CHANNEL_ID, facts.user_channel_id, facts.message_channel_id, *facts.channels}
        if request.channel_id not in known:
            link.send_domain(
                ChannelJoinConfirm(Result.NO_SUCH_CHANNEL, request.initiator, request.channel_id)
            )
            return self
        link.send_domain(
            ChannelJoinConfirm(Result.SUCCESSFUL, request.initiator, request.channel_id, request.channel_id)
        )
        return self

    def on_send_data(self, pdu: SendDataRequest) -> Phase:
        if not self.is_attached:
            raise SequenceError(self.name, "SendDataRequest", ("AttachUserRequest",))
        link = self.link
        following: SecurityCommencement | SecureSettingsExchange
        following = SecurityCommencement(link) if link.encryption_method else SecureSettingsExchange(link)
        first = following.decode_data(pdu)
        link.tracer.received(following.name, first)
        return following.accept(first)

    def on_disconnect(self, pdu: DisconnectProviderUltimatum) -> Phase:
        return self.link.end(f"closed by the peer: {pdu.reason.name}", by_peer=True)

    HANDLERS = {
        ErectDomainRequest: on_erect_domain,
        AttachUserRequest: on_attach_user,
        ChannelJoinRequest: on_channel_join,
        SendDataRequest: on_send_data,
        DisconnectProviderUltimatum: on_disconnect,
    }
