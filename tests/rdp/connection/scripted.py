"""A client that is written out PDU by PDU, for tests of the server's phases.

It is made of PDUs only: no decision of ``pyrdpmux.rdp.connection.client`` hides a mistake of the server's.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, Final, TypeVar

from pyrdpmux.rdp.channels.static import ChannelPdu, chunks
from pyrdpmux.rdp.connection.events import Event
from pyrdpmux.rdp.connection.framer import take_frame
from pyrdpmux.rdp.connection.secure import seal, seal_fast_path
from pyrdpmux.rdp.connection.server.config import GatewayConfig, ServerConfig
from pyrdpmux.rdp.connection.server.connection import ServerConnection
from pyrdpmux.rdp.connection.server.session_machine import ServerSession
from pyrdpmux.rdp.connection.trace import ListTracer
from pyrdpmux.rdp.fastpath.input import encode_input_events
from pyrdpmux.rdp.mcs.client_core import (
    ClientCoreData,
    ClientEarlyCapabilityFlags,
    ColorDepth,
    ConnectionType,
    HighColorDepth,
    SupportedColorDepths,
)
from pyrdpmux.rdp.mcs.client_data import (
    ChannelDefinition,
    ClientDataBlock,
    ClientMessageChannelData,
    ClientNetworkData,
    ClientSecurityData,
    EncryptionMethod,
)
from pyrdpmux.rdp.mcs.connect import ConnectInitial, ConnectResponse
from pyrdpmux.rdp.mcs.domain import (
    AttachUserRequest,
    ChannelJoinRequest,
    DomainPdu,
    ErectDomainRequest,
    SendDataRequest,
)
from pyrdpmux.rdp.mcs.gcc import ConferenceCreateRequest, ConferenceCreateResponse
from pyrdpmux.rdp.mcs.server_data import EncryptionLevel, ServerSecurityData
from pyrdpmux.rdp.pdu.activation import ConfirmActive
from pyrdpmux.rdp.pdu.auto_detect import NetworkCharacteristicsSync
from pyrdpmux.rdp.pdu.capabilities import CapabilitySet
from pyrdpmux.rdp.pdu.capabilities.general import (
    BitmapCapability,
    ExtraFlags,
    GeneralCapability,
    MultifragmentUpdateCapability,
)
from pyrdpmux.rdp.pdu.capabilities.input import InputCapability, InputFlags, PointerCapability
from pyrdpmux.rdp.pdu.client_info import ClientInfo
from pyrdpmux.rdp.pdu.finalization import Control, ControlAction, FontList, Synchronize
from pyrdpmux.rdp.pdu.input import InputEvent
from pyrdpmux.rdp.pdu.message_channel import KnownMessage, message_flags
from pyrdpmux.rdp.pdu.security import SecurityExchange, SecurityFlags
from pyrdpmux.rdp.pdu.share import ShareControl, ShareControlBody, ShareData, ShareDataBody
from pyrdpmux.rdp.standard_security.encryption import StandardSecurity
from pyrdpmux.rdp.standard_security.server_certificate import public_key_of_server
from pyrdpmux.rdp.tls.context import client_context
from pyrdpmux.rdp.tls.endpoint import TlsEndpoint
from pyrdpmux.rdp.x224.negotiation import NegotiationRequest, SecurityProtocol
from pyrdpmux.rdp.x224.tpdu import ConnectionRequest, Data, Tpdu, decode_tpdu
from pyrdpmux.rdp.x224.tpkt import Tpkt
from pyrdpmux.wire import decode, encode
from tests.pair.linked import entropy, rdp_policy, server_config

IO: Final = 1003
SHARE_ID: Final = 0x103EA

Early = ClientEarlyCapabilityFlags
EARLY: Final = (
    Early.SUPPORT_ERRINFO_PDU
    | Early.WANT_32BPP_SESSION
    | Early.SUPPORT_MONITOR_LAYOUT_PDU
    | Early.SUPPORT_NETCHAR_AUTODETECT
    | Early.SUPPORT_HEARTBEAT_PDU
)
CAPABILITIES: Final[tuple[CapabilitySet, ...]] = (
    GeneralCapability(
        extra_flags=ExtraFlags.FASTPATH_OUTPUT_SUPPORTED | ExtraFlags.NO_BITMAP_COMPRESSION_HDR
    ),
    BitmapCapability(32, 800, 600),
    PointerCapability(1, 20, 21),
    InputCapability(InputFlags.SCANCODES | InputFlags.FASTPATH_INPUT2),
    MultifragmentUpdateCapability(0x10000),
)

E = TypeVar("E", bound=Event)


def core(early: Early | None = EARLY, **changes: Any) -> ClientCoreData:
    """Client Core Data as mstsc fills them, as far as anyone looks at them."""
    values: dict[str, Any] = {
        "client_name": "SCRIPTED",
        "client_build": 17134,
        "post_beta2_color_depth": ColorDepth.BPP_8,
        "client_product_id": 1,
        "serial_number": 0,
        "high_color_depth": HighColorDepth.BPP_24,
        "supported_color_depths": SupportedColorDepths(0x0F),
        "early_capability_flags": early,
        "client_dig_product_id": "",
        "connection_type": ConnectionType.LAN,
        "server_selected_protocol": SecurityProtocol.RDP,
    }
    return ClientCoreData(1024, 768, **values | changes)


def blocks(
    *channels: bytes, early: Early = EARLY, message_channel: bool = True, **changes: Any
) -> tuple[ClientDataBlock, ...]:
    """The GCC blocks of a client."""
    methods = EncryptionMethod.BITS_128 | EncryptionMethod.BITS_40 | EncryptionMethod.FIPS
    made: list[ClientDataBlock] = [core(early, **changes), ClientSecurityData(methods)]
    if channels:
        made.append(ClientNetworkData(tuple([ChannelDefinition(name) for name in channels])))
    if message_channel:
        made.append(ClientMessageChannelData())
    return tuple(made)


def plaintext_config(**changes: Any) -> ServerConfig:
    """No security at all, so that frames are what they are."""
    return server_config(rdp_policy(level=EncryptionLevel.NONE), **changes)


class Scripted:
    """A server, and the client's words to it."""

    def __init__(
        self,
        config: ServerConfig | GatewayConfig | None = None,
        client_blocks: tuple[ClientDataBlock, ...] | None = None,
        *,
        protocols: SecurityProtocol = SecurityProtocol.RDP,
    ) -> None:
        self.now = 1000.0
        self.config = config or plaintext_config()
        self.server = ServerConnection(self.config, self.now)
        self.client_blocks = client_blocks or blocks(b"cliprdr", b"RDPSND")
        self.protocols = protocols
        self.tls: TlsEndpoint | None = None
        self.security: StandardSecurity | None = None
        #: what the server said, in plain text frames, as far as nobody has taken it
        self.frames: list[bytes] = []
        self.events: list[Event] = []
        self._buffer = bytearray()
        self._script = self._steps()

    @property
    def session(self) -> ServerSession:
        """The server's second half, once there is one."""
        assert self.server.session is not None
        return self.server.session

    # -- transport -------------------------------------------------------------------------------

    def send(self, *frames: bytes) -> None:
        """Frames to the server, all in one segment, and whatever it answers into ``frames``."""
        data = b"".join(frames)
        if self.tls is not None:
            self.tls.write(data)
            data = self.tls.data_to_send()
        self.server.receive_data(data, self.now)
        self.collect()

    def collect(self) -> None:
        """Take what the server has queued."""
        self.events += self.server.events()
        while data := self.server.data_to_send():
            if self.tls is not None:
                self.tls.receive_data(data)
                data = self.tls.read()
            self._buffer += data
        while (frame := take_frame(self._buffer)) is not None:
            self.frames.append(frame)

    def saw(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]

    def wait(self, seconds: float) -> None:
        """Let time pass; deadlines on the way fire when they are due."""
        end = self.now + seconds
        while (deadline := self.server.next_deadline()) is not None and deadline <= end:
            self.now = max(self.now, deadline)
            self.server.handle_timeout(self.now)
            self.collect()
        self.now = end

    @property
    def transcript(self) -> list[str]:
        """``< Type`` for what came, ``> Type`` for what went, since the last call."""
        tracer = self.config.tracer
        assert isinstance(tracer, ListTracer)
        entries = [
            f"{direction} {pdu if direction == '!' else type(pdu).__name__}"
            for direction, _phase, pdu in tracer.entries
        ]
        tracer.entries.clear()
        return entries

    # -- PDUs ------------------------------------------------------------------------------------

    @property
    def user(self) -> int:
        return self.server.facts.user_channel_id

    def tpdu(self, tpdu: Tpdu) -> bytes:
        return encode(Tpkt(encode(tpdu)))

    def mcs(self, user_data: bytes) -> bytes:
        return self.tpdu(Data(user_data))

    def domain(self, pdu: DomainPdu) -> bytes:
        return self.mcs(encode(pdu))

    def data(self, channel_id: int, body: bytes, flags: SecurityFlags = SecurityFlags(0)) -> bytes:
        sealed = seal(self.security, body, flags, has_header=bool(flags) or self.security is not None)
        return self.domain(SendDataRequest(self.user, channel_id, sealed))

    def share(self, body: ShareControlBody) -> bytes:
        return self.data(IO, encode(ShareControl(self.user, body)))

    def share_data(self, body: ShareDataBody) -> bytes:
        return self.share(ShareData(SHARE_ID, body))

    def message(self, message: KnownMessage) -> bytes:
        channel_id = self.server.facts.message_channel_id
        assert channel_id is not None
        return self.data(channel_id, encode(message), message_flags(message))

    def chunk(self, channel_id: int, pdu: ChannelPdu) -> bytes:
        return self.data(channel_id, encode(pdu))

    def channel_message(self, channel_id: int, message: bytes) -> bytes:
        return b"".join([self.chunk(channel_id, pdu) for pdu in chunks(message)])

    def fast_input(self, events: Sequence[InputEvent]) -> bytes:
        number, body = encode_input_events(events)
        return seal_fast_path(self.security, body, number)

    def connect_initial(self) -> bytes:
        """What the client was told to be selected is said back, unless it is to say something else."""
        told = tuple(
            [
                replace(block, server_selected_protocol=self.session.secured.selected_protocol)
                if isinstance(block, ClientCoreData)
                and block.server_selected_protocol == SecurityProtocol.RDP
                else block
                for block in self.client_blocks
            ]
        )
        return self.mcs(encode(ConnectInitial(encode(ConferenceCreateRequest(told)))))

    def client_info(self, info: ClientInfo | None = None) -> bytes:
        return self.data(IO, encode(info or ClientInfo(user_name="alice")), SecurityFlags.INFO_PKT)

    def confirm_active(self, capabilities: tuple[CapabilitySet, ...] = CAPABILITIES) -> bytes:
        return self.share(ConfirmActive(SHARE_ID, capabilities))

    def finalization(self) -> list[bytes]:
        """What clients send behind Confirm Active without waiting."""
        return [
            self.share_data(Synchronize(1002)),
            self.share_data(Control(ControlAction.COOPERATE)),
            self.share_data(Control(ControlAction.REQUEST_CONTROL)),
            self.share_data(FontList()),
        ]

    # -- the way to a phase ----------------------------------------------------------------------

    def request(self) -> None:
        self.send(self.tpdu(ConnectionRequest(NegotiationRequest(self.protocols))))

    def handshake(self) -> None:
        """The TLS handshake, to its end."""
        self.tls = TlsEndpoint(client_context(), server_side=False)
        while not self.tls.is_established:
            self.server.receive_data(self.tls.data_to_send(), self.now)
            self.tls.receive_data(self.server.data_to_send())
        self.server.receive_data(self.tls.data_to_send(), self.now)
        self.collect()

    def basic_settings(self) -> None:
        self.send(self.connect_initial())

    def attach(self) -> None:
        self.send(self.domain(ErectDomainRequest()), self.domain(AttachUserRequest()))

    def join(self, *channel_ids: int) -> None:
        for channel_id in channel_ids:
            self.send(self.domain(ChannelJoinRequest(self.user, channel_id)))

    def exchange_keys(self) -> None:
        """The client's random, and the keys that come of it."""
        block = self.server_security()
        assert block.server_random is not None
        assert block.server_certificate is not None
        client_random = entropy()(32)
        key = public_key_of_server(block.server_certificate)
        exchange = SecurityExchange(key.encrypt(client_random))
        self.send(self.data(IO, encode(exchange), SecurityFlags.EXCHANGE_PKT))
        self.security = StandardSecurity.for_client(
            client_random, block.server_random, block.encryption_method
        )

    def server_security(self) -> ServerSecurityData:
        """The block of the Connect Response."""
        for frame in self.frames:
            tpdu = decode_tpdu(decode(Tpkt, frame).payload)
            if isinstance(tpdu, Data) and tpdu.user_data[:2] == b"\x7f\x66":
                response = decode(ConnectResponse, tpdu.user_data)
                for block in decode(ConferenceCreateResponse, response.user_data).blocks:
                    if isinstance(block, ServerSecurityData):
                        return block
        raise AssertionError("no ServerSecurityData")

    def reach(self, phase: str) -> "Scripted":
        """Talk on until the server is in ``phase``; for SecurityCommencement the server has to encrypt."""
        while self.server.phase_name != phase:
            following = next(self._script, None)
            assert following is not None, f"{self.server!r}, not {phase}: {self.events[-1:]}"
            is_wanted, step = following
            if is_wanted():
                step()
        return self

    def reach_active(self) -> None:
        """From Demand Active on."""
        self.send(self.confirm_active(), *self.finalization())
        assert self.server.is_active, self.events[-1:]

    def _steps(self) -> Iterator[tuple[Callable[[], bool], Callable[[], None]]]:
        """The whole way: whether a step is to be taken, and the step."""
        server = self.server
        standard = self.config.security.standard if isinstance(self.config, ServerConfig) else None
        encrypts = standard is not None and standard.level != EncryptionLevel.NONE
        sync = NetworkCharacteristicsSync(0, 0, 0)

        def always() -> bool:
            return True

        yield always, self.request
        yield lambda: server.phase_name == "TlsHandshake", self.handshake
        yield always, self.basic_settings
        yield always, self.attach
        # What comes on the message channel ends Channel Connection without ending what follows.
        yield lambda: server.facts.message_channel_id is not None, lambda: self.send(self.message(sync))
        yield lambda: encrypts, self.exchange_keys
        yield always, lambda: self.send(self.client_info())
        yield (
            lambda: server.phase_name == "ConnectTimeAutoDetection",
            lambda: self.wait(self.config.limits.auto_detection),
        )
        yield always, lambda: self.send(self.confirm_active())
        yield always, lambda: self.send(*self.finalization())


def active(config: ServerConfig | None = None, *channels: bytes, **changes: Any) -> Scripted:
    """A server in Active, with nothing left to look at."""
    client = Scripted(config, blocks(*channels, **changes) if channels or changes else None).reach("Active")
    client.frames.clear()
    client.events.clear()
    assert client.transcript
    return client
