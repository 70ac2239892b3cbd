"""What a program gets from ``pyrdpmux.rdp``: these names stay, and every union has one way in."""

import inspect
import subprocess
import sys
from collections.abc import Callable
from typing import Any, get_args, get_type_hints

import pytest

from pyrdpmux import rdp
from pyrdpmux.errors import DecodeError
from pyrdpmux.rdp import api
from pyrdpmux.rdp.mcs.connect import ConnectInitial, ConnectResponse
from pyrdpmux.rdp.mcs.domain import SendDataRequest
from pyrdpmux.rdp.pdu.capabilities import CapabilitySetType, LongCapability, UnknownCapability
from pyrdpmux.rdp.pdu.capabilities.session import ShareCapability
from pyrdpmux.rdp.pdu.finalization import Synchronize
from pyrdpmux.rdp.pdu.share import PduType2, ShareControl, ShareData, UnknownShareData
from pyrdpmux.rdp.x224.tpdu import Data
from pyrdpmux.wire import encode

NAMES = {
    "AccountCheck",
    "Accounts",
    "Activated",
    "AutoReconnectCookieReceived",
    "AutoReconnectStore",
    "BitmapData",
    "BitmapFlags",
    "CachedPointer",
    "CapabilityVersion",
    "Certificate",
    "ChannelClosed",
    "ChannelDataReceived",
    "ChannelOpened",
    "ClientConfig",
    "ClientConnection",
    "ClientIntroduced",
    "ColorPointer",
    "Connection",
    "ConnectionRequested",
    "Deactivated",
    "DesktopLayoutRequested",
    "DesktopMonitor",
    "Destination",
    "Disconnected",
    "DisplayControlReady",
    "DoorConfig",
    "ErrorInfo",
    "FastPathInput",
    "FastPathOutput",
    "ErrorInfoReceived",
    "FrameAcknowledged",
    "Event",
    "ExtendedMouseEvent",
    "ExtendedPointerFlags",
    "GatewayConfig",
    "GraphicsCacheOffered",
    "GraphicsCommandsReceived",
    "GraphicsConfirmed",
    "GraphicsFrameAcknowledged",
    "GraphicsOpened",
    "GraphicsQuality",
    "GraphicsAbilities",
    "GraphicsCapabilitySet",
    "GraphicsFlags",
    "GraphicsReceived",
    "InputEvent",
    "InputReceived",
    "KeyboardEvent",
    "KeyboardFlags",
    "LargePointer",
    "LedFlags",
    "Limits",
    "ListTracer",
    "LoggedOn",
    "LogonRequested",
    "MonitorLayoutReceived",
    "MouseEvent",
    "NetworkMeasured",
    "NewPointer",
    "NtlmLogon",
    "NullTracer",
    "OutputFormat",
    "OutputSuppressed",
    "PaletteEntry",
    "PaletteUpdate",
    "PointerFlags",
    "PointerPosition",
    "PointerReceived",
    "Proof",
    "RefreshRequested",
    "RelativeMouseEvent",
    "RelativePointerFlags",
    "Secured",
    "SecurityEstablished",
    "SecurityPolicy",
    "SecurityProtocol",
    "Selector",
    "ServerConfig",
    "ServerConnection",
    "ServerDoor",
    "ServerSession",
    "SessionConfig",
    "ShutdownRequested",
    "StandardSecurityOptions",
    "SynchronizeEvent",
    "SystemPointer",
    "SystemPointerType",
    "ToggleFlags",
    "Tracer",
    "UnicodeEvent",
    "check_ntlm",
    "client_context",
    "decode_auto_detect",
    "decode_capability",
    "decode_client_pdu",
    "decode_connect_pdu",
    "decode_display_control",
    "decode_graphics",
    "encode_graphics",
    "decode_domain_pdu",
    "decode_fast_path",
    "decode_input_events",
    "decode_message",
    "decode_server_pdu",
    "decode_share",
    "decode_share_data",
    "decode_shares",
    "decode_token",
    "decode_tpdu",
    "decode_update",
    "decode_updates",
    "encode_capability",
}


def test_public_names() -> None:
    assert set(api.__all__) == NAMES
    assert len(api.__all__) == len(NAMES)
    for name in NAMES:
        assert getattr(rdp, name) is getattr(api, name)


def test_every_event_is_there() -> None:
    assert {kind.__name__ for kind in get_args(rdp.Event)} <= NAMES


def test_other_names_are_not() -> None:
    for name in ("nonsense", "__wrapped__"):
        with pytest.raises(AttributeError):
            getattr(rdp, name)


def test_what_is_behind_it_is_imported_with_the_first_name() -> None:
    code = "import pyrdpmux.rdp.pdu.input, sys; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {"ssl", "cryptography", "numpy", "pyasn1"} & set(run.stdout.split()) == set()
    assert "pyrdpmux.rdp.api" not in run.stdout.split()


# -- one way in to every union -----------------------------------------------------------------------

DECODERS = sorted(name for name in NAMES if name.startswith("decode_"))


@pytest.mark.parametrize("name", DECODERS)
def test_a_decoder_takes_bytes_and_refuses_with_a_decode_error(name: str) -> None:
    """What it needs beside the bytes (a number from the header around them) has a name, too."""
    decoder: Callable[..., Any] = getattr(rdp, name)
    hints = get_type_hints(decoder)
    assert "return" in hints
    needed = {"data": b"\0", "body": b"\0", "number": 1, "pdu_type2": PduType2.FONT_MAP}
    parameters = [p for p in inspect.signature(decoder).parameters.values() if p.default is p.empty]
    if name == "decode_update":  # its bytes have been cut into updates before
        return
    with pytest.raises(DecodeError):
        decoder(*[needed[parameter.name] for parameter in parameters])


@pytest.mark.parametrize(
    "item",
    [
        ShareCapability(7),
        UnknownCapability(CapabilitySetType(0x77), b"abc"),
        LongCapability(ShareCapability(7), b"more"),
    ],
    ids=lambda item: type(item).__name__,
)
def test_a_capability_set(item: Any) -> None:
    assert rdp.decode_capability(rdp.encode_capability(item)) == item


def test_a_capability_set_with_something_behind_it_is_refused() -> None:
    with pytest.raises(DecodeError, match="1 bytes too many"):
        rdp.decode_capability(rdp.encode_capability(ShareCapability(7)) + b"\0")


@pytest.mark.parametrize("pdu", [ConnectInitial(b"abc"), ConnectResponse(b"abc")])
def test_a_connect_pdu(pdu: Any) -> None:
    assert rdp.decode_connect_pdu(encode(pdu)) == pdu


def test_the_way_from_the_outside_in() -> None:
    share = ShareControl(1009, ShareData(66538, Synchronize(1002)))
    frame = encode(Data(encode(SendDataRequest(1009, 1003, encode(share)))))
    tpdu = rdp.decode_tpdu(frame)
    assert isinstance(tpdu, Data)
    pdu = rdp.decode_domain_pdu(tpdu.user_data)
    assert isinstance(pdu, SendDataRequest)
    assert rdp.decode_share(pdu.user_data) == share


def test_a_share_data_body_by_itself() -> None:
    body = Synchronize(1002)
    assert rdp.decode_share_data(PduType2.SYNCHRONIZE, encode(body)) == body
    assert rdp.decode_share_data(PduType2(0x63), b"abc") == UnknownShareData(PduType2(0x63), b"abc")
