"""A viewer's side of a connection, against scripts of bytes."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrdpmux.errors import (
    AuthenticationFailed,
    DecodeError,
    LimitExceeded,
    PeerClosed,
    PeerError,
    StateError,
)
from pyrdpmux.rfb.client import WORKED, RfbClient
from pyrdpmux.rfb.client_messages import ClientFence, EnableContinuousUpdates, FenceFlags
from pyrdpmux.rfb.config import RfbConfig
from pyrdpmux.rfb.desktop import Screen, SetDesktopSize
from pyrdpmux.rfb.encodings import Encoding
from pyrdpmux.rfb.events import (
    Connected,
    ContinuousUpdatesEnded,
    ExtendedKeysOffered,
    FenceReceived,
    LedsChanged,
    PointerModeChanged,
    ResizeAnswered,
    Resized,
    UpdateFinished,
    UpdateStarted,
)
from pyrdpmux.rfb.vnc_password import response_to
from pyrdpmux.wire import decode, encode
from pyrdpmux.wire.secret import Secret
from tests.rfb.encoders import rectangle, u32, update
from tests.rfb.scripted import NO_SECURITY, VERSION_8, connected_client, events_of, server_init

PASSWORD = Secret("geheim")
CHALLENGE = bytes(range(16))
RESPONSE = response_to(CHALLENGE, PASSWORD)


def client_of(password: Secret[str] | None = None) -> RfbClient:
    return RfbClient(RfbConfig(password=password, encodings=(Encoding.RAW,)))


def reason(text: bytes) -> bytes:
    return u32(len(text)) + text


# -- versions and security ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("offered", "answered", "rest"),
    [
        (b"RFB 003.003\n", b"RFB 003.003\n", u32(1)),
        (b"RFB 003.005\n", b"RFB 003.003\n", u32(1)),
        (b"RFB 003.007\n", b"RFB 003.007\n", b"\1\1"),
        (b"RFB 003.008\n", b"RFB 003.008\n", NO_SECURITY),
        (b"RFB 003.889\n", b"RFB 003.008\n", NO_SECURITY),
        (b"RFB 005.000\n", b"RFB 003.008\n", NO_SECURITY),
    ],
)
def test_versions(offered: bytes, answered: bytes, rest: bytes) -> None:
    client = client_of()
    assert events_of(client) == []
    assert client.data_to_send() == b""
    assert events_of(client, offered) == []
    assert client.data_to_send() == answered
    assert events_of(client, rest + server_init(640, 480, b"desk")) == [Connected(640, 480, "desk")]
    choice = b"" if answered.endswith(b"3\n") else b"\1"
    sent = client.data_to_send()
    assert sent.startswith(choice + b"\1" + b"\0\0\0\0\x20\x18")  # the choice, ClientInit, SetPixelFormat
    assert sent.endswith(bytes.fromhex("02000001 00000000"))
    assert client.is_connected


@pytest.mark.parametrize("garbage", [b"SSH-2.0-Open", b"RFB 003.002\n", b"RFB 00a.008\n"])
def test_something_else_listens_there(garbage: bytes) -> None:
    with pytest.raises(DecodeError, match="ProtocolVersion"):
        events_of(client_of(), garbage)


@pytest.mark.parametrize(
    ("script", "choice"),
    [
        (b"RFB 003.003\n" + u32(2), b""),
        (b"RFB 003.007\n" + b"\2\1\2", b"\2"),
        (b"RFB 003.008\n" + b"\3\1\x10\2", b"\2"),
    ],
)
def test_a_password(script: bytes, choice: bytes) -> None:
    client = client_of(PASSWORD)
    events_of(client, script + CHALLENGE)
    assert client.data_to_send()[12:] == choice + RESPONSE
    assert events_of(client, u32(0) + server_init())[0] == Connected(64, 48, "test")


def test_without_a_password_none_is_needed_or_nothing_can_be_done() -> None:
    client = client_of()
    events_of(client, VERSION_8 + b"\2\2\1")
    assert client.data_to_send()[12:] == b"\1"
    with pytest.raises(AuthenticationFailed, match="offers VNC_AUTHENTICATION and no password"):
        events_of(client_of(), VERSION_8 + b"\1\2")
    with pytest.raises(AuthenticationFailed, match="offers VNC_AUTHENTICATION and no password"):
        events_of(client_of(), b"RFB 003.003\n" + u32(2))
    with pytest.raises(AuthenticationFailed, match="offers SASL, UNKNOWN_0x10"):
        events_of(client_of(PASSWORD), VERSION_8 + b"\2\x14\x10")


@pytest.mark.parametrize(
    "script",
    [
        b"RFB 003.003\n" + u32(0) + reason(b"too many\nviewers"),
        b"RFB 003.007\n" + b"\0" + reason(b"too many\nviewers"),
        VERSION_8 + b"\0" + reason(b"too many\nviewers"),
        VERSION_8 + b"\1\1" + u32(1) + reason(b"too many\nviewers"),
        VERSION_8 + b"\1\2" + CHALLENGE + u32(1) + reason(b"too many\nviewers"),
    ],
)
def test_a_server_says_why_not(script: bytes) -> None:
    with pytest.raises(AuthenticationFailed, match="the VNC server says: too many viewers"):
        events_of(client_of(PASSWORD if CHALLENGE in script else None), script)


@pytest.mark.parametrize("version", [b"RFB 003.003\n" + u32(2), b"RFB 003.007\n\1\2"])
def test_older_servers_do_not_say_why(version: bytes) -> None:
    with pytest.raises(AuthenticationFailed, match="refused us"):
        events_of(client_of(PASSWORD), version + CHALLENGE + u32(1))


def test_a_long_name_is_not_kept() -> None:
    client = client_of()
    script = VERSION_8 + NO_SECURITY + server_init(1, 1, b"x" * 70_000) + b"\2"
    [connected] = events_of(client, script)
    assert isinstance(connected, Connected)
    assert connected.name == "x" * 65536


def test_a_desktop_that_is_too_large() -> None:
    for width, height in ((8193, 1), (8000, 8000)):
        with pytest.raises(LimitExceeded, match=r"ServerInit\.framebuffer"):
            events_of(client_of(), VERSION_8 + NO_SECURITY + server_init(width, height))


def test_byte_by_byte() -> None:
    client = client_of(PASSWORD)
    script = VERSION_8 + b"\1\2" + CHALLENGE + u32(0) + server_init() + b"\2"
    events = [event for byte in script for event in events_of(client, bytes([byte]))]
    assert events == [Connected(64, 48, "test")]


@pytest.mark.parametrize("size", [0, 5, 13, 20])
def test_a_server_that_hangs_up(size: int) -> None:
    client = client_of()
    events_of(client, (VERSION_8 + NO_SECURITY + server_init())[:size])
    client.receive_eof()
    with pytest.raises(PeerClosed, match="RFB handshake: closed by the peer"):
        events_of(client)
    assert client.next_event() is None, "told once"


def test_what_was_complete_before_it_hung_up_is_told() -> None:
    client = client_of()
    client.receive_data(VERSION_8 + NO_SECURITY + server_init())
    client.receive_eof()
    assert client.next_event() == Connected(64, 48, "test")
    with pytest.raises(PeerClosed, match="RFB connected"):
        events_of(client)
    client.send_key(0x20, down=True)
    assert client.next_event() is None


@given(st.binary(max_size=200))
@settings(max_examples=100, deadline=None)
def test_garbage_in_the_handshake(data: bytes) -> None:
    for prefix in (b"", VERSION_8, VERSION_8 + b"\1\x13"):
        with contextlib.suppress(PeerError):
            events_of(client_of(PASSWORD), prefix + data)


@given(st.binary(max_size=200))
@settings(max_examples=100, deadline=None)
def test_garbage_in_place_of_messages(data: bytes) -> None:
    with contextlib.suppress(PeerError):
        events_of(connected_client(), data)


# -- messages ------------------------------------------------------------------------------------------


def test_messages_that_tell_us_nothing_are_skipped() -> None:
    colors = bytes.fromhex("01 00 0000 0002") + bytes(12)
    text = bytes.fromhex("03 000000") + u32(600_000) + bytes(600_000)
    data = b"\2" + colors + text + update()
    assert events_of(connected_client(), data) == [UpdateFinished()]


def test_a_message_that_nobody_asked_for() -> None:
    with pytest.raises(DecodeError, match="message-type: 151 is none that we asked for"):
        events_of(connected_client(), b"\x97")


def test_an_update_is_told_as_soon_as_it_begins() -> None:
    """Before the number of its rectangles is known."""
    client = connected_client()
    client.receive_data(update()[:1])
    while (step := client.step()) is WORKED:
        pass
    assert step == UpdateStarted()
    assert client.next_event() is None
    client.receive_data(update()[1:])
    assert client.next_event() == UpdateFinished()


def test_fences_are_answered_in_their_place() -> None:
    """Between what was sent before and what is sent after, without the flags that nobody has told us of."""
    client = connected_client()
    client.send_pointer(0, 1, 2)
    fence = bytes.fromhex("f8 000000 80000103 03 010203")
    assert events_of(client, fence + update()) == [FenceReceived(0x80000103, b"\1\2\3"), UpdateFinished()]
    client.send_pointer(0, 3, 4)
    sent = client.data_to_send()
    assert sent[:6] + sent[-6:] == bytes.fromhex("05 00 0001 0002 05 00 0003 0004")
    answer = ClientFence(FenceFlags.BLOCK_BEFORE | FenceFlags.BLOCK_AFTER, b"\1\2\3")
    assert decode(ClientFence, sent[6:-6]) == answer


def test_an_answer_to_a_fence_is_not_answered() -> None:
    client = connected_client()
    assert events_of(client, bytes.fromhex("f8 000000 00000001 00")) == [FenceReceived(1, b"")]
    assert client.data_to_send() == b""


def test_a_fence_with_too_much_in_it() -> None:
    with pytest.raises(LimitExceeded, match=r"ServerFence\.length: 65, at most 64"):
        events_of(connected_client(), bytes.fromhex("f8 000000 80000001 41"))
    with pytest.raises(DecodeError, match="at most 64"):
        decode(ClientFence, bytes.fromhex("f8 000000 80000001 41") + bytes(65))


def test_continuous_updates() -> None:
    client = connected_client()
    assert events_of(client, b"\x96") == [ContinuousUpdatesEnded()]
    client.enable_continuous_updates(enable=True)
    assert decode(EnableContinuousUpdates, client.data_to_send()) == EnableContinuousUpdates(
        True, 0, 0, 64, 48
    )


def test_bytes_can_be_put_where_they_are_decoded() -> None:
    client = connected_client()
    data = update(rectangle(Encoding.QEMU_LED_STATE, b"\6"))
    room = client.room(1000)
    room[: len(data)] = data
    client.received(len(data))
    assert events_of(client) == [LedsChanged(6), UpdateFinished()]
    client.shrink()
    assert events_of(client, b"\2") == []


def test_state_of_keyboard_and_pointer() -> None:
    client = connected_client()
    assert not client.has_extended_keys
    events = events_of(
        client,
        update(
            rectangle(Encoding.QEMU_EXTENDED_KEY_EVENT, b""),
            rectangle(Encoding.QEMU_POINTER_MOTION_CHANGE, b"", x=0),
            rectangle(Encoding.QEMU_POINTER_MOTION_CHANGE, b"", x=1),
            rectangle(Encoding.QEMU_LED_STATE, b"\x06"),
            rectangle(Encoding.VMWARE_LED_STATE, u32(5)),
        ),
    )
    assert events == [
        ExtendedKeysOffered(),
        PointerModeChanged(is_absolute=False),
        PointerModeChanged(is_absolute=True),
        LedsChanged(6),
        LedsChanged(5),
        UpdateFinished(),
    ]
    assert client.has_extended_keys


SCREEN = Screen(9, 0, 0, 800, 600, 3)


def extended_size(width: int, height: int, reason: int = 0, status: int = 0) -> bytes:
    body = b"\1\0\0\0" + encode(SCREEN)
    return update(rectangle(Encoding.EXTENDED_DESKTOP_SIZE, body, reason, status, width, height))


def test_sizes() -> None:
    client = connected_client()
    simple = update(rectangle(Encoding.DESKTOP_SIZE, b"", width=720, height=400))
    assert events_of(client, simple) == [Resized(720, 400), UpdateFinished()]
    assert not client.can_resize
    client.request_update(incremental=False)
    assert client.data_to_send().hex(" ", -2) == "0300 0000 0000 02d0 0190"
    assert events_of(client, extended_size(800, 600))[0] == Resized(800, 600, (SCREEN,))
    assert client.can_resize
    client.send_desktop_size(1024, 768)
    assert decode(SetDesktopSize, client.data_to_send()) == SetDesktopSize(
        1024, 768, (Screen(9, 0, 0, 1024, 768, 3),)
    )
    assert events_of(client, extended_size(800, 600, 1, 4))[0] == ResizeAnswered(4)
    assert events_of(client, extended_size(1024, 768, 1, 0))[0] == Resized(1024, 768, (SCREEN,))
    assert events_of(client, extended_size(640, 480, 2, 0))[0] == Resized(640, 480, (SCREEN,))
    assert (client.width, client.height) == (640, 480)


def test_sizes_have_bounds() -> None:
    for data in (
        update(rectangle(Encoding.DESKTOP_SIZE, b"", width=65535, height=1)),
        extended_size(1, 9000),
        update(rectangle(Encoding.EXTENDED_DESKTOP_SIZE, b"\xff\0\0\0")),
    ):
        with pytest.raises(LimitExceeded):
            events_of(connected_client(), data)


def test_what_we_send() -> None:
    client = connected_client()
    client.request_update(incremental=True)
    client.send_key(0xFF0D, down=True)
    client.send_extended_key(0x1C, 0xFF0D, down=False)
    client.send_pointer(1, 2, 3)
    assert client.data_to_send().hex() == (
        "030100000000004000300401000000 00ff0dff0000000000ff0d0000001c050100020003"
    ).replace(" ", "")
    assert client.data_to_send() == b""


def test_nothing_can_be_sent_before_the_handshake_is_done() -> None:
    with pytest.raises(StateError, match="KeyEvent is not possible in RFB handshake"):
        client_of().send_key(0x20, down=True)
