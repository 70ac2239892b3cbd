"""What the client's phases after Channel Connection have in common."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pyrdpmux.codec.bulk.packet import PacketFlags
from pyrdpmux.errors import SequenceError
from pyrdpmux.rdp.channels.static import ChannelFlags, ChannelPdu
from pyrdpmux.rdp.connection.client.link import ClientPhase
from pyrdpmux.rdp.connection.envelope import unwrap
from pyrdpmux.rdp.connection.events import (
    AutoReconnectCookieReceived,
    ErrorInfoReceived,
    MonitorLayoutReceived,
)
from pyrdpmux.rdp.connection.machine import Phase
from pyrdpmux.rdp.connection.secure import unseal, unseal_fast_path
from pyrdpmux.rdp.fastpath.header import is_fast_path
from pyrdpmux.rdp.fastpath.update import FastPathUpdate, decode_updates
from pyrdpmux.rdp.mcs.domain import DisconnectProviderUltimatum, SendDataIndication, decode_domain_pdu
from pyrdpmux.rdp.pdu.auto_detect import (
    BandwidthMeasurePayload,
    BandwidthMeasureResults,
    BandwidthMeasureStart,
    BandwidthMeasureStop,
    NetworkCharacteristicsResult,
    RequestType,
    ResponseType,
    RttMeasureRequest,
    RttMeasureResponse,
)
from pyrdpmux.rdp.pdu.display import MonitorLayout, SetKeyboardIndicators, ShutdownDenied
from pyrdpmux.rdp.pdu.error_info import SetErrorInfo
from pyrdpmux.rdp.pdu.heartbeat import Heartbeat
from pyrdpmux.rdp.pdu.message_channel import UnknownMessage, decode_message_body
from pyrdpmux.rdp.pdu.multitransport import InitiateMultitransportRequest
from pyrdpmux.rdp.pdu.session_info import LogonInfoExtended, SaveSessionInfo
from pyrdpmux.rdp.pdu.share import (
    CompressedShareData,
    FlowControl,
    ShareData,
    UnknownShareControl,
    UnknownShareData,
    decode_share,
    decode_share_data,
)
from pyrdpmux.wire import decode


@dataclass(frozen=True, slots=True)
class ReceivedChunk:
    """A chunk and the number of the static channel that it came on."""

    channel_id: int
    pdu: ChannelPdu


@dataclass(frozen=True, slots=True)
class ReceivedUpdates:
    """The updates and fragments of one fast-path PDU."""

    updates: tuple[FastPathUpdate, ...]


class SessionPhase(ClientPhase):
    """A phase in which share, message channel and static channel PDUs come in."""

    def decode(self, frame: bytes) -> object:
        self.link.received_bytes += len(frame)
        if is_fast_path(frame[0]):
            body, _number = unseal_fast_path(self.link.standard, frame)
            return ReceivedUpdates(tuple([self.plain_update(update) for update in decode_updates(body)]))
        pdu = decode_domain_pdu(unwrap(frame))
        return self.decode_data(pdu) if isinstance(pdu, SendDataIndication) else pdu

    def decode_data(self, pdu: SendDataIndication) -> object:
        """The value inside a Send Data Indication, by its channel."""
        link = self.link
        if pdu.channel_id == link.facts.io_channel_id:
            return self.decode_io(pdu.user_data)
        if pdu.channel_id == link.facts.message_channel_id:
            return decode_message_body(*unseal(link.standard, pdu.user_data, has_header=True))
        if pdu.channel_id not in link.facts.channels:
            raise SequenceError(self.name, f"data on channel {pdu.channel_id}")
        _flags, body = unseal(link.standard, pdu.user_data, has_header=link.standard is not None)
        return ReceivedChunk(pdu.channel_id, decode(ChannelPdu, body))

    def plain_update(self, update: FastPathUpdate) -> FastPathUpdate:
        """2.2.9.1.2.1: each fragment is compressed by itself."""
        flags = update.compression_flags
        if flags is None:
            return update
        return replace(update, data=self.link.decompress(flags, update.data), compression_flags=None)

    def decode_io(self, data: bytes) -> object:
        """What comes on the I/O channel in this phase."""
        raise SequenceError(self.name, "data on the I/O channel")

    def on_eof(self) -> Phase:
        return self.link.end("closed by the peer", by_peer=True)

    def on_ignored(self, pdu: object) -> Phase:
        """Allowed by the protocol, without effect here."""
        self.link.note(f"{type(pdu).__name__} has no effect in {self.name}")
        return self

    def on_disconnect(self, pdu: DisconnectProviderUltimatum) -> Phase:
        return self.link.end(f"closed by the peer: {pdu.reason.name}", by_peer=True)

    def on_chunk(self, pdu: ReceivedChunk) -> Phase:
        flags = pdu.pdu.header.flags
        if flags & (ChannelFlags.SUSPEND | ChannelFlags.RESUME):
            self.link.is_suspended = bool(flags & ChannelFlags.SUSPEND)
            self.link.note(f"static channels {'suspended' if self.link.is_suspended else 'resumed'}")
        message = self.link.static_traffic.receive(pdu.channel_id, pdu.pdu)
        if message is not None:
            self.link.router.received(pdu.channel_id, message, self.link.now)
        self.link.flush_channels()
        return self

    def on_rtt_request(self, request: RttMeasureRequest) -> Phase:
        self.link.send_message(RttMeasureResponse(request.sequence_number))
        return self

    def on_bandwidth_start(self, _request: BandwidthMeasureStart) -> Phase:
        self.link.bandwidth_started = self.link.now
        self.link.bandwidth_bytes = 0
        self.link.bandwidth_base = self.link.received_bytes
        return self

    def on_bandwidth_payload(self, request: BandwidthMeasurePayload) -> Phase:
        self.link.bandwidth_bytes += len(request.payload)
        return self

    def on_bandwidth_stop(self, request: BandwidthMeasureStop) -> Phase:
        """2.2.14.2.2: while connecting the payloads count, later everything that came (and fits 32 bits)."""
        link = self.link
        link.bandwidth_bytes += len(request.payload)
        milliseconds = int((link.now - link.bandwidth_started) * 1000)
        connecting = request.request_type == RequestType.BANDWIDTH_STOP_CONNECT_TIME
        kind = ResponseType.BANDWIDTH_CONNECT_TIME if connecting else ResponseType.BANDWIDTH
        size = link.bandwidth_bytes if connecting else link.received_bytes - link.bandwidth_base
        limit = 0xFFFFFFFF
        link.send_message(
            BandwidthMeasureResults(request.sequence_number, min(milliseconds, limit), min(size, limit), kind)
        )
        return self

    HANDLERS = {
        DisconnectProviderUltimatum: on_disconnect,
        ReceivedChunk: on_chunk,
        RttMeasureRequest: on_rtt_request,
        BandwidthMeasureStart: on_bandwidth_start,
        BandwidthMeasurePayload: on_bandwidth_payload,
        BandwidthMeasureStop: on_bandwidth_stop,
        NetworkCharacteristicsResult: on_ignored,
        UnknownMessage: on_ignored,
        Heartbeat: on_ignored,
        InitiateMultitransportRequest: on_ignored,
    }


class SharePhase(SessionPhase):
    """A phase after licensing: share PDUs come."""

    def decode_io(self, data: bytes) -> object:
        """A share PDU; the envelope is taken off."""
        link = self.link
        _flags, body = unseal(link.standard, data, has_header=link.standard is not None)
        share = decode_share(body).body
        return self.plain_share_data(share) if isinstance(share, ShareData) else share

    def plain_share_data(self, share: ShareData) -> object:
        """2.2.8.1.1.1.2: the body of a data PDU, which may be compressed."""
        flags = int(share.compressed_type)
        if isinstance(share.body, CompressedShareData):
            return decode_share_data(share.body.pdu_type2, self.link.decompress(flags, share.body.data))
        if flags & PacketFlags.FLUSHED:
            self.link.decompress(flags, b"")
        return share.body

    def on_error_info(self, pdu: SetErrorInfo) -> Phase:
        self.link.emit(ErrorInfoReceived(pdu.error_info))
        return self

    def on_monitor_layout(self, pdu: MonitorLayout) -> Phase:
        self.link.emit(MonitorLayoutReceived(pdu))
        return self

    def on_save_session_info(self, pdu: SaveSessionInfo) -> Phase:
        info = pdu.info
        if isinstance(info, LogonInfoExtended) and info.cookie is not None:
            cookie = info.cookie
            self.link.emit(AutoReconnectCookieReceived(cookie.logon_id, cookie.random_bits.reveal()))
        return self

    HANDLERS = {
        **SessionPhase.HANDLERS,
        SetErrorInfo: on_error_info,
        MonitorLayout: on_monitor_layout,
        SaveSessionInfo: on_save_session_info,
        SetKeyboardIndicators: SessionPhase.on_ignored,
        ShutdownDenied: SessionPhase.on_ignored,
        FlowControl: SessionPhase.on_ignored,
        UnknownShareControl: SessionPhase.on_ignored,
        UnknownShareData: SessionPhase.on_ignored,
    }
