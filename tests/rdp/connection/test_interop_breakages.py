"""What once broke between a real client and a real server, as far as it is the connection's matter.

The numbers are those of the list of thirty (issue 8); the others are tested where their subject is.
"""

from typing import Any

import pytest

from pyrdpmux.errors import StateError
from pyrdpmux.rdp.connection.envelope import wrap
from pyrdpmux.rdp.connection.events import Activated, Disconnected
from pyrdpmux.rdp.connection.secure import seal_fast_path
from pyrdpmux.rdp.connection.server.logon import COOKIE_SECONDS
from pyrdpmux.rdp.fastpath.header import is_fast_path
from pyrdpmux.rdp.fastpath.update import FastPathUpdate, UpdateCode, encode_updates
from pyrdpmux.rdp.mcs.domain import (
    DisconnectProviderUltimatum,
    Reason,
    SendDataIndication,
    SendDataRequest,
    decode_domain_pdu,
)
from pyrdpmux.rdp.pdu.activation import DeactivateAll, DemandActive
from pyrdpmux.rdp.pdu.auto_detect import (
    BandwidthMeasureResults,
    BandwidthMeasureStart,
    BandwidthMeasureStop,
    RequestType,
    ResponseType,
    RttMeasureRequest,
)
from pyrdpmux.rdp.pdu.capabilities import find_capability
from pyrdpmux.rdp.pdu.capabilities.codecs import (
    CODEC_NSCODEC,
    BitmapCodec,
    BitmapCodecsCapability,
    NsCodecProperties,
)
from pyrdpmux.rdp.pdu.capabilities.general import MultifragmentUpdateCapability
from pyrdpmux.rdp.pdu.display import LedFlags, RefreshRectangle, SetKeyboardIndicators, SuppressOutput
from pyrdpmux.rdp.pdu.error_info import ErrorInfo, SetErrorInfo
from pyrdpmux.rdp.pdu.input import InputEvents, KeyboardEvent, KeyboardFlags
from pyrdpmux.rdp.pdu.message_channel import decode_message, encode_message
from pyrdpmux.rdp.pdu.security import SecurityFlags, split_basic_header
from pyrdpmux.rdp.pdu.session_info import LogonInfoExtended, SaveSessionInfo
from pyrdpmux.rdp.pdu.share import ShareControl, ShareData
from pyrdpmux.rdp.pdu.update import BitmapData, BitmapFlags
from pyrdpmux.wire import encode
from tests.pair.linked import writes
from tests.pair.test_connect import Cookies
from tests.rdp.connection.replies import indication, share_body, user_data
from tests.rdp.connection.scripted import CAPABILITIES, IO, SHARE_ID, Scripted, blocks, plaintext_config
from tests.rdp.connection.test_phases import client_in

TILE = BitmapData(0, 0, 7, 7, 8, 8, 32, BitmapFlags(0), bytes(256))
KEY = KeyboardEvent(KeyboardFlags(0), 0x1E)


def demanded(client: Scripted) -> DemandActive:
    """Our Demand Active PDU."""
    found = None
    for frame in client.frames[-2:]:  # it, and the Monitor Layout PDU
        body = share_body(frame)
        found = body if isinstance(body, DemandActive) else found
    assert found is not None
    return found


def resizing(client: Scripted) -> None:
    client.server.set_desktop_size(1024, 768, client.now)
    client.collect()


def test_11_nothing_is_drawn_before_a_reactivation_has_ended() -> None:
    client = Scripted().reach("Active")
    resizing(client)
    with pytest.raises(StateError):
        client.server.send_bitmaps([TILE])
    client.send(client.confirm_active())
    with pytest.raises(StateError):
        client.server.send_bitmaps([TILE])
    client.send(*client.finalization())
    client.server.send_bitmaps([TILE])


@pytest.mark.parametrize(
    "body",
    [InputEvents((KEY,)), RefreshRectangle(()), SuppressOutput(0)],
    ids=lambda pdu: type(pdu).__name__,
)
def test_12_a_server_takes_data_pdus_of_the_old_desktop(body: Any) -> None:
    client = Scripted().reach("Active")
    resizing(client)
    client.send(client.share_data(body))
    client.send(client.confirm_active(), *client.finalization())
    assert client.saw(Activated)[-1].width == 1024


@pytest.mark.parametrize("kind", ["fast-path update", "keyboard indicators"])
def test_12_so_does_a_client_between_deactivate_all_and_demand_active(kind: str) -> None:
    client = client_in("Active")

    def share(body: Any) -> bytes:
        return wrap(SendDataIndication(1002, IO, encode(ShareControl(1002, body))))

    client.receive_data(share(DeactivateAll(SHARE_ID)), client.now)
    if kind == "fast-path update":
        late = seal_fast_path(None, encode_updates([FastPathUpdate(UpdateCode.SYNCHRONIZE, b"")]))
    else:
        late = share(ShareData(SHARE_ID, SetKeyboardIndicators(LedFlags(0))))
    client.receive_data(late, client.now)
    assert not client.should_close, client.events()


@pytest.mark.parametrize("has_nscodec", [True, False])
def test_13_and_20_without_the_graphics_pipeline_there_is_a_picture_all_the_same(has_nscodec: bool) -> None:
    """Old Macs have NSCodec and nothing else beside plain bitmaps, which every client takes."""
    codec = BitmapCodec(CODEC_NSCODEC, 1, NsCodecProperties(1, 1, 3))
    client = Scripted().reach("CapabilitiesExchange")
    client.send(
        client.confirm_active(CAPABILITIES + ((BitmapCodecsCapability((codec,)),) if has_nscodec else ()))
    )
    client.send(*client.finalization())
    client.frames.clear()
    client.server.send_bitmaps([TILE])
    client.collect()
    assert any(is_fast_path(frame[0]) for frame in client.frames)


def test_14_we_announce_a_buffer_that_mstsc_believes() -> None:
    """16,777,215 is refused; what large pointers need is what Windows announces."""
    demand = demanded(Scripted().reach("CapabilitiesExchange"))
    assert find_capability(
        demand.capabilities, MultifragmentUpdateCapability
    ) == MultifragmentUpdateCapability(608_299)


def test_21_auto_detection_is_on_the_message_channel_behind_its_security_header() -> None:
    client = Scripted().reach("Active")
    channel_id = client.server.facts.message_channel_id
    [asked] = [pdu for pdu in map(indication, client.frames[-2:]) if pdu.channel_id == channel_id]
    header, _body = split_basic_header(asked.user_data)
    assert header.flags == SecurityFlags.AUTODETECT_REQ
    assert isinstance(decode_message(asked.user_data), RttMeasureRequest)


def test_22_a_connect_time_stop_without_payload_is_answered() -> None:
    client = client_in("Active")
    channel_id = client.facts.message_channel_id
    assert channel_id is not None
    for message in (
        BandwidthMeasureStart(1, RequestType.BANDWIDTH_START_CONNECT_TIME),
        BandwidthMeasureStop(2, RequestType.BANDWIDTH_STOP_CONNECT_TIME, b""),
    ):
        client.receive_data(wrap(SendDataIndication(1002, channel_id, encode_message(message))), client.now)
    [answer] = writes(client)
    sent = decode_domain_pdu(user_data(answer))
    assert isinstance(sent, SendDataRequest)
    results = decode_message(sent.user_data)
    assert isinstance(results, BandwidthMeasureResults)
    assert (results.sequence_number, results.response_type) == (2, ResponseType.BANDWIDTH_CONNECT_TIME)


@pytest.mark.parametrize("has_other_clocks", [True, False])
def test_23_the_reconnect_cookie_is_renewed_as_long_as_the_session_lasts(has_other_clocks: bool) -> None:
    """A cookie is good for an hour: after that, a client whose network drops has to have a newer one."""
    config = plaintext_config(auto_reconnect=Cookies())
    client = Scripted(config, None if has_other_clocks else blocks(message_channel=False)).reach("Active")

    def cookies() -> int:
        bodies = [share_body(frame) for frame in client.frames if indication(frame).channel_id == IO]
        client.frames.clear()
        infos = [body.info for body in bodies if isinstance(body, SaveSessionInfo)]
        return len([info for info in infos if isinstance(info, LogonInfoExtended)])

    client.frames = client.frames[-4:]
    assert cookies() == 1
    client.wait(COOKIE_SECONDS - 1)
    assert cookies() == 0
    client.wait(2)
    assert cookies() == 1
    client.wait(3 * COOKIE_SECONDS)
    assert cookies() == 3
    assert client.server.is_active


def test_30_a_logoff_says_so_and_ends_with_an_ultimatum() -> None:
    client = Scripted().reach("Active")
    client.frames.clear()
    client.server.disconnect(ErrorInfo.LOGOFF_BY_USER, "bye", client.now)
    client.collect()
    told, ultimatum = client.frames
    assert share_body(told) == SetErrorInfo(ErrorInfo.LOGOFF_BY_USER)
    assert decode_domain_pdu(user_data(ultimatum)) == DisconnectProviderUltimatum(Reason.PROVIDER_INITIATED)
    [ended] = client.saw(Disconnected)
    assert ended.error is None
