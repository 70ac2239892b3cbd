"""The client's own judgement: what it does not put up with, and how it answers measurements."""

from typing import Any

import pytest

from pyrdpmux.errors import (
    AuthenticationFailed,
    DecodeError,
    LicensingFailed,
    NegotiationFailed,
    PeerError,
    SequenceError,
)
from pyrdpmux.rdp.channels.static import ChannelPdu, ChannelPduHeader
from pyrdpmux.rdp.connection.client.connection import ClientConnection
from pyrdpmux.rdp.connection.events import Disconnected, Event, SecurityEstablished
from pyrdpmux.rdp.connection.machine import Machine
from pyrdpmux.rdp.mcs.client_data import EncryptionMethod
from pyrdpmux.rdp.mcs.connect import ConnectResponse, Result
from pyrdpmux.rdp.mcs.domain import AttachUserConfirm, ChannelJoinConfirm, SendDataIndication
from pyrdpmux.rdp.mcs.gcc import ConferenceCreateResponse
from pyrdpmux.rdp.mcs.server_data import (
    EncryptionLevel,
    ServerCoreData,
    ServerDataBlock,
    ServerNetworkData,
    ServerSecurityData,
)
from pyrdpmux.rdp.nla.logon import Proof
from pyrdpmux.rdp.pdu.activation import DemandActive
from pyrdpmux.rdp.pdu.auto_detect import (
    BandwidthMeasurePayload,
    BandwidthMeasureResults,
    BandwidthMeasureStart,
    BandwidthMeasureStop,
    RequestType,
    ResponseType,
    RttMeasureRequest,
    RttMeasureResponse,
)
from pyrdpmux.rdp.pdu.capabilities.general import FrameAcknowledgeCapability, GeneralCapability
from pyrdpmux.rdp.pdu.display import FrameAcknowledge
from pyrdpmux.rdp.pdu.finalization import FontMap
from pyrdpmux.rdp.pdu.licensing import LicensingPdu
from pyrdpmux.rdp.pdu.licensing.error import LicenseError, LicenseErrorCode, StateTransition
from pyrdpmux.rdp.pdu.message_channel import encode_message
from pyrdpmux.rdp.pdu.security import SecurityFlags, with_basic_header
from pyrdpmux.rdp.pdu.share import ShareControl, ShareData
from pyrdpmux.rdp.standard_security.server_certificate import proprietary_certificate
from pyrdpmux.rdp.x224.negotiation import (
    FailureCode,
    NegotiationFailure,
    NegotiationResponse,
    SecurityProtocol,
)
from pyrdpmux.rdp.x224.tpdu import ConnectionConfirm, Data
from pyrdpmux.rdp.x224.tpkt import Tpkt
from pyrdpmux.wire import encode
from tests.pair.linked import Linked, client_config, nla_policy, rsa_key, server_config
from tests.rdp.connection.scripted import IO
from tests.rdp.connection.test_phases import client_in

P = SecurityProtocol
MESSAGE_CHANNEL = 1006


def mcs(user_data: bytes) -> bytes:
    return encode(Tpkt(encode(Data(user_data))))


def data(channel_id: int, body: bytes) -> bytes:
    return mcs(encode(SendDataIndication(1002, channel_id, body)))


def response(*blocks: ServerDataBlock, result: Result = Result.SUCCESSFUL) -> bytes:
    return mcs(encode(ConnectResponse(encode(ConferenceCreateResponse(blocks)), result)))


def licensing(error: LicenseErrorCode) -> bytes:
    pdu = LicensingPdu(LicenseError(error, StateTransition.TOTAL_ABORT))
    return data(IO, with_basic_header(SecurityFlags.LICENSE_PKT, pdu))


def confirm(negotiation: NegotiationResponse | NegotiationFailure | None) -> bytes:
    return encode(Tpkt(encode(ConnectionConfirm(negotiation))))


def ending(machine: Machine, frame: bytes) -> PeerError | None:
    machine.receive_data(frame, machine.now)
    [ended] = [event for event in machine.events() if isinstance(event, Disconnected)]
    return ended.error


CORE = ServerCoreData()
NETWORK = ServerNetworkData(IO, (1004, 1005))


@pytest.mark.parametrize(
    ("phase", "frame", "kind"),
    [
        ("BasicSettingsExchange", response(CORE, NETWORK, result=Result.UNSPECIFIED_FAILURE), SequenceError),
        ("BasicSettingsExchange", response(CORE), SequenceError),
        ("ChannelConnection", mcs(encode(AttachUserConfirm(Result.UNSPECIFIED_FAILURE))), SequenceError),
        (
            "ChannelConnection",
            mcs(encode(ChannelJoinConfirm(Result.SUCCESSFUL, 1007, IO, IO))),  # nothing was asked
            SequenceError,
        ),
        ("Licensing", licensing(LicenseErrorCode.NO_LICENSE_SERVER), LicensingFailed),
        ("Licensing", data(IO, with_basic_header(SecurityFlags.INFO_PKT, b"")), SequenceError),
        (
            "CapabilitiesExchange",
            data(IO, encode(ShareControl(1002, DemandActive(1, (GeneralCapability(),))))),
            SequenceError,
        ),
        ("Active", data(4711, b"stray"), SequenceError),
        ("Active", data(1004, encode(ChannelPdu(ChannelPduHeader(1), b"too much"))), DecodeError),
    ],
)
def test_what_ends_it(phase: str, frame: bytes, kind: type[PeerError]) -> None:
    assert isinstance(ending(client_in(phase), frame), kind)


def test_a_long_font_map_is_a_font_map() -> None:
    """QUIRK(redemption, xrdp before 0.9): 172 bytes instead of 8."""
    client = client_in("ConnectionFinalization")
    font_map = ShareControl(1002, ShareData(client.facts.share_id, FontMap(entries=bytes(164))))
    client.receive_data(data(IO, encode(font_map)), client.now)
    assert client.is_active, client.events()


@pytest.mark.parametrize("counts", [True, False])
def test_frames_are_acknowledged_where_the_server_counts_them(counts: bool) -> None:
    client = client_in("Active")
    others = [item for item in client.facts.capabilities if not isinstance(item, FrameAcknowledgeCapability)]
    client.facts.capabilities = (*others, *[FrameAcknowledgeCapability(2)] * counts)
    client.tracer.entries.clear()  # type: ignore[attr-defined]
    client.acknowledge_frame(7)
    sent = [pdu for way, _, pdu in client.tracer.entries if way == ">"]  # type: ignore[attr-defined]
    assert sent == ([FrameAcknowledge(7)] if counts else [])


class TestNegotiation:
    def client(self, protocols: SecurityProtocol) -> ClientConnection:
        return ClientConnection(client_config(protocols=protocols), 0.0)

    @pytest.mark.parametrize("protocols", [P.SSL, P.SSL | P.HYBRID])
    @pytest.mark.parametrize("answer", [None, NegotiationResponse(P.RDP), NegotiationResponse(P.RDSTLS)])
    def test_no_downgrade(self, protocols: SecurityProtocol, answer: NegotiationResponse | None) -> None:
        """A password that was meant for TLS does not go out under a key from 1998, or none."""
        client = self.client(protocols)
        client.data_to_send()
        assert isinstance(ending(client, confirm(answer)), SequenceError)
        assert client.data_to_send() == b""

    @pytest.mark.parametrize("answer", [None, NegotiationResponse(P.RDP)])
    def test_standard_security_where_it_was_asked_for(self, answer: NegotiationResponse | None) -> None:
        client = self.client(P.RDP)
        client.receive_data(confirm(answer), 0.0)
        assert client.phase_name == "BasicSettingsExchange"

    def test_a_failure_is_told(self) -> None:
        error = ending(self.client(P.SSL), confirm(NegotiationFailure(FailureCode.HYBRID_REQUIRED_BY_SERVER)))
        assert isinstance(error, NegotiationFailed)
        assert error.failure_code == FailureCode.HYBRID_REQUIRED_BY_SERVER


@pytest.mark.parametrize(
    ("method", "certificate", "kind"),
    [
        (EncryptionMethod(0x40), proprietary_certificate(rsa_key()), SequenceError),
        (EncryptionMethod(0x3), proprietary_certificate(rsa_key()), SequenceError),
        (EncryptionMethod.BITS_128, b"no certificate", DecodeError),
    ],
)
def test_nonsense_instead_of_keys(
    method: EncryptionMethod, certificate: bytes, kind: type[PeerError]
) -> None:
    block = ServerSecurityData(method, EncryptionLevel.HIGH, bytes(32), certificate)
    client = client_in("BasicSettingsExchange")
    client.receive_data(response(CORE, ServerNetworkData(IO, ()), block), client.now)
    client.receive_data(mcs(encode(AttachUserConfirm(Result.SUCCESSFUL, 1007))), client.now)
    client.receive_data(mcs(encode(ChannelJoinConfirm(Result.SUCCESSFUL, 1007, 1007, 1007))), client.now)
    error = ending(client, mcs(encode(ChannelJoinConfirm(Result.SUCCESSFUL, 1007, IO, IO))))
    assert isinstance(error, kind)


class TestEarlyUserAuthorization:
    @staticmethod
    def connect(is_allowed: bool, protocols: SecurityProtocol) -> tuple[Linked, list[Any]]:
        asked: list[Any] = []

        def authorize(proof: Proof) -> bool:
            asked.append(proof.user)
            return is_allowed

        policy = nla_policy()
        policy = type(policy)(
            certificate=policy.certificate,
            tls_context=policy.tls_context,
            accounts=policy.accounts,
            authorize=authorize,
        )
        return Linked(server_config(policy), client_config(protocols=protocols)).run(), asked

    def test_those_who_may_come_in(self) -> None:
        pair, asked = self.connect(True, P.SSL | P.HYBRID | P.HYBRID_EX)
        assert pair.server.is_active
        assert asked == ["alice"]

    def test_others_are_told_before_anything_of_rdp(self) -> None:
        pair, asked = self.connect(False, P.SSL | P.HYBRID | P.HYBRID_EX)
        assert asked == ["alice"]
        assert pair.server_saw(SecurityEstablished) == []
        assert pair.server_saw(Disconnected) == [Disconnected("alice may not be here", by_peer=False)]
        [told] = pair.client_saw(Disconnected)
        assert isinstance(told.error, AuthenticationFailed)


class TestMeasurements:
    @staticmethod
    def answers(*messages: tuple[float, Any]) -> list[object]:
        client = client_in("Active")
        tracer = client.tracer
        tracer.entries.clear()  # type: ignore[attr-defined]
        events: list[Event] = []
        for seconds, message in messages:
            client.receive_data(data(MESSAGE_CHANNEL, encode_message(message)), client.now + seconds)
            events += client.events()
        assert events == []
        return [pdu for way, _, pdu in tracer.entries if way == ">"]  # type: ignore[attr-defined]

    def test_a_round_trip_is_answered_at_once(self) -> None:
        assert self.answers((0, RttMeasureRequest(7))) == [RttMeasureResponse(7)]

    @pytest.mark.parametrize(
        ("stop", "payload", "kind", "size"),
        [
            (RequestType.BANDWIDTH_STOP_CONNECT_TIME, b"12345", ResponseType.BANDWIDTH_CONNECT_TIME, 1005),
            # everything: the frames of payload and stop, TPKT, X.224, MCS and security headers included
            (RequestType.BANDWIDTH_STOP, b"", ResponseType.BANDWIDTH, (15 + 4 + 8 + 1000) + (14 + 4 + 6)),
        ],
    )
    def test_bandwidth_is_what_came_between_start_and_stop(
        self, stop: RequestType, payload: bytes, kind: ResponseType, size: int
    ) -> None:
        found = self.answers(
            (0, BandwidthMeasurePayload(1, bytes(999))),  # before the start: does not count
            (0, BandwidthMeasureStart(1)),
            (0.25, BandwidthMeasurePayload(1, bytes(1000))),
            (0.25, BandwidthMeasureStop(1, stop, payload)),
        )
        assert found == [BandwidthMeasureResults(1, 500, size, kind)]
