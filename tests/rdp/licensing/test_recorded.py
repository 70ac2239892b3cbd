"""What recorded servers ask: Windows Server 2016 (shared/vectors/mstsc) and xrdp 0.9 (fixtures/pcaps)."""

import json
import os
from pathlib import Path

import pytest

from pyrdpmux.harness.capture.fixture import dissect_fixture
from pyrdpmux.harness.capture.stop import Direction
from pyrdpmux.rdp.connection.trace import ListTracer
from pyrdpmux.rdp.mcs.domain import SendDataIndication, decode_domain_pdu
from pyrdpmux.rdp.pdu.licensing import LicensingPdu
from pyrdpmux.rdp.pdu.licensing.request import NewLicenseRequest
from pyrdpmux.rdp.pdu.security import SecurityFlags, split_basic_header, with_basic_header
from pyrdpmux.rdp.x224.tpdu import Data, decode_tpdu
from pyrdpmux.rdp.x224.tpkt import Tpkt
from pyrdpmux.wire import decode, encode
from tests.rdp.connection.test_phases import client_in

ROOT = Path(__file__).parents[3]
SHARED = Path(os.environ.get("PYRDPMUX_SHARED", ROOT.parent / "shared"))
MSTSC = sorted((SHARED / "vectors" / "mstsc").glob("*.pdus.jsonl"))
XRDP = sorted((ROOT / "fixtures" / "pcaps").glob("*-xrdp-*.pcap"))
IO = 1003


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


def windows_frames(path: Path) -> list[bytes]:
    """The licensing PDUs of the server, as they were recorded."""
    frames = []
    for line in path.read_text().splitlines():
        unit = json.loads(line)
        frame = bytes.fromhex(unit["hex"])
        if unit["dir"] != "s2c" or unit["kind"] != "tpkt":
            continue
        tpdu = decode_tpdu(decode(Tpkt, frame).payload)
        if not isinstance(tpdu, Data) or tpdu.user_data[0] >> 2 != 26:
            continue
        pdu = decode_domain_pdu(tpdu.user_data)
        assert isinstance(pdu, SendDataIndication)
        header, _ = split_basic_header(pdu.user_data)
        if pdu.channel_id == IO and header.flags == SecurityFlags.LICENSE_PKT:
            frames.append(frame)
    return frames


@pytest.mark.skipif(not MSTSC, reason=f"no vectors below {SHARED} (set PYRDPMUX_SHARED)")
@pytest.mark.parametrize("path", MSTSC, ids=lambda path: path.name)
def test_windows(path: Path) -> None:
    frames = windows_frames(path)
    if "RS3" in path.name:  # its license request is lost in a gap
        frames = frames[-1:]
        assert transcript(frames) == LONG[2:]
    else:
        assert transcript(frames) == LONG


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
