"""Recorded mstsc sessions (shared/vectors/mstsc) against our server: the client's side, PDU by PDU.

Three sessions of mstsc with Windows Server 2016. The server starts where NLA is done; it numbers channels as
Windows does, so that what mstsc said to Windows makes sense to us. Left out is licensing, which we do not
ask for.
"""

import json
import os
from collections import Counter
from pathlib import Path

import pytest

from pyrdpmux.rdp.connection.events import (
    Activated,
    ChannelDataReceived,
    ClientIntroduced,
    Disconnected,
    Event,
    InputReceived,
    LoggedOn,
    ShutdownRequested,
)
from pyrdpmux.rdp.connection.server.secured import Secured
from pyrdpmux.rdp.connection.server.session_machine import ServerSession
from pyrdpmux.rdp.connection.trace import ListTracer
from pyrdpmux.rdp.mcs.domain import SendDataRequest, decode_domain_pdu
from pyrdpmux.rdp.pdu.client_info import ClientInfo
from pyrdpmux.rdp.pdu.security import SecurityFlags, split_basic_header
from pyrdpmux.rdp.x224.negotiation import SecurityProtocol
from pyrdpmux.rdp.x224.tpdu import Data, decode_tpdu
from pyrdpmux.rdp.x224.tpkt import Tpkt
from pyrdpmux.wire import decode
from tests.pair.linked import nla_policy, server_config

SHARED = Path(os.environ.get("PYRDPMUX_SHARED", Path(__file__).parents[3] / "shared"))
MSTSC = SHARED / "vectors" / "mstsc"

pytestmark = pytest.mark.skipif(
    not MSTSC.is_dir(), reason=f"no vectors at {MSTSC} (set PYRDPMUX_SHARED to the folder that has them)"
)

IO_CHANNEL = 1003
SESSIONS = [path.name.removesuffix(".pdus.jsonl") for path in sorted(MSTSC.glob("*.pdus.jsonl"))]


def is_licensing(frame: bytes) -> bool:
    """What mstsc answers to a license request, behind a basic security header on the I/O channel."""
    tpdu = decode_tpdu(decode(Tpkt, frame).payload)
    assert isinstance(tpdu, Data)
    if tpdu.user_data[0] >> 2 != 25:
        return False
    pdu = decode_domain_pdu(tpdu.user_data)
    assert isinstance(pdu, SendDataRequest)
    if pdu.channel_id != IO_CHANNEL:
        return False
    header, body = split_basic_header(pdu.user_data)
    # A share control PDU begins with its own length where the flags would be.
    return header.flags == SecurityFlags.LICENSE_PKT and len(pdu.user_data) != header.flags and len(body) > 0


def client_frames(session: str) -> list[bytes]:
    """Everything that mstsc sent from MCS Connect Initial on."""
    units = [json.loads(line) for line in (MSTSC / f"{session}.pdus.jsonl").read_text().splitlines()]
    frames = [
        (unit["kind"], bytes.fromhex(unit["hex"]))
        for unit in units
        if unit["dir"] == "c2s" and unit["kind"] in ("tpkt", "fp")
    ]
    return [frame for kind, frame in frames if kind == "fp" or not is_licensing(frame)]


SECURED = Secured(
    selected_protocol=SecurityProtocol.HYBRID_EX,
    has_negotiated=True,
    requested_protocols=SecurityProtocol.SSL | SecurityProtocol.HYBRID | SecurityProtocol.HYBRID_EX,
    user="administrator",
    domain="CONTOSO",
)


def replay(session: str, chunk: int = 0) -> tuple[ServerSession, list[Event]]:
    server = ServerSession(SECURED, server_config(nla_policy()).session, 0.0)
    frames = client_frames(session)
    if chunk:
        data = b"".join(frames)
        frames = [data[at : at + chunk] for at in range(0, len(data), chunk)]
    events: list[Event] = []
    for number, frame in enumerate(frames):
        server.receive_data(frame, 0.0)
        server.data_to_send()
        events += server.events()
        for event in events[-1:]:
            assert not isinstance(event, Disconnected) or event.error is None, (number, event)
    return server, events


@pytest.mark.parametrize("session", SESSIONS)
def test_mstsc_becomes_active_and_says_nothing_that_we_refuse(session: str) -> None:
    server, events = replay(session)
    assert server.is_active or events[-1] == Disconnected("closed by the peer: USER_REQUESTED", True)
    kinds = Counter(type(event) for event in events)
    assert kinds[ClientIntroduced] == kinds[LoggedOn] == kinds[Activated] == 1
    assert server.facts.user_channel_id == 1009
    assert server.facts.message_channel_id == 1008
    assert len(server.facts.channels) == 4
    assert server.output.bits_per_pixel == 32
    assert server.output.is_fast_path


@pytest.mark.parametrize("session", SESSIONS)
@pytest.mark.parametrize("chunk", [1, 1460])
def test_segments_make_no_difference(session: str, chunk: int) -> None:
    _server, whole = replay(session)
    _server, cut = replay(session, chunk)
    assert cut == whole


@pytest.mark.parametrize("session", SESSIONS)
def test_every_recorded_pdu_reaches_a_handler(session: str) -> None:
    server, _events = replay(session)
    tracer = server.tracer
    assert isinstance(tracer, ListTracer)
    received = [pdu for direction, _phase, pdu in tracer.entries if direction == "<"]
    # Send Data Requests that end Channel Connection are traced twice: as they are, and what is in them.
    assert len(received) == len(client_frames(session)) + 1
    assert any(isinstance(pdu, ClientInfo) for pdu in received)


def test_what_the_longest_session_did() -> None:
    _server, events = replay("Example_1_Win10_X64_WS2016_X64_Domain")
    kinds = Counter(type(event) for event in events)
    assert kinds[InputReceived] == 42
    assert kinds[ChannelDataReceived] == 82
    assert {event.channel for event in events if isinstance(event, ChannelDataReceived)} == {
        "rdpdr",
        "cliprdr",
        "drdynvc",
    }
    # The user closed the window, was asked whether to disconnect, and did.
    assert ShutdownRequested() in events
    assert events[-1] == Disconnected("closed by the peer: USER_REQUESTED", by_peer=True)
