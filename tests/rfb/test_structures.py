"""The structures of a fixed shape, both ways."""

from hypothesis import given, settings
from hypothesis import strategies as st

from pyrdpmux.rfb.client_messages import (
    ClientFence,
    EnableContinuousUpdates,
    ExtendedKeyEvent,
    FenceFlags,
    FramebufferUpdateRequest,
    KeyEvent,
    PointerEvent,
    SetEncodings,
    SetPixelFormat,
)
from pyrdpmux.rfb.desktop import Screen, SetDesktopSize
from pyrdpmux.rfb.encodings import Encoding
from pyrdpmux.rfb.pixel_format import BGRX, PixelFormat
from pyrdpmux.rfb.security_types import PlainCredentials
from pyrdpmux.rfb.server_messages import (
    ColorMapHeader,
    CopySource,
    CutTextHeader,
    FenceHeader,
    Number,
    RectangleHeader,
    ServerInit,
    UpdateHeader,
)
from pyrdpmux.wire import decode, encode
from tests.rows import Row, row_tests

BGRX_HEX = """
    20 18 00 01         # 32 bits, depth 24, little-endian, true color
    00 ff 00 ff 00 ff   # maxima
    10 08 00            # shifts
    00 00 00
"""

ROWS = [
    Row("PIXEL_FORMAT (RFC 6143 7.4), ours", BGRX, BGRX_HEX),
    Row(
        "PIXEL_FORMAT, 16 bits big-endian",
        PixelFormat(16, 16, True, True, 31, 63, 31, 11, 5, 0),
        "10 10 01 01 001f 003f 001f 0b 05 00 000000",
    ),
    Row("SetPixelFormat (RFC 6143 7.5.1)", SetPixelFormat(BGRX), "00 000000" + BGRX_HEX),
    Row(
        "SetEncodings (RFC 6143 7.5.2)",
        SetEncodings((Encoding.ZRLE, Encoding.RAW, Encoding.DESKTOP_SIZE)),
        "02 00 0003 00000010 00000000 ffffff21",
    ),
    Row(
        "FramebufferUpdateRequest (RFC 6143 7.5.3)",
        FramebufferUpdateRequest(True, 1, 2, 640, 480),
        "03 01 0001 0002 0280 01e0",
    ),
    Row("KeyEvent (RFC 6143 7.5.4), Return", KeyEvent(True, 0xFF0D), "04 01 0000 0000ff0d"),
    Row("PointerEvent (RFC 6143 7.5.5)", PointerEvent(5, 100, 200), "05 05 0064 00c8"),
    Row(
        "QEMU Extended Key Event (rfbproto), right Ctrl up",
        ExtendedKeyEvent(False, 0xFFE4, 0x9D),
        "ff 00 0000 0000ffe4 0000009d",
    ),
    Row(
        "ClientFence (rfbproto)",
        ClientFence(FenceFlags.REQUEST | FenceFlags.BLOCK_BEFORE, b"\7"),
        "f8 000000 80000001 01 07",
    ),
    Row(
        "EnableContinuousUpdates (rfbproto)",
        EnableContinuousUpdates(True, 1, 2, 640, 480),
        "96 01 0001 0002 0280 01e0",
    ),
    Row(
        "SetDesktopSize (rfbproto)",
        SetDesktopSize(1024, 768, (Screen(7, 0, 0, 1024, 768, 0),)),
        "fb 00 0400 0300 01 00   00000007 0000 0000 0400 0300 00000000",
    ),
    Row(
        "ServerInit (RFC 6143 7.3.2), QEMU 7.2's",
        ServerInit(720, 400, BGRX, 10),
        "02d0 0190" + BGRX_HEX + "\n 0000000a",
    ),
    Row("FramebufferUpdate (RFC 6143 7.6.1)", UpdateHeader(2), "00 0002"),
    Row(
        "Rectangle (RFC 6143 7.6.1), QEMU's LED state",
        RectangleHeader(0, 0, 720, 400, Encoding.QEMU_LED_STATE),
        "0000 0000 02d0 0190 fffffefb",
    ),
    Row("SetColorMapEntries (RFC 6143 7.6.2)", ColorMapHeader(16, 2), "00 0010 0002"),
    Row("ServerCutText (RFC 6143 7.6.4)", CutTextHeader(5), "000000 00000005"),
    Row("ServerFence (rfbproto), its head", FenceHeader(0x80000004, 8), "000000 80000004 08"),
    Row("CopyRect (RFC 6143 7.7.2)", CopySource(3, 4), "0003 0004"),
    Row("a U32", Number(0xDEADBEEF), "deadbeef"),
    Row(
        "VeNCrypt Plain (rfbproto)",
        PlainCredentials(b"me", b"secret"),
        "00000002 00000006 6d65 736563726574",
    ),
]

TestRows = row_tests(ROWS)

u16 = st.integers(0, 0xFFFF)
u32 = st.integers(0, 0xFFFFFFFF)


@given(
    st.one_of(
        st.builds(Screen, u32, u16, u16, u16, u16, u32),
        st.builds(RectangleHeader, u16, u16, u16, u16, st.integers(-(1 << 31), (1 << 31) - 1)),
        st.builds(ExtendedKeyEvent, st.booleans(), u32, u32),
        st.builds(PlainCredentials, st.binary(max_size=9), st.binary(max_size=9)),
        st.builds(SetEncodings, st.lists(st.integers(-(1 << 31), (1 << 31) - 1), max_size=9).map(tuple)),
    )
)
@settings(max_examples=100, deadline=None)
def test_what_is_written_is_read(value: SetEncodings) -> None:
    assert decode(type(value), encode(value)) == value
