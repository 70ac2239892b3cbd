"""The client's time zone: signed biases, padded names, the dynamic zone's key."""

import pytest
from hypothesis import strategies as st

from pyrdpmux.errors import DecodeError
from pyrdpmux.rdp.pdu.time_zone import DynamicTimeZone, SystemTime, TimeZone
from pyrdpmux.wire import decode
from tests.rdp.pdu.properties import i32, property_tests, structure, text, u16
from tests.rows import Row, row_tests

TIMES = st.builds(SystemTime, u16, u16, u16, u16, u16, u16, u16, u16)

ROWS = [
    Row(
        "Pacific time (mstsc, shared/vectors Example_4)",
        TimeZone(
            bias=480,
            standard_name="Pacific Standard Time",
            standard_date=SystemTime(month=11, day=1, hour=2),
            daylight_name="Pacific Daylight Time",
            daylight_date=SystemTime(month=3, day=2, hour=2),
            daylight_bias=-60,
        ),
        """e0010000
           500061006300690066006900630020005300740061006e00640061007200640020005400
           69006d00650000000000000000000000000000000000000000000000  # TimeZone
           0000 0b00 0000 0100 0200 0000 0000 0000  # StandardDate
           00000000
           500061006300690066006900630020004400610079006c00690067006800740020005400
           69006d00650000000000000000000000000000000000000000000000  # TimeZone
           0000 0300 0000 0200 0200 0000 0000 0000  # DaylightDate
           c4ffffff  # TimeZone""",
    ),
    Row(
        "east of Greenwich (constructed)",
        TimeZone(
            -60,
            "CET",
            SystemTime(month=10, day=5, hour=3),
            0,
            "CEST",
            SystemTime(month=3, day=5, hour=2),
            -60,
        ),
        """c4ffffff
           430045005400 00000000000000000000000000000000000000000000000000000000000000000000000000000000
           000000000000000000000000000000000000
           0000 0a00 0000 0500 0300 0000 0000 0000
           00000000
           4300450053005400 0000000000000000000000000000000000000000000000000000000000000000000000000000
           000000000000000000000000000000000000
           0000 0300 0000 0500 0200 0000 0000 0000
           c4ffffff""",
    ),
    Row(
        "system time (constructed)",
        SystemTime(2026, 11, 0, 22, 9, 43, 1, 999),
        "ea07 0b00 0000 1600 0900 2b00 0100 e703",
    ),
    Row(
        "dynamic zone (constructed)",
        DynamicTimeZone("UTC", 1),
        "0600 550054004300 0100",
        valid_prefixes=(8,),
    ),
]

TestRows = row_tests(ROWS)

CASES = {
    "zone": structure(TimeZone, i32, text, TIMES, i32, text, TIMES, i32),
    "dynamic": structure(DynamicTimeZone, text, st.none() | u16),
}

TestProperties = property_tests(CASES)


def test_a_key_beyond_the_specification_is_refused() -> None:
    with pytest.raises(DecodeError, match="256, at most 254 allowed"):
        decode(DynamicTimeZone, bytes.fromhex("0001") + bytes(258))


def test_an_odd_key_is_refused() -> None:
    with pytest.raises(DecodeError, match="even number"):
        decode(DynamicTimeZone, bytes.fromhex("0300 000000 0000"))
