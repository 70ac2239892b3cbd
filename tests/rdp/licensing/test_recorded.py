"""What recorded servers ask: Windows Server 2016 (shared/vectors/mstsc) and xrdp 0.9 (fixtures/pcaps)."""

import json
import os
from pathlib import Path
from typing import TypeVar

import pytest

from pyrdpmux.harness.capture.fixture import dissect_fixture
from pyrdpmux.harness.capture.stop import Direction
from pyrdpmux.harness.peers.licensing_server import CHALLENGE
from pyrdpmux.rdp.connection.trace import ListTracer
from pyrdpmux.rdp.mcs.domain import SendDataIndication, SendDataRequest, decode_domain_pdu
from pyrdpmux.rdp.pdu.licensing import MESSAGE_TYPES, LicensingPdu
from pyrdpmux.rdp.pdu.licensing.challenge import (
    ClientHardwareId,
    ClientType,
    PlatformChallenge,
    PlatformChallengeResponse,
    PlatformChallengeResponseData,
)
from pyrdpmux.rdp.pdu.licensing.request import NewLicenseRequest
from pyrdpmux.rdp.pdu.security import SecurityFlags, split_basic_header, with_basic_header
from pyrdpmux.rdp.x224.tpdu import Data, decode_tpdu
from pyrdpmux.rdp.x224.tpkt import Tpkt
from pyrdpmux.wire import decode, encode
from tests.rdp.connection.test_phases import client_in

M = TypeVar("M")

ROOT = Path(__file__).parents[3]
SHARED = Path(os.environ.get("PYRDPMUX_SHARED", ROOT.parent / "shared"))
MSTSC = sorted((SHARED / "vectors" / "mstsc").glob("*.pdus.jsonl"))
XRDP = sorted((ROOT / "fixtures" / "pcaps").glob("*-xrdp-*.pcap"))
IO = 1003
#: The one of a terminal server: it sends a platform challenge.
CHALLENGED = next((path for path in MSTSC if "RS3" in path.name), Path())
MESSAGES = {int(number) for number in MESSAGE_TYPES}


def indication(user_data: bytes) -> bytes:
    return encode(Tpkt(encode(Data(encode(SendDataIndication(1002, IO, user_data))))))


def transcript(frames: list[bytes]) -> list[str]:
    """What our client says to these frames, in Licensing."""
    client = client_in("Licensing")
    assert isinstance(client.tracer, ListTracer)
    client.tracer.entries.clear()
    for frame in frames:
        client.receive_data(frame, client.now)
    assert client.phase_name == "CapabilitiesExchange", client.events()
    return [f"{way} {type(pdu.message).__name__}" for way, _, pdu in client.tracer.entries]  # type: ignore[attr-defined]


LONG = ["< ServerLicenseRequest", "> NewLicenseRequest", "< LicenseError"]


def xor(one: bytes, other: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(one, other, strict=False))


def said(path: Path, direction: str, kind: type[M]) -> list[M]:
    """The messages of this kind that one side of a recorded Windows session sent."""
    found: list[M] = []
    for frame in windows_frames(path, direction):
        tpdu = decode_tpdu(decode(Tpkt, frame).payload)
        assert isinstance(tpdu, Data)
        pdu = decode_domain_pdu(tpdu.user_data)
        assert isinstance(pdu, SendDataIndication | SendDataRequest)
        message = decode(LicensingPdu, split_basic_header(pdu.user_data)[1]).message
        if isinstance(message, kind):
            found.append(message)
    return found


def windows_frames(path: Path, direction: str = "s2c") -> list[bytes]:
    """The licensing PDUs of one side, as they were recorded."""
    frames = []
    for line in path.read_text().splitlines():
        unit = json.loads(line)
        frame = bytes.fromhex(unit["hex"])
        if unit["dir"] != direction or unit["kind"] != "tpkt":
            continue
        tpdu = decode_tpdu(decode(Tpkt, frame).payload)
        if not isinstance(tpdu, Data) or tpdu.user_data[0] >> 2 not in (25, 26):
            continue
        pdu = decode_domain_pdu(tpdu.user_data)
        assert isinstance(pdu, SendDataIndication | SendDataRequest)
        header, body = split_basic_header(pdu.user_data)
        # A share control PDU may have a length of 0x80 where the flags would be.
        if pdu.channel_id == IO and header.flags == SecurityFlags.LICENSE_PKT and body[0] in MESSAGES:
            frames.append(frame)
    return frames


@pytest.mark.skipif(not MSTSC, reason=f"no vectors below {SHARED} (set PYRDPMUX_SHARED)")
@pytest.mark.parametrize("path", MSTSC, ids=lambda path: path.name)
def test_windows(path: Path) -> None:
    """Administration needs no license; a terminal server in its grace period challenges before it says so.

    A recorded challenge is left out: it is encrypted with keys of the recorded client's.
    """
    frames = windows_frames(path)
    assert len(frames) == (3 if path == CHALLENGED else 2)
    assert transcript([frames[0], frames[-1]]) == LONG


@pytest.mark.skipif(not MSTSC, reason=f"no vectors below {SHARED} (set PYRDPMUX_SHARED)")
def test_windows_begins_the_key_stream_anew_for_each_field() -> None:
    """mstsc's response and the challenge it answers: one key stream, of which the challenge is known."""
    [challenge] = said(CHALLENGED, "s2c", PlatformChallenge)
    [response] = said(CHALLENGED, "c2s", PlatformChallengeResponse)
    encrypted = response.encrypted_platform_challenge_response.data
    plain = encode(PlatformChallengeResponseData(CHALLENGE, ClientType.WIN32))
    stream = xor(encrypted, plain)
    assert xor(challenge.encrypted_platform_challenge.data, stream) == CHALLENGE
    # mstsc's hardware id begins with 2 (as in MS-RDPELE 4.5) and not with the platform of its request.
    padded = stream + bytes(2)
    assert decode(ClientHardwareId, xor(response.encrypted_hwid.data, padded)).platform_id == 2
    [request] = said(CHALLENGED, "c2s", NewLicenseRequest)
    assert request.platform_id == 0x08010000


@pytest.mark.parametrize("path", XRDP, ids=lambda path: path.name)
def test_xrdp(path: Path) -> None:
    units = dissect_fixture(path)
    pdus = [
        (unit.unit.direction, layer.value)
        for unit in units
        for layer in unit.layers
        if isinstance(layer.value, LicensingPdu)
    ]
    asked = [pdu for way, pdu in pdus if way is Direction.SERVER]
    answered = [pdu.message for way, pdu in pdus if way is Direction.CLIENT]
    assert len(asked) == 2
    assert isinstance(answered[0], NewLicenseRequest)
    assert (
        transcript([indication(with_basic_header(SecurityFlags.LICENSE_PKT, pdu)) for pdu in asked]) == LONG
    )
