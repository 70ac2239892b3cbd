"""Every phase against every PDU type: handled, or a SequenceError that ends the connection; nothing else."""

import inspect
from collections.abc import Callable, Iterator
from typing import Any, get_args

import pytest

from pyrdpmux.errors import DecodeError, PeerError, SequenceError
from pyrdpmux.rdp.connection.client import activation as _client_activation
from pyrdpmux.rdp.connection.client import initiation as _client_initiation
from pyrdpmux.rdp.connection.client.connection import ClientConnection
from pyrdpmux.rdp.connection.events import Disconnected
from pyrdpmux.rdp.connection.framer import take_frame
from pyrdpmux.rdp.connection.machine import Connection, Machine, Phase
from pyrdpmux.rdp.connection.secure import seal, seal_fast_path
from pyrdpmux.rdp.connection.server import activation as _server_activation
from pyrdpmux.rdp.connection.server import initiation as _server_initiation
from pyrdpmux.rdp.connection.server.connection import ServerConnection
from pyrdpmux.rdp.connection.server.door_link import Relay
from pyrdpmux.rdp.fastpath.update import encode_updates
from pyrdpmux.rdp.mcs.domain import (
    DOMAIN_PDU_TYPES,
    DisconnectProviderUltimatum,
    SendDataIndication,
    SendDataRequest,
)
from pyrdpmux.rdp.pdu.auto_detect import MESSAGE_TYPES
from pyrdpmux.rdp.pdu.client_info import ClientInfo
from pyrdpmux.rdp.pdu.licensing import VALID_CLIENT
from pyrdpmux.rdp.pdu.message_channel import Message, encode_message
from pyrdpmux.rdp.pdu.security import SecurityExchange, SecurityFlags
from pyrdpmux.rdp.pdu.share import (
    SHARE_CONTROL_TYPES,
    SHARE_DATA_TYPES,
    ShareControl,
    ShareControlBody,
    ShareData,
    ShareDataBody,
)
from pyrdpmux.rdp.preconnection import Preconnection
from pyrdpmux.rdp.tls.context import client_context
from pyrdpmux.rdp.tls.endpoint import TlsEndpoint
from pyrdpmux.rdp.x224.negotiation import SecurityProtocol
from pyrdpmux.rdp.x224.tpdu import TPDU_TYPES, Data
from pyrdpmux.rdp.x224.tpkt import Tpkt
from pyrdpmux.wire import encode
from tests.pair.linked import Linked, client_config, nla_policy, rdp_policy, server_config
from tests.rdp.connection.hyper_v import GatewayClient, in_hyper_v_order
from tests.rdp.connection.samples import (
    CHUNK,
    COMPRESSED,
    CONNECT_PDUS,
    DOMAIN_PDUS,
    MESSAGES,
    SHARE_CONTROLS,
    SHARE_DATA,
    SHARE_ID,
    TPDUS,
    UPDATE,
)
from tests.rdp.connection.scripted import IO, Scripted, plaintext_config

SIDES = {
    "server": (_server_activation, _server_initiation),
    "client": (_client_activation, _client_initiation),
}
NLA = SecurityProtocol.SSL | SecurityProtocol.HYBRID


def phase_classes(side: str) -> dict[str, type[Phase]]:
    """The phases that a connection can be in: leaves of the tree under Phase.

    Not Relay, where a door is once its session has begun: it reads nothing (test_door.py).
    """
    assert SIDES[side]

    def leaves(cls: type[Phase]) -> Iterator[type[Phase]]:
        children = cls.__subclasses__()
        if not children and f".{side}." in cls.__module__ and cls is not Relay:
            yield cls
        for child in children:
            yield from leaves(child)

    return {cls.__name__: cls for cls in leaves(Phase)}


# -- one frame of every PDU --------------------------------------------------------------------------


def frames(send_data: type[SendDataRequest] | type[SendDataIndication], initiator: int) -> dict[str, bytes]:
    """By name; the names of types that a decoder returns are theirs."""

    def domain(pdu: Any) -> bytes:
        return encode(Tpkt(encode(Data(encode(pdu)))))

    def data(channel_id: int, body: bytes) -> bytes:
        return domain(send_data(initiator, channel_id, body))

    def share(body: Any) -> bytes:
        return data(IO, encode(ShareControl(initiator, body)))

    found = {cls.__name__: encode(Tpkt(encode(pdu))) for cls, pdu in TPDUS.items()}
    found |= {cls.__name__: domain(pdu) for cls, pdu in (CONNECT_PDUS | DOMAIN_PDUS).items()}
    found |= {cls.__name__: share(pdu) for cls, pdu in SHARE_CONTROLS.items()}
    found |= {cls.__name__: share(ShareData(SHARE_ID, pdu)) for cls, pdu in SHARE_DATA.items()}
    found |= {cls.__name__: data(1006, encode_message(pdu)) for cls, pdu in MESSAGES.items()}
    found["CompressedShareData"] = share(COMPRESSED)
    found["ChannelPdu"] = data(1004, encode(CHUNK))
    headed: list[tuple[Any, SecurityFlags]] = [
        (SecurityExchange(bytes(264)), SecurityFlags.EXCHANGE_PKT),
        (ClientInfo(), SecurityFlags.INFO_PKT),
        (VALID_CLIENT, SecurityFlags.LICENSE_PKT),
    ]
    for pdu, flags in headed:
        found[type(pdu).__name__] = data(IO, seal(None, encode(pdu), flags, has_header=True))
    found["Preconnection"] = encode(Preconnection(blob="abc\0"))
    found["TLS beginning"] = client_hello()
    found["fast-path output"] = seal_fast_path(None, encode_updates([UPDATE]))
    found["fast-path input"] = seal_fast_path(None, b"\x00\x1e", 1)
    return found


def client_hello() -> bytes:
    return TlsEndpoint(client_context(), server_side=False).data_to_send()


CLIENT_FRAMES = frames(SendDataRequest, 1007)
SERVER_FRAMES = frames(SendDataIndication, 1002)


def test_the_samples_are_complete() -> None:
    assert set(TPDUS) == set(TPDU_TYPES.values())
    assert set(DOMAIN_PDUS) == set(DOMAIN_PDU_TYPES.values())
    assert set(SHARE_CONTROLS) | {ShareData} == set(SHARE_CONTROL_TYPES.values()) | set(
        get_args(ShareControlBody)
    )
    assert set(SHARE_DATA) | {type(COMPRESSED.body)} == set(SHARE_DATA_TYPES.values()) | set(
        get_args(ShareDataBody)
    )
    assert set(MESSAGES) == set(get_args(Message))
    assert set(MESSAGE_TYPES.values()) <= set(MESSAGES)


# -- a connection in every phase ---------------------------------------------------------------------


def server_in(phase: str) -> Connection:
    match phase:
        case "TlsHandshake" | "NetworkLevelAuthentication":
            client = Scripted(server_config(nla_policy()), protocols=NLA)
            client.request()
            if phase == "NetworkLevelAuthentication":
                client.handshake()
        case "GatewayInitiation":
            return GatewayClient().server
        case "LateInitiation":
            return in_hyper_v_order().server
        case "SecurityCommencement":
            client = Scripted(server_config(rdp_policy()))
        case "ConnectTimeAutoDetection":
            client = Scripted(plaintext_config(connect_time_auto_detect=True))
        case _:
            client = Scripted()
    return client.reach(phase).server


def client_in(phase: str) -> ClientConnection:
    tls = phase in ("TlsHandshake", "NetworkLevelAuthentication")
    pair = Linked(
        server_config(nla_policy()) if tls else plaintext_config(),
        client_config(
            protocols=NLA if tls else SecurityProtocol.RDP,
            channels=tuple(Scripted().client_blocks[2].channels),  # type: ignore[union-attr]
        ),
    )
    for _ in range(200):
        if pair.client.phase_name == phase:
            pair.client.events()
            pair.client.data_to_send()
            return pair.client
        pair.server.receive_data(pair.client.data_to_send(), pair.now)
        buffer = bytearray(pair.server.data_to_send())
        if pair.client.tls is not None:
            pair.client.receive_data(bytes(buffer), pair.now)
            continue
        while (frame := take_frame(buffer)) is not None and pair.client.phase_name != phase:
            pair.client.receive_data(frame, pair.now)
            if pair.client.tls is not None:
                break
    raise AssertionError(f"{pair.client!r} never came to {phase}")


REACH: dict[str, Callable[[str], Connection]] = {"server": server_in, "client": client_in}
CASES = [(side, phase) for side in SIDES for phase in phase_classes(side)]


@pytest.mark.parametrize(("side", "phase"), CASES)
def test_every_phase_has_a_name_and_a_description(side: str, phase: str) -> None:
    machine = REACH[side](phase)
    assert phase in repr(machine)
    assert machine.phase_name == phase
    assert inspect.getdoc(phase_classes(side)[phase])


@pytest.mark.parametrize(("side", "phase"), CASES)
def test_every_phase_but_active_has_a_deadline(side: str, phase: str) -> None:
    machine = REACH[side](phase)
    assert (machine.next_deadline() is not None) == (phase != "Active")


def outcome(machine: Connection, frame: bytes) -> PeerError | None:
    """What a frame led to: None where the connection goes on, or ended in order."""
    machine.receive_data(frame, machine.now)
    ended = [event for event in machine.events() if isinstance(event, Disconnected)]
    assert len(ended) <= 1
    assert machine.should_close == bool(ended)
    machine.data_to_send()
    return ended[0].error if ended else None


def reading(machine: Connection, frame: bytes) -> object:
    """What the phase makes of a frame: a PDU, or the error that it raises."""
    half = machine
    if isinstance(machine, ServerConnection):
        half = machine.session or machine.door
    assert isinstance(half, Machine)
    phase = half._phase
    try:
        whole = phase.take_frame(bytearray(frame))
        assert whole == frame
        return phase.decode(frame)
    except PeerError as error:
        return error


#: handled types whose sample is out of order or means nothing here; said by the handler itself
REFUSED_BY_HANDLER = {
    ("server", "ConnectionFinalization", "FontList"),
    ("server", "ChannelConnection", "SendDataRequest"),  # AttachUserRequest is missing
    ("client", "ChannelConnection", "ChannelJoinConfirm"),  # nothing was asked yet
}
#: their samples are empty shells: what is in them is tested elsewhere
EMPTY_SHELLS = {"ConnectInitial", "ConnectResponse"}
#: what these read is TLS or CredSSP; test_property.py feeds them
WITHOUT_FRAMES = {"TlsHandshake", "NetworkLevelAuthentication", "LateInitiation"}


def check(side: str, phase: str, name: str, frame: bytes) -> type | None:
    """Try one PDU; the type that it was decoded to."""
    handlers = phase_classes(side)[phase].HANDLERS
    machine = REACH[side](phase)
    pdu = reading(machine, frame)
    failed = outcome(machine, frame)
    if isinstance(pdu, PeerError):
        assert isinstance(pdu, SequenceError | DecodeError), name
        assert type(failed) is type(pdu), name
        return None
    kind = type(pdu)
    if kind not in handlers:
        assert isinstance(failed, SequenceError), (name, failed)
        assert failed.phase == phase
        assert failed.expected == tuple(handler.__name__ for handler in handlers)
    elif (side, phase, kind.__name__) in REFUSED_BY_HANDLER:
        assert isinstance(failed, SequenceError), (name, failed)
    elif name in EMPTY_SHELLS:
        assert isinstance(failed, DecodeError)
    else:
        assert failed is None, (name, failed)
        assert machine.should_close == (kind is DisconnectProviderUltimatum)
    return kind


@pytest.mark.parametrize(("side", "phase"), [case for case in CASES if case[1] not in WITHOUT_FRAMES])
def test_every_pdu_is_handled_or_a_sequence_error(side: str, phase: str) -> None:
    samples = CLIENT_FRAMES if side == "server" else SERVER_FRAMES
    tried = {check(side, phase, name, frame) for name, frame in samples.items()}
    untried = {kind.__name__ for kind in phase_classes(side)[phase].HANDLERS if kind not in tried}
    assert not untried, "handled, but without a sample"
