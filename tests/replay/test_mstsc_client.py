"""Recorded Windows servers (shared/vectors/mstsc) against our client, from licensing to Active and beyond."""

import json
import os
from pathlib import Path

import pytest

from pyrdpmux.harness.peers.renderer import Renderer
from pyrdpmux.rdp.connection.client.activation import POINTER_CACHE_SIZE
from pyrdpmux.rdp.connection.events import Activated, Event, GraphicsReceived, PointerReceived
from pyrdpmux.rdp.mcs.domain import SendDataIndication, decode_domain_pdu
from pyrdpmux.rdp.pdu.licensing import MessageType
from pyrdpmux.rdp.x224.tpdu import Data, decode_tpdu
from pyrdpmux.rdp.x224.tpkt import Tpkt
from pyrdpmux.wire import decode
from tests.rdp.connection.test_phases import client_in

SHARED = Path(os.environ.get("PYRDPMUX_SHARED", Path(__file__).parents[3] / "shared"))
MSTSC = sorted((SHARED / "vectors" / "mstsc").glob("*.pdus.jsonl"))
IO = 1003

pytestmark = pytest.mark.skipif(not MSTSC, reason=f"no vectors below {SHARED} (set PYRDPMUX_SHARED)")


def frames(path: Path) -> list[bytes]:
    """What the server said on the I/O channel and on the fast path, without a platform challenge.

    That would be encrypted with the recorded client's keys.
    """
    found = []
    for line in path.read_text().splitlines():
        unit = json.loads(line)
        frame = bytes.fromhex(unit["hex"])
        if unit["dir"] != "s2c" or unit["kind"] not in ("tpkt", "fp"):
            continue
        if unit["kind"] == "tpkt":
            tpdu = decode_tpdu(decode(Tpkt, frame).payload)
            if not isinstance(tpdu, Data) or tpdu.user_data[0] >> 2 != 26:
                continue
            pdu = decode_domain_pdu(tpdu.user_data)
            if not isinstance(pdu, SendDataIndication) or pdu.channel_id != IO:
                continue
            if pdu.user_data[4] == MessageType.PLATFORM_CHALLENGE and pdu.user_data[0] == 0x80:
                continue
        found.append(frame)
    return found


@pytest.mark.parametrize("path", MSTSC, ids=lambda path: path.name)
def test_windows_takes_our_client_to_active(path: Path) -> None:
    """All of it is taken, up to the session's end; pointers can be drawn."""
    client = client_in("Licensing")
    renderer = Renderer(POINTER_CACHE_SIZE)
    events: list[Event] = []
    for frame in frames(path):
        client.receive_data(frame, client.now)
        events += client.events()
    assert client.is_active, events[-1]
    for event in events:
        if isinstance(event, GraphicsReceived | PointerReceived):
            renderer.apply(event.update)
    [activated] = [event for event in events if isinstance(event, Activated)]
    assert (activated.width, activated.height) in ((1024, 768), (1366, 768), (1920, 1080))
