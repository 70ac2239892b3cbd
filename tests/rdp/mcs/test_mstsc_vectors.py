"""Every MCS unit of real sessions (shared/vectors) decodes and comes out byte for byte as it went in.

mstsc.pdus.jsonl: three sessions between mstsc and Windows Server. zeek: plain captures of standard security.
"""

import json
import os
import re
from pathlib import Path

import pytest

from pyrdpmux.rdp.mcs.client_data import ClientNetworkData, UnknownClientData
from pyrdpmux.rdp.mcs.connect import ConnectInitial, ConnectResponse, merge_domain_parameters
from pyrdpmux.rdp.mcs.domain import ChannelJoinRequest, SendDataIndication, SendDataRequest, decode_domain_pdu
from pyrdpmux.rdp.mcs.gcc import ConferenceCreateRequest, ConferenceCreateResponse
from pyrdpmux.rdp.mcs.server_data import ServerNetworkData, ServerSecurityData, UnknownServerData
from pyrdpmux.rdp.x224.tpdu import Data, decode_tpdu
from pyrdpmux.rdp.x224.tpkt import Tpkt
from pyrdpmux.wire import decode, encode

SHARED = Path(os.environ.get("PYRDPMUX_SHARED", Path(__file__).parents[4] / "shared"))
VECTORS = SHARED / "vectors"

pytestmark = pytest.mark.skipif(
    not VECTORS.is_dir(), reason=f"no vectors at {VECTORS} (set PYRDPMUX_SHARED to the folder that has them)"
)

SESSIONS = {
    "Example_1_Win10_X64_WS2016_X64_Domain": 486,
    "Example_1_Win2016RS1_x64_Win10RS4_x64": 37,
    "Example_4_Win10RS3_x64_WS2016RS1_X64_Domain": 290,
}
CAPTURES = ["rdp-proprietary-encryption", "rdp-x509"]

CONNECT_INITIAL = b"\x7f\x65"
CONNECT_RESPONSE = b"\x7f\x66"


def session_units(name: str) -> list[bytes]:
    """The MCS PDUs of one decrypted session, in order."""
    lines = (VECTORS / "mstsc" / f"{name}.pdus.jsonl").read_text().splitlines()
    frames = [bytes.fromhex(unit["hex"]) for unit in map(json.loads, lines) if unit["kind"] == "tpkt"]
    return [mcs_of(frame) for frame in frames]


def mcs_of(frame: bytes) -> bytes:
    tpdu = decode_tpdu(decode(Tpkt, frame).payload)
    assert isinstance(tpdu, Data)
    return tpdu.user_data


def connect_pair(units: list[bytes]) -> tuple[ConnectInitial, ConnectResponse]:
    (initial,) = [decode(ConnectInitial, unit) for unit in units if unit.startswith(CONNECT_INITIAL)]
    (response,) = [decode(ConnectResponse, unit) for unit in units if unit.startswith(CONNECT_RESPONSE)]
    return initial, response


def capture_units(name: str) -> list[bytes]:
    """The connect pair of a plain capture: each lies in one segment, so a search finds it whole."""
    capture = (VECTORS / "zeek" / f"{name}.pcap").read_bytes()
    found = re.finditer(rb"\x03\x00(..)\x02\xf0\x80\x7f[\x65\x66]", capture, re.DOTALL)
    return [mcs_of(capture[m.start() : m.start() + int.from_bytes(m[1], "big")]) for m in found]


@pytest.mark.parametrize("name", SESSIONS)
def test_every_unit_comes_back_byte_for_byte(name: str) -> None:
    units = session_units(name)
    assert len(units) == SESSIONS[name]
    for unit in units:
        if unit.startswith(CONNECT_INITIAL):
            assert encode(decode(ConnectInitial, unit)).hex() == unit.hex()
        elif unit.startswith(CONNECT_RESPONSE):
            assert encode(decode(ConnectResponse, unit)).hex() == unit.hex()
        else:
            assert encode(decode_domain_pdu(unit)).hex() == unit.hex()


@pytest.mark.parametrize("name", [*SESSIONS, *CAPTURES])
def test_every_conference_comes_back_byte_for_byte(name: str) -> None:
    initial, response = connect_pair(session_units(name) if name in SESSIONS else capture_units(name))
    request = decode(ConferenceCreateRequest, initial.user_data)
    answer = decode(ConferenceCreateResponse, response.user_data)
    assert encode(request).hex() == initial.user_data.hex()
    assert encode(answer).hex() == response.user_data.hex()
    assert not [block for block in request.blocks if isinstance(block, UnknownClientData)]
    assert not [block for block in answer.blocks if isinstance(block, UnknownServerData)]


@pytest.mark.parametrize("name", [*SESSIONS, *CAPTURES])
def test_both_sides_agree(name: str) -> None:
    initial, response = connect_pair(session_units(name) if name in SESSIONS else capture_units(name))
    asked = decode(ConferenceCreateRequest, initial.user_data).first(ClientNetworkData)
    given = decode(ConferenceCreateResponse, response.user_data).first(ServerNetworkData)
    assert asked is not None
    assert given is not None
    assert len(asked.channels) == len(given.channel_ids)
    merged = merge_domain_parameters(
        initial.target_parameters, initial.minimum_parameters, initial.maximum_parameters
    )
    assert merged == response.domain_parameters


@pytest.mark.parametrize("name", CAPTURES)
def test_standard_security_has_random_and_certificate(name: str) -> None:
    _, response = connect_pair(capture_units(name))
    security = decode(ConferenceCreateResponse, response.user_data).first(ServerSecurityData)
    assert security is not None
    assert security.server_random is not None
    assert len(security.server_random) == 32
    assert security.server_certificate


def test_the_channels_of_a_session_are_joined_and_used() -> None:
    pdus = [
        decode_domain_pdu(unit)
        for unit in session_units("Example_1_Win10_X64_WS2016_X64_Domain")
        if unit[0] != CONNECT_INITIAL[0]
    ]
    joined = {pdu.channel_id for pdu in pdus if isinstance(pdu, ChannelJoinRequest)}
    used = {pdu.channel_id for pdu in pdus if isinstance(pdu, SendDataRequest | SendDataIndication)}
    assert len(joined) == 7  # user, I/O, message channel and four static channels
    assert used <= joined
