"""What the phases after Channel Connection have in common: decoding, and what may always come."""

from __future__ import annotations

from typing import Final

from pyrdpmux.errors import DecodeError, PeerClosed, PeerError, SequenceError, TlsFailed
from pyrdpmux.rdp.channels.static import ChannelPdu
from pyrdpmux.rdp.connection.envelope import unwrap
from pyrdpmux.rdp.connection.events import (
    ChannelDataReceived,
    InputReceived,
    OutputSuppressed,
    ShutdownRequested,
)
from pyrdpmux.rdp.connection.machine import Phase
from pyrdpmux.rdp.connection.secure import unseal, unseal_fast_path
from pyrdpmux.rdp.connection.server.known_chunks import ReceivedChunk
from pyrdpmux.rdp.connection.server.link import IO_CHANNEL_ID, ServerPhase
from pyrdpmux.rdp.fastpath.header import is_fast_path
from pyrdpmux.rdp.fastpath.input import decode_input_events
from pyrdpmux.rdp.mcs.domain import (
    ChannelJoinRequest,
    DisconnectProviderUltimatum,
    ErectDomainRequest,
    SendDataRequest,
    decode_domain_pdu,
)
from pyrdpmux.rdp.pdu.auto_detect import (
    AutoDetectResponse,
    BandwidthMeasureResults,
    NetworkCharacteristicsSync,
    RttMeasureResponse,
)
from pyrdpmux.rdp.pdu.display import FrameAcknowledge, ShutdownDenied, ShutdownRequest, SuppressOutput
from pyrdpmux.rdp.pdu.error_info import ErrorInfo
from pyrdpmux.rdp.pdu.input import InputEvents
from pyrdpmux.rdp.pdu.message_channel import UnknownMessage, decode_message_body
from pyrdpmux.rdp.pdu.multitransport import InitiateMultitransportResponse
from pyrdpmux.rdp.pdu.security import SecurityFlags
from pyrdpmux.rdp.pdu.share import (
    FlowControl,
    ShareData,
    UnknownShareControl,
    UnknownShareData,
    decode_share,
)
from pyrdpmux.wire import decode

#: in its frame: behind TPKT, X.224 Data and the MCS choice
INITIATOR_OFFSET: Final = 8


class SessionPhase(ServerPhase):
    """A phase in which share, message channel and static channel PDUs come in."""

    def decode(self, frame: bytes) -> object:
        if is_fast_path(frame[0]):
            body, number = unseal_fast_path(self.link.standard, frame, requires_encryption=True)
            return InputEvents(decode_input_events(body, number))
        is_plain, known = self.link.standard is None, self.link.known_chunks
        if is_plain and (chunk := known.find(frame)) is not None:
            return chunk
        pdu = decode_domain_pdu(unwrap(frame))
        if not isinstance(pdu, SendDataRequest):
            return pdu
        value = self.decode_data(pdu)
        if is_plain and isinstance(value, ReceivedChunk):
            known.learn(frame, value)
        return value

    def decode_data(self, pdu: SendDataRequest) -> object:
        """The value inside a Send Data Request, by its channel."""
        link = self.link
        if pdu.initiator != link.facts.user_channel_id:
            raise DecodeError(
                "SendDataRequest.initiator",
                f"{pdu.initiator}, expected {link.facts.user_channel_id}",
                INITIATOR_OFFSET,
            )
        if pdu.channel_id == IO_CHANNEL_ID:
            return self.decode_io(pdu.user_data)
        if pdu.channel_id == link.facts.message_channel_id:
            return decode_message_body(*self.unseal(pdu.user_data, has_header=True))
        channel = link.facts.channels.get(pdu.channel_id)
        if channel is None:
            raise SequenceError(self.name, f"data on channel {pdu.channel_id}")
        _flags, body = self.unseal(pdu.user_data, has_header=link.standard is not None)
        return ReceivedChunk(channel, decode(ChannelPdu, body))

    def decode_io(self, data: bytes) -> object:
        """What comes on the I/O channel in this phase."""
        raise SequenceError(self.name, "data on the I/O channel")

    def unseal(self, data: bytes, *, has_header: bool) -> tuple[SecurityFlags, bytes]:
        """Flags and plain body; what a client sends is encrypted at every level that has keys (5.3.1)."""
        return unseal(self.link.standard, data, has_header=has_header, requires_encryption=True)

    # -- what may come in any of these phases ----------------------------------------------------

    def on_stale(self, pdu: object) -> Phase:
        """Allowed by the protocol, without effect here."""
        self.link.note(f"{type(pdu).__name__} has no effect in {self.name}")
        return self

    def on_disconnect(self, pdu: DisconnectProviderUltimatum) -> Phase:
        return self.link.end(f"closed by the peer: {pdu.reason.name}", by_peer=True)

    def on_chunk(self, pdu: ReceivedChunk) -> Phase:
        link = self.link
        message = link.static_traffic.receive(pdu.channel.channel_id, pdu.pdu)
        if message is None:
            return self
        if pdu.channel.channel_id in link.router:
            link.router.received(pdu.channel.channel_id, message, link.now)
            link.flush_channels()
        else:  # before Active, when nothing is offered yet
            link.emit(ChannelDataReceived(pdu.channel.name, message))
        return self

    def on_auto_detect(self, pdu: AutoDetectResponse) -> Phase:
        self.link.take_answer(pdu)
        return self

    HANDLERS = {
        DisconnectProviderUltimatum: on_disconnect,
        ReceivedChunk: on_chunk,
        RttMeasureResponse: on_auto_detect,
        BandwidthMeasureResults: on_auto_detect,
        NetworkCharacteristicsSync: on_auto_detect,
        InitiateMultitransportResponse: on_stale,
        UnknownMessage: on_stale,
        ErectDomainRequest: on_stale,
        ChannelJoinRequest: on_stale,
    }


class SharePhase(SessionPhase):
    """A phase after the Demand Active PDU: share PDUs come, and the client can be told why it is dropped."""

    def decode_io(self, data: bytes) -> object:
        """A share PDU; the envelope is taken off."""
        _flags, body = self.unseal(data, has_header=self.link.standard is not None)
        share = decode_share(body).body
        return share.body if isinstance(share, ShareData) else share

    def explain(self, error: PeerError) -> None:
        if not isinstance(error, PeerClosed | TlsFailed):
            self.link.send_goodbye(ErrorInfo(error.error_info))

    def on_shutdown_request(self, _pdu: ShutdownRequest) -> Phase:
        """1.3.1.4.1: always denied; the client then asks its user or ends the connection itself."""
        self.link.send_share_data(ShutdownDenied())
        self.link.emit(ShutdownRequested())
        return self

    def on_suppress_output(self, pdu: SuppressOutput) -> Phase:
        """Also while the size of the desktop changes: nobody says it again."""
        self.link.is_suppressed = not pdu.allow_display_updates
        self.link.emit(OutputSuppressed(self.link.is_suppressed))
        return self

    def on_input_between(self, pdu: InputEvents) -> Phase:
        """Input of a client that is not, or not yet again, Active.

        What its user does during a resize counts: a guest would not hear again of a key that is let go now.
        """
        if not self.link.has_been_active:
            return self.on_stale(pdu)
        self.link.emit(InputReceived(pdu.events))
        return self

    HANDLERS = {
        **SessionPhase.HANDLERS,
        ShutdownRequest: on_shutdown_request,
        SuppressOutput: on_suppress_output,
        FrameAcknowledge: SessionPhase.on_stale,
        FlowControl: SessionPhase.on_stale,
        UnknownShareControl: SessionPhase.on_stale,
        UnknownShareData: SessionPhase.on_stale,
    }
