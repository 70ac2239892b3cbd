"""Display Control's two messages."""

import pytest
from hypothesis import strategies as st

from pyrdpmux.errors import DecodeError
from pyrdpmux.rdp.channels.display_control.pdu import (
    Capabilities,
    Monitor,
    MonitorFlags,
    MonitorLayout,
    decode_display_control,
)
from pyrdpmux.wire import encode
from tests.rdp.pdu.properties import i32, property_tests, u32
from tests.rows import Row, row_tests

ONE = """02000000 38000000 28000000 01000000
    01000000 00000000 00000000 80070000 38040000
    0a020000 24010000 00000000 78000000 64000000"""

ROWS = [
    Row(
        "capabilities (2.2.2.1, constructed)",
        Capabilities(1, 8192, 4096),
        "05000000 14000000 01000000 00200000 00100000",
    ),
    Row(
        "a layout of one monitor at 120 % (2.2.2.2, constructed)",
        MonitorLayout(
            (
                Monitor(
                    width=1920,
                    height=1080,
                    physical_width=522,
                    physical_height=292,
                    desktop_scale_factor=120,
                ),
            )
        ),
        ONE,
    ),
    Row("an empty layout (constructed)", MonitorLayout(()), "02000000 10000000 28000000 00000000"),
    Row(
        "a monitor on the left of the primary one, with a flag to come (2.2.2.2.1, constructed)",
        Monitor(
            flags=MonitorFlags(0x10),
            left=-1280,
            top=-1,
            width=1280,
            height=1024,
            orientation=90,
            device_scale_factor=140,
        ),
        """10000000 00fbffff ffffffff 00050000 00040000
           00000000 00000000 5a000000 64000000 8c000000""",
    ),
]

TestRows = row_tests(ROWS)

monitors = st.builds(
    Monitor,
    flags=u32.map(MonitorFlags),
    left=i32,
    top=i32,
    width=u32,
    height=u32,
    physical_width=u32,
    orientation=u32,
    desktop_scale_factor=u32,
)
TestProperties = property_tests(
    {
        "capabilities": (decode_display_control, encode, st.builds(Capabilities, u32, u32, u32)),
        "layout": (
            decode_display_control,
            encode,
            st.builds(MonitorLayout, st.lists(monitors, max_size=16).map(tuple)),
        ),
    }
)


@pytest.mark.parametrize(
    ("data", "path"),
    [
        ("", "DisplayControl.Header.Type"),
        ("03000000 08000000", "DisplayControl.Header.Type"),
        ("02010000 10000000 28000000 00000000", "DisplayControl.Header.Type"),
        ("02000000 11000000 28000000 00000000", "MonitorLayout.Header.Length"),
        ("02000000 10000000 29000000 00000000", "MonitorLayout.MonitorLayoutSize"),
        ("02000000 10000000 28000000 11000000", "MonitorLayout.NumMonitors"),
        ("02000000 10000000 28000000 ffffffff", "MonitorLayout.NumMonitors"),
    ],
)
def test_what_cannot_be_is_refused(data: str, path: str) -> None:
    with pytest.raises(DecodeError) as caught:
        decode_display_control(bytes.fromhex(data))
    assert caught.value.path == path
