"""A recorded client, talking to our server core instead of the server that it was recorded with."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from pyrdpmux.harness.capture.layer import Dissected
from pyrdpmux.harness.capture.stop import Direction
from pyrdpmux.harness.capture.unit import UnitKind
from pyrdpmux.rdp.connection.events import Event, InputReceived
from pyrdpmux.rdp.connection.server.config import ServerConfig
from pyrdpmux.rdp.connection.server.connection import ServerConnection
from pyrdpmux.rdp.connection.server.link import IO_CHANNEL_ID
from pyrdpmux.rdp.fastpath.header import FastPathHeader, FastPathPdu
from pyrdpmux.rdp.mcs.client_core import ClientCoreData
from pyrdpmux.rdp.mcs.client_data import ClientMessageChannelData
from pyrdpmux.rdp.mcs.connect import ConnectInitial
from pyrdpmux.rdp.mcs.domain import AttachUserConfirm, ChannelJoinRequest, DomainPdu, SendDataRequest
from pyrdpmux.rdp.mcs.gcc import ConferenceCreateRequest, ConferenceCreateResponse
from pyrdpmux.rdp.mcs.server_data import ServerMessageChannelData, ServerNetworkData
from pyrdpmux.rdp.pdu.input import InputEvent
from pyrdpmux.rdp.pdu.licensing import LicensingPdu
from pyrdpmux.rdp.pdu.security import (
    FipsSecurityHeader,
    NonFipsSecurityHeader,
    SecurityExchange,
    SecurityFlags,
    with_basic_header,
)
from pyrdpmux.rdp.x224.negotiation import SecurityProtocol
from pyrdpmux.rdp.x224.tpdu import ConnectionRequest, Data
from pyrdpmux.rdp.x224.tpkt import Tpkt
from pyrdpmux.wire import encode
from tests.pair.linked import writes

#: What a client without TLS says first; the recorded request asked for TLS and got it.
PLAIN_REQUEST: Final = encode(Tpkt(encode(ConnectionRequest())))

V = TypeVar("V")


@dataclass
class Replay:
    """One run: the server and everything it reported."""

    server: ServerConnection
    events: list[Event]
    sent: bytes

    def of(self, kind: type[V]) -> list[V]:
        return [event for event in self.events if isinstance(event, kind)]

    @property
    def inputs(self) -> list[InputEvent]:
        return [inner for event in self.of(InputReceived) for inner in event.events]


def replay(
    config: ServerConfig, frames: Iterable[bytes], chunk_size: int = 0, resize_before: int | None = None
) -> Replay:
    """Feed the frames; ``chunk_size`` 0: each frame as it is. A resize is to 800x600."""
    run = Replay(ServerConnection(config, 0.0), [], b"")
    stream = list(frames)
    if chunk_size:
        whole = b"".join(stream)
        stream = [whole[at : at + chunk_size] for at in range(0, len(whole), chunk_size)]
    for now, data in enumerate(stream):
        if now == resize_before:
            run.server.set_desktop_size(800, 600, now * 0.001)
        run.server.receive_data(data, now * 0.001)
        run.sent += b"".join(writes(run.server))
        run.events += run.server.events()
    run.server.receive_eof(len(stream) * 0.001)
    run.events += run.server.events()
    return run


def original_frames(units: list[Dissected]) -> list[bytes]:
    """The client's side byte for byte, under standard RDP security as encrypted as it was.

    Without the answer to a license request, which ours does not send; rdesktop's answer is in the clear.
    """
    client = [
        unit.unit.data
        for unit in units
        if unit.unit.direction is Direction.CLIENT and not _find(unit, LicensingPdu)
    ]
    # rdesktop's request speaks of TLS and is content without; our server would say that it has none.
    return [PLAIN_REQUEST, *client[1:]]


def plain_frames(units: list[Dissected]) -> list[bytes]:
    """The client's side without any security: a plain request, then everything from MCS connect on.

    Numbers that the recorded server gave out (channels, user) become those that ours gives out, and answers
    to a license request are left out, which ours does not send.
    """
    numbers = _numbers(units)
    frames = [PLAIN_REQUEST]
    for unit in units:
        if unit.unit.direction is not Direction.CLIENT:
            continue
        if _find(unit, LicensingPdu) or _find(unit, SecurityExchange):
            continue
        if unit.unit.kind is UnitKind.FAST_PATH:
            frames.append(_plain_fast_path(unit))
        elif unit.unit.kind is UnitKind.TPKT:
            frames.append(_plain_tpkt(unit, numbers))
    return frames


def _find(unit: Dissected, kind: type[V]) -> V | None:
    return next((layer.value for layer in unit.layers if isinstance(layer.value, kind)), None)


def _behind(unit: Dissected, kind: type[object]) -> bytes:
    """The bytes of the layer behind that of a header: plain, whatever encrypted them."""
    at = next(at for at, layer in enumerate(unit.layers) if isinstance(layer.value, kind))
    return unit.layers[at + 1].data


def _first(units: list[Dissected], kind: type[V]) -> V:
    return next(value for unit in units if (value := _find(unit, kind)) is not None)


def _numbers(units: list[Dissected]) -> dict[int, int]:
    """Recorded MCS channel number to ours: I/O, static channels in their order, message channel, user."""
    response = _first(units, ConferenceCreateResponse)
    network = response.first(ServerNetworkData)
    assert network is not None
    recorded = [network.mcs_channel_id, *network.channel_ids]
    if _first(units, ConferenceCreateRequest).first(ClientMessageChannelData) is not None:
        # Ours has one for everybody who asks; xrdp has none.
        message = response.first(ServerMessageChannelData)
        recorded.append(message.mcs_channel_id if message is not None else 0)
    user = _first(units, AttachUserConfirm).initiator
    assert user is not None
    return {number: IO_CHANNEL_ID + at for at, number in enumerate([*recorded, user])}


def _plain_fast_path(unit: Dissected) -> bytes:
    pdu = _find(unit, FastPathPdu)
    assert pdu is not None
    if not pdu.header.is_encrypted:
        return unit.unit.data
    return encode(FastPathPdu(_behind(unit, FastPathPdu), FastPathHeader(pdu.header.number)))


def _plain_connect(unit: Dissected, request: ConferenceCreateRequest) -> bytes:
    """As a client says it that was told that there is no TLS."""
    initial = _find(unit, ConnectInitial)
    assert initial is not None
    blocks = [
        replace(block, server_selected_protocol=SecurityProtocol.RDP)
        if isinstance(block, ClientCoreData)
        else block
        for block in request.blocks
    ]
    initial = replace(initial, user_data=encode(ConferenceCreateRequest(tuple(blocks))))
    return encode(Tpkt(encode(Data(encode(initial)))))


def _plain_tpkt(unit: Dissected, numbers: dict[int, int]) -> bytes:
    request = _find(unit, ConferenceCreateRequest)
    if request is not None:
        return _plain_connect(unit, request)
    join = _find(unit, ChannelJoinRequest)
    if join is not None:
        numbered = replace(join, initiator=numbers[join.initiator], channel_id=numbers[join.channel_id])
        return _frame(numbered)
    pdu = _find(unit, SendDataRequest)
    if pdu is None:
        return unit.unit.data
    header = _find(unit, FipsSecurityHeader) or _find(unit, NonFipsSecurityHeader)
    if header is not None:
        body = _behind(unit, type(header))
        keeps_header = header.flags & SecurityFlags.INFO_PKT
        data = with_basic_header(SecurityFlags.INFO_PKT, body) if keeps_header else body
        pdu = replace(pdu, user_data=data)
    pdu = replace(pdu, initiator=numbers[pdu.initiator], channel_id=numbers[pdu.channel_id])
    return _frame(pdu)


def _frame(pdu: DomainPdu) -> bytes:
    return encode(Tpkt(encode(Data(encode(pdu)))))
