"""What leaves in a write of its own: the Font Map PDU, since IronRDP drops what it reads together with it."""

import pytest

from pyrdpmux.rdp.connection.events import Activated
from pyrdpmux.rdp.connection.framer import take_frame
from pyrdpmux.rdp.connection.machine import CUT
from pyrdpmux.rdp.connection.server.session_machine import ServerSession
from pyrdpmux.rdp.fastpath.header import is_fast_path
from pyrdpmux.rdp.pdu.error_info import ErrorInfo
from pyrdpmux.rdp.pdu.finalization import FontMap
from pyrdpmux.rdp.pdu.update import BitmapData, BitmapFlags
from pyrdpmux.rdp.x224.negotiation import SecurityProtocol
from tests.pair.linked import Linked, server_config, writes
from tests.rdp.connection.replies import indication, share_body
from tests.rdp.connection.scripted import IO, Scripted

TILE = BitmapData(0, 0, 7, 7, 8, 8, 32, BitmapFlags(0), bytes(256))


def kinds(data: bytes) -> list[str]:
    """The names of the PDUs in one write, without those of the message channel."""
    buffer, found = bytearray(data), []
    while (frame := take_frame(buffer)) is not None:
        if is_fast_path(frame[0]):
            found.append("update")
        elif indication(frame).channel_id == IO:
            found.append(type(share_body(frame)).__name__)
    assert not buffer
    return found


def finalized(client: Scripted) -> None:
    """Everything that a client sends behind Confirm Active, in one segment; the owner draws at once."""
    client.server.receive_data(b"".join(client.finalization()), client.now)
    assert [type(event) for event in client.server.events()] == [Activated]
    client.server.send_bitmaps([TILE])


def test_the_font_map_leaves_alone() -> None:
    client = Scripted().reach("ConnectionFinalization")
    finalized(client)
    assert [kinds(data) for data in writes(client.server)] == [
        ["Control"],
        ["FontMap"],
        ["SaveSessionInfo", "update"],
    ]


def test_so_it_does_after_a_resize() -> None:
    client = Scripted().reach("Active")
    client.server.set_desktop_size(1024, 768, client.now)
    client.collect()
    client.send(client.confirm_active())
    client.events.clear()
    finalized(client)
    assert [kinds(data) for data in writes(client.server)] == [["Control"], ["FontMap"], ["update"]]


def test_under_tls_it_is_a_record_of_its_own() -> None:
    client = Scripted(server_config(), protocols=SecurityProtocol.SSL).reach("ConnectionFinalization")
    assert client.tls is not None
    client.tls.write(b"".join(client.finalization()))
    client.server.receive_data(client.tls.data_to_send(), client.now)
    _before, font_map, _behind = writes(client.server)
    size = font_map[3] << 8 | font_map[4]
    assert len(font_map) == 5 + size
    client.tls.receive_data(_before + font_map)
    assert kinds(client.tls.read())[-1] == "FontMap"


def test_it_is_said_that_there_is_more() -> None:
    client = Scripted().reach("ConnectionFinalization")
    assert not client.server.has_more_to_send
    finalized(client)
    told = []
    for _ in range(3):
        client.server.data_to_send()
        told.append(client.server.has_more_to_send)
    assert told == [True, True, False]
    assert client.server.data_to_send() == b""


def test_records_that_nobody_has_asked_for_are_more_to_send() -> None:
    pair = Linked().run()
    assert not pair.server.has_more_to_send
    pair.server.disconnect(ErrorInfo.RPC_INITIATED_DISCONNECT, "", pair.now)
    assert pair.server.has_more_to_send
    assert pair.server.data_to_send()
    assert not pair.server.has_more_to_send


def test_an_end_waits_behind_it() -> None:
    client = Scripted().reach("ConnectionFinalization")
    finalized(client)
    client.server.disconnect(ErrorInfo.LOGOFF_BY_USER, "enough", client.now)
    assert client.server.should_close
    [*_before, last] = writes(client.server)
    assert last.endswith(b"\x20\x80"), "the Disconnect Provider Ultimatum, behind all that was drawn"


@pytest.mark.parametrize("is_first", [True, False])
def test_a_session_by_itself_cuts_its_frames(is_first: bool) -> None:
    client = Scripted().reach("ConnectionFinalization")
    session = client.session
    assert isinstance(session, ServerSession)
    *first, font_list = client.finalization()
    session.receive_data(b"".join(first), client.now)
    if is_first:  # nothing is queued in front of it then
        session.frames_to_send()
    session.receive_data(font_list, client.now)
    frames = session.frames_to_send()
    at = 0 if is_first else 2
    assert isinstance(share_body(frames[at]), FontMap)
    assert frames[at + 1] == CUT
    assert [place for place, frame in enumerate(frames) if frame == CUT] == ([1] if is_first else [1, 3])
