"""What the phases of a server's session share: facts, configuration, and how to send."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Final

from pyrdpmux.codec.bulk.packet import CompressionType, Compressor
from pyrdpmux.codec.bulk.packets import compressor
from pyrdpmux.errors import StateError
from pyrdpmux.rdp.channels.dynamic.pdu import CHANNEL_NAME as DYNAMIC_CHANNELS
from pyrdpmux.rdp.channels.graphics.frames import SUSPEND_FRAME_ACKNOWLEDGEMENT
from pyrdpmux.rdp.channels.graphics.header import CHANNEL_NAME as GRAPHICS_CHANNEL
from pyrdpmux.rdp.channels.static import ChannelPdu, ChannelPduHeader, chunks
from pyrdpmux.rdp.channels.traffic import Agreement, StaticTraffic
from pyrdpmux.rdp.connection.channel import Offer
from pyrdpmux.rdp.connection.channel_router import ChannelRouter
from pyrdpmux.rdp.connection.envelope import wrap
from pyrdpmux.rdp.connection.events import GraphicsFrameAcknowledged
from pyrdpmux.rdp.connection.facts import Desktop, ServerFacts, StaticChannel
from pyrdpmux.rdp.connection.machine import Machine, Phase
from pyrdpmux.rdp.connection.output_format import OutputFormat
from pyrdpmux.rdp.connection.secure import seal
from pyrdpmux.rdp.connection.server.auto_detect import AutoDetect
from pyrdpmux.rdp.connection.server.channels.dynamic import ServerDynamicChannels
from pyrdpmux.rdp.connection.server.channels.graphics import Graphics
from pyrdpmux.rdp.connection.server.channels.table import SERVER_CHANNELS
from pyrdpmux.rdp.connection.server.config import SessionConfig
from pyrdpmux.rdp.connection.server.keepalive import MAX_HEARTBEAT_SECONDS, Keepalive
from pyrdpmux.rdp.connection.server.known_chunks import KnownChunks
from pyrdpmux.rdp.connection.server.packing import UpdatePacker
from pyrdpmux.rdp.connection.server.secured import Secured
from pyrdpmux.rdp.mcs.client_core import ClientEarlyCapabilityFlags
from pyrdpmux.rdp.mcs.client_data import ChannelOptions, EncryptionMethod
from pyrdpmux.rdp.mcs.domain import DisconnectProviderUltimatum, Reason, SendDataIndication
from pyrdpmux.rdp.mcs.server_data import EncryptionLevel
from pyrdpmux.rdp.pdu.auto_detect import AutoDetectResponse
from pyrdpmux.rdp.pdu.capabilities.session import VirtualChannelCapability
from pyrdpmux.rdp.pdu.client_info import InfoFlags
from pyrdpmux.rdp.pdu.error_info import ErrorInfo, SetErrorInfo
from pyrdpmux.rdp.pdu.message_channel import KnownMessage, message_flags
from pyrdpmux.rdp.pdu.security import SecurityFlags
from pyrdpmux.rdp.pdu.share import ShareControl, ShareControlBody, ShareData, ShareDataBody
from pyrdpmux.rdp.standard_security.encryption import StandardSecurity
from pyrdpmux.wire import encode

#: MS-RDPBCGR 2.2.1.4.4: the I/O channel of Windows servers; static channels, message channel and user follow
IO_CHANNEL_ID: Final = 1003
#: MS-RDPBCGR 3.3.1.5: the server's own MCS channel
SERVER_CHANNEL_ID: Final = 1002
#: as Windows servers choose it: a constant upper half and the server's channel
SHARE_ID: Final = 0x000103EA
#: of the session: what the graphics pipeline needs
GRAPHICS_BITS_PER_PIXEL: Final = 32


class ServerLink(Machine):
    """The session as its phases see it."""

    def __init__(self, secured: Secured, config: SessionConfig, now: float) -> None:
        super().__init__(now, config.tracer)
        #: what the door has agreed and proved
        self.secured = secured
        self.config = config
        self.facts = ServerFacts(desktop=Desktop(config.width, config.height))
        self.auto_detect = AutoDetect(self.facts, config.entropy)
        self.keepalive = Keepalive()
        #: standard RDP security: what was agreed, and the keys once the Security Exchange is done
        self.encryption_method = EncryptionMethod.NONE
        self.server_random = b""
        self.client_random = b""
        self.standard: StandardSecurity | None = None
        #: the desktop that the owner wants; facts have the one that the client was told
        self.wanted = self.facts.desktop
        self.output_format: OutputFormat | None = None
        #: of all that is compressed: updates and channels have one history (3.1.8)
        self.outgoing: Compressor | None = None
        self._packer: UpdatePacker | None = None
        self.is_greeted = False
        #: when the client needs a new auto-reconnect cookie
        self.cookie_due: float | None = None
        self.has_been_active = False
        #: the client's window is minimised
        self.is_suppressed = False
        self.router = ChannelRouter()
        self.static_traffic = StaticTraffic(config.limits.channel_message_bytes)
        self.known_chunks = KnownChunks()

    # -- what was agreed -------------------------------------------------------------------------

    @property
    def format(self) -> OutputFormat:
        """The negotiated output. StateError before Confirm Active."""
        if self.output_format is None:
            raise StateError(self.phase_name, "drawing")
        return self.output_format

    @property
    def output_security(self) -> StandardSecurity | None:
        """MS-RDPBCGR 5.3.1: at the low level only what the client sends is encrypted."""
        options = self.config.standard
        if options is not None and options.level == EncryptionLevel.LOW:
            return None
        return self.standard

    def has_early_capability(self, flag: ClientEarlyCapabilityFlags) -> bool:
        """A flag of the client's earlyCapabilityFlags (2.2.1.3.2)."""
        core = self.facts.client_core
        return core is not None and bool((core.early_capability_flags or 0) & flag)

    @property
    def supports_graphics(self) -> bool:
        """The client can be drawn to by the graphics pipeline.

        QUIRK(mstsc): ends with 0xd06 where the session has less than 32 bpp (xrdp issue 3128).
        QUIRK(FreeRDP 2): without it there may be no dynamic channels at all; FreeRDP 3 refuses this one.
        """
        return (
            self.has_early_capability(ClientEarlyCapabilityFlags.SUPPORT_DYNVC_GFX_PROTOCOL)
            and self.output_format is not None
            and self.output_format.bits_per_pixel == GRAPHICS_BITS_PER_PIXEL
            and any(channel.name == DYNAMIC_CHANNELS for channel in self.facts.channels.values())
        )

    @property
    def graphics(self) -> Graphics | None:
        """The graphics pipeline, while its channel is open."""
        dynamic = self.router.dynamic
        machine = dynamic.machine(GRAPHICS_CHANNEL) if dynamic is not None else None
        return machine if isinstance(machine, Graphics) else None

    @property
    def can_auto_detect(self) -> bool:
        """Configuration and client want network characteristics, and there is a channel for them."""
        return (
            self.config.auto_detect
            and self.facts.message_channel_id is not None
            and self.has_early_capability(ClientEarlyCapabilityFlags.SUPPORT_NETCHAR_AUTODETECT)
        )

    def agree_keepalive(self) -> None:
        """What configuration and client both want by the clock; all of it needs the message channel."""
        has_heartbeat = self.facts.message_channel_id is not None and self.has_early_capability(
            ClientEarlyCapabilityFlags.SUPPORT_HEARTBEAT_PDU
        )
        seconds = min(self.config.heartbeat_seconds, MAX_HEARTBEAT_SECONDS) if has_heartbeat else 0
        self.keepalive = Keepalive(seconds, measures=self.can_auto_detect)

    def agree_static_traffic(self, ours: VirtualChannelCapability | None) -> None:
        """How static channels are used, by our capability set and the client's."""
        offered = self._offered_compression()
        if self.outgoing is None and offered is not None:
            self.outgoing = compressor(offered)
        agreed = Agreement.of(
            ours,
            self.facts.capability(VirtualChannelCapability),
            offered if self.config.compress_channels else None,
        )
        self.static_traffic.agree(
            agreed.chunk_size,
            sending=agreed.to_client,
            receiving=agreed.to_server,
            outgoing=self.outgoing,
        )

    def _offered_compression(self) -> CompressionType | None:
        """The highest type that the client and we know; None if it asks for none."""
        info = self.facts.client_info
        if info is None or not info.flags & InfoFlags.COMPRESSION:
            return None
        return CompressionType(min(info.compression_type, CompressionType.RDP61))

    @property
    def output_compressor(self) -> Compressor | None:
        """What compresses updates; None if they go out as they are."""
        return self.outgoing if self.config.compress_output else None

    @property
    def packer(self) -> UpdatePacker | None:
        """What compresses updates apart from sending them; None if the client asks for none, has no fast
        path, or if configuration has something else compressed: there is one history.
        """
        if self._packer is None and self.output_format is not None and self.output_format.is_fast_path:
            offered = self._offered_compression()
            if offered is not None and not (self.config.compress_output or self.config.compress_channels):
                self._packer = UpdatePacker(offered)
        return self._packer

    # -- measuring -------------------------------------------------------------------------------

    @contextmanager
    def output_of(self, size: int, *, is_frame: bool = False) -> Iterator[None]:
        """While Active: ``size`` bytes of output are sent within, so that they can be measured.

        ``is_frame``: they are all of a frame, and what follows comes after a while.
        """
        if not self.keepalive.measures:
            yield
            return
        if start := self.auto_detect.before_output(size, is_frame=is_frame):
            self.send_message(start)
        yield
        if stop := self.auto_detect.after_output(size):
            self.send_message(stop)
        if self.keepalive.saw_output():
            self._deadline = self.now  # output comes without the time, which a timeout brings

    def rest(self) -> None:
        """Nothing is due by the clock."""
        self._deadline = None

    # -- sending ---------------------------------------------------------------------------------

    def send_data(
        self, channel_id: int, body: bytes, pdu: object, flags: SecurityFlags = SecurityFlags(0)
    ) -> None:
        """A Send Data Indication, with the security header that its kind and the security in force want."""
        has_header = bool(flags) or self.standard is not None
        sealed = seal(self.output_security, body, flags, has_header=has_header)
        indication = SendDataIndication(SERVER_CHANNEL_ID, channel_id, sealed)
        self.send_frame(wrap(indication), pdu)

    def send_unencrypted(self, body: bytes, pdu: object, flags: SecurityFlags) -> None:
        """On the I/O channel behind a basic header, whatever security is in force (licensing may do so)."""
        sealed = seal(None, body, flags, has_header=True)
        indication = SendDataIndication(SERVER_CHANNEL_ID, IO_CHANNEL_ID, sealed)
        self.send_frame(wrap(indication), pdu)

    def send_share(self, body: ShareControlBody) -> None:
        """A share control PDU on the I/O channel."""
        self.send_data(IO_CHANNEL_ID, encode(ShareControl(SERVER_CHANNEL_ID, body)), body)

    def send_share_data(self, body: ShareDataBody) -> None:
        """A share data PDU on the I/O channel."""
        share = ShareControl(SERVER_CHANNEL_ID, ShareData(SHARE_ID, body))
        self.send_data(IO_CHANNEL_ID, encode(share), body)

    def send_message(self, message: KnownMessage) -> None:
        """A PDU on the message channel; the security header says which one (2.2.8.1.1.2.1)."""
        channel_id = self.facts.message_channel_id
        if channel_id is None:
            raise StateError(self.phase_name, "sending on the message channel, which the client has not")
        self.send_data(channel_id, encode(message), message, message_flags(message))

    def take_answer(self, response: AutoDetectResponse) -> bool:
        """An answer to auto-detect; True when it ends what was begun."""
        outcome = self.auto_detect.answered(response, self.now)
        if outcome.note:
            self.note(outcome.note)
        for message in outcome.messages:
            self.send_message(message)
        if outcome.measured is not None:
            self.emit(outcome.measured)
        return outcome.is_complete

    def send_static(self, channel: StaticChannel, *messages: bytes) -> None:
        """Messages on a static channel, cut into chunks.

        As long as nothing is encrypted or compressed, messages of one length have equal envelopes.
        """
        for message in messages:
            if self.standard is None and self.static_traffic.is_alike(message, channel.options):
                envelope, header = _envelope(channel.channel_id, int(channel.options), len(message))
                self.send_frame(envelope + message, ChannelPdu(header, message))
                continue
            for pdu in self.static_traffic.send(message, channel.options):
                self.send_data(channel.channel_id, encode(pdu), pdu)

    def begin_channels(self) -> None:
        """The client is Active for the first time: what is offered may be sent.

        The graphics pipeline comes first, so that its number is the same at all clients that have it.
        """
        names = {channel.channel_id: channel.name for channel in self.facts.channels.values()}
        offered = [name for name in self.config.channels if name != GRAPHICS_CHANNEL]
        if GRAPHICS_CHANNEL in self.config.channels and self.supports_graphics:
            offered.insert(0, GRAPHICS_CHANNEL)
        offer = Offer(SERVER_CHANNELS, offered, self.config.limits.channel_message_bytes)
        self.router.begin(names, offer, ServerDynamicChannels, self.now)
        self.flush_channels()

    def flush_channels(self) -> None:
        """Send and tell what the machines of channels have queued."""
        for channel_id, queued in self.router.take():
            for text in queued.notes:
                self.note(text)
            self.send_static(self.facts.channels[channel_id], *queued.messages)
            for event in queued.events:
                if (
                    isinstance(event, GraphicsFrameAcknowledged)
                    and event.queue_depth != SUSPEND_FRAME_ACKNOWLEDGEMENT
                ):
                    self.keepalive.saw_acknowledgement()
                self.emit(event)

    def dynamic_for(self, action: str, channel: str) -> ServerDynamicChannels:
        """The manager of dynamic channels. StateError where none is offered, or the client has none."""
        if not isinstance(self.router.dynamic, ServerDynamicChannels):
            raise StateError(self.phase_name, f"{action} channel {channel} without dynamic channels")
        return self.router.dynamic

    def send_goodbye(self, error_info: ErrorInfo) -> None:
        """After Demand Active: say why it ends, to clients that can show it (2.2.5.1); then the end."""
        if self.has_early_capability(ClientEarlyCapabilityFlags.SUPPORT_ERRINFO_PDU):
            self.send_share_data(SetErrorInfo(error_info))
        self.send_domain(DisconnectProviderUltimatum(Reason.PROVIDER_INITIATED))


@lru_cache(maxsize=1024)
def _envelope(channel_id: int, options: int, size: int) -> tuple[bytes, ChannelPduHeader]:
    """What is in front of a message of this size, if it is one chunk; and what of it is the chunk's header.

    The blocks of a picture are thousands of messages of one size, and go to all who share a stream.
    """
    [pdu] = chunks(bytes(size), size, show_protocol=bool(options & ChannelOptions.SHOW_PROTOCOL))
    frame = wrap(SendDataIndication(SERVER_CHANNEL_ID, channel_id, encode(pdu)))
    return frame[:-size], pdu.header


class ServerPhase(Phase):
    """A phase of a server's session."""

    def __init__(self, link: ServerLink) -> None:
        self.link = link
