"""The small data PDUs around display, keyboard lights, shutdown and status."""

import pytest
from hypothesis import strategies as st

from pyrdpmux.errors import DecodeError, EncodeError
from pyrdpmux.rdp.mcs.client_data import MonitorDefinition, MonitorFlags
from pyrdpmux.rdp.pdu.display import (
    FrameAcknowledge,
    ImeConversionMode,
    InclusiveRectangle,
    LedFlags,
    MonitorLayout,
    PlaySound,
    RefreshRectangle,
    ServerStatusInfo,
    SetKeyboardImeStatus,
    SetKeyboardIndicators,
    ShutdownDenied,
    ShutdownRequest,
    StatusCode,
    SuppressOutput,
)
from pyrdpmux.wire import decode, encode
from tests.rdp.pdu.properties import i32, property_tests, structure, u8, u16, u32
from tests.rows import Row, row_tests

RECTANGLES = st.builds(InclusiveRectangle, u16, u16, u16, u16)
MONITORS = st.builds(MonitorDefinition, i32, i32, i32, i32, u32.map(MonitorFlags))

ROWS = [
    Row(
        "refresh rectangle (mstsc, shared/vectors Example_4)",
        RefreshRectangle(areas=(InclusiveRectangle(left=0, top=0, right=1918, bottom=1078),)),
        """01  # numberOfAreas
           000000  # pad3Octets
           0000  # left
           0000  # top
           7e07  # right
           3604  # bottom""",
    ),
    Row(
        "suppress output: allow (mstsc, shared/vectors Example_4)",
        SuppressOutput(
            allow_display_updates=1,
            desktop_rectangle=InclusiveRectangle(left=0, top=0, right=1920, bottom=1080),
        ),
        """01  # allowDisplayUpdates
           000000  # pad3Octets
           0000  # left
           0000  # top
           8007  # right
           3804  # bottom""",
        valid_prefixes=(4,),
    ),
    Row(
        "suppress output: suppress (mstsc, shared/vectors Example_4)",
        SuppressOutput(0),
        "00 000000",
        refuses_trailing=True,
    ),
    Row(
        "monitor layout (2.2.12.1, constructed)",
        MonitorLayout(
            (
                MonitorDefinition(0, 0, 1919, 1079, MonitorFlags.PRIMARY),
                MonitorDefinition(-1280, 56, -1, 1079),
            )
        ),
        """02000000
           00000000 00000000 7f070000 37040000 01000000
           00fbffff 38000000 ffffffff 37040000 00000000""",
    ),
    Row("shutdown request (2.2.2.1.1)", ShutdownRequest(), "", refuses_trailing=False),
    Row(
        "shutdown request with a rest (aardwolf 0.2.16, seen on loopback)",
        ShutdownRequest(bytes.fromhex("01000000")),
        "0100 0000  # one input event, and padding",
        valid_prefixes=(0, 1, 2, 3),
        refuses_trailing=False,
    ),
    Row("shutdown denied (2.2.2.2.1)", ShutdownDenied(), ""),
    Row("play sound (2.2.9.1.1.5.1, constructed)", PlaySound(100, 440), "64000000 b8010000"),
    Row(
        "keyboard indicators (2.2.8.2.1.1, constructed)",
        SetKeyboardIndicators(LedFlags.NUM_LOCK | LedFlags.CAPS_LOCK),
        "0000 0600",
    ),
    Row(
        "IME status (2.2.8.2.2.1, constructed)",
        SetKeyboardImeStatus(1, ImeConversionMode.NATIVE | ImeConversionMode.FULLSHAPE, 2),
        "0200 01000000 09000000",
    ),
    Row("status info (2.2.5.2, constructed)", ServerStatusInfo(StatusCode.VM_STARTING), "03050000"),
    Row("frame acknowledge (MS-RDPRFX 2.2.3.1, constructed)", FrameAcknowledge(0x01020304), "04030201"),
]

TestRows = row_tests(ROWS)

CASES = {
    "refresh": structure(RefreshRectangle, st.lists(RECTANGLES, max_size=3).map(tuple)),
    "suppress": structure(SuppressOutput, u8, st.none() | RECTANGLES),
    "layout": structure(MonitorLayout, st.lists(MONITORS, max_size=3).map(tuple)),
    "sound": structure(PlaySound, u32, u32),
    "lights": structure(SetKeyboardIndicators, u16.map(LedFlags), u16),
    "ime": structure(SetKeyboardImeStatus, u32, u32.map(ImeConversionMode), u16),
    "status": structure(ServerStatusInfo, u32.map(StatusCode)),
    "frame": structure(FrameAcknowledge, u32),
}

TestProperties = property_tests(CASES)


def test_too_many_monitors_are_refused_before_they_are_read() -> None:
    with pytest.raises(DecodeError, match="65, at most 64 allowed") as caught:
        decode(MonitorLayout, bytes([65, 0, 0, 0]) + bytes(65 * 20))
    assert caught.value.path == "MonitorLayout.monitorCount"


def test_more_rectangles_than_a_byte_counts_are_not_written() -> None:
    with pytest.raises(EncodeError, match="256 does not fit"):
        encode(RefreshRectangle((InclusiveRectangle(0, 0, 0, 0),) * 256))
