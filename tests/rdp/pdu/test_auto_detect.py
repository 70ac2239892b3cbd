"""Round-trip time and bandwidth: every request and response."""

from typing import Any

import pytest
from hypothesis import strategies as st

from pyrdpmux.errors import EncodeError
from pyrdpmux.rdp.pdu.auto_detect import (
    MESSAGE_TYPES,
    TYPE_ID_AUTODETECT_REQUEST,
    TYPE_ID_AUTODETECT_RESPONSE,
    BandwidthMeasurePayload,
    BandwidthMeasureResults,
    BandwidthMeasureStart,
    BandwidthMeasureStop,
    NetworkCharacteristicsResult,
    NetworkCharacteristicsSync,
    RequestType,
    ResponseType,
    RttMeasureRequest,
    RttMeasureResponse,
    UnknownAutoDetect,
    decode_auto_detect,
)
from pyrdpmux.wire import encode
from tests.rdp.pdu.properties import Case, property_tests, short_bytes, u16, u32
from tests.rows import Row, row_tests


def case(cls: type, *values: st.SearchStrategy[Any]) -> Case:
    return decode_auto_detect, encode, st.builds(cls, *values)


ROWS = [
    Row(
        "RTT request (Windows Server 2016, shared/vectors Example_1)",
        RttMeasureRequest(1),
        "06 00 0100 0100",
        decode=decode_auto_detect,
    ),
    Row(
        "RTT request at connect time (2.2.14.1.1, constructed)",
        RttMeasureRequest(0x1234, RequestType.RTT_CONNECT_TIME),
        "06 00 3412 0110",
        decode=decode_auto_detect,
    ),
    Row(
        "bandwidth start (Windows Server 2016, shared/vectors Example_1)",
        BandwidthMeasureStart(0),
        "06 00 0000 1400",
        decode=decode_auto_detect,
    ),
    Row(
        "bandwidth payload (2.2.14.1.3, constructed)",
        BandwidthMeasurePayload(3, b"\1\2"),
        "08 00 0300 0200 0200 0102",
        decode=decode_auto_detect,
    ),
    Row(
        "bandwidth stop (Windows Server 2016, shared/vectors Example_1)",
        BandwidthMeasureStop(0),
        "06 00 0000 2904",
        decode=decode_auto_detect,
    ),
    Row(
        "bandwidth stop at connect time (2.2.14.1.4, constructed)",
        BandwidthMeasureStop(4, RequestType.BANDWIDTH_STOP_CONNECT_TIME, b"\xff"),
        "08 00 0400 2b00 0100 ff",
        decode=decode_auto_detect,
    ),
    Row(
        "result with everything (Windows Server 2016, shared/vectors Example_1)",
        NetworkCharacteristicsResult(0, 0x190, 1, 0x290),
        "12 00 0000 c008 01000000 90020000 90010000",
        decode=decode_auto_detect,
    ),
    Row(
        "result without bandwidth (Windows Server 2016, shared/vectors Example_1)",
        NetworkCharacteristicsResult(3, 0xC9, 0x97),
        "0e 00 0300 4008 97000000 c9000000",
        decode=decode_auto_detect,
    ),
    Row(
        "result without base RTT (2.2.14.1.5, constructed)",
        NetworkCharacteristicsResult(3, 0xC9, None, 1000),
        "0e 00 0300 8008 e8030000 c9000000",
        decode=decode_auto_detect,
    ),
    Row(
        "RTT response (mstsc, shared/vectors Example_1)",
        RttMeasureResponse(1),
        "06 01 0100 0000",
        decode=decode_auto_detect,
    ),
    Row(
        "bandwidth results (mstsc, shared/vectors Example_1)",
        BandwidthMeasureResults(0, 0, 0x0E27),
        "0e 01 0000 0b00 00000000 270e0000",
        decode=decode_auto_detect,
    ),
    Row(
        "bandwidth results at connect time (2.2.14.2.2, constructed)",
        BandwidthMeasureResults(5, 7, 9, ResponseType.BANDWIDTH_CONNECT_TIME),
        "0e 01 0500 0300 07000000 09000000",
        decode=decode_auto_detect,
    ),
    Row(
        "characteristics sync (2.2.14.2.3, constructed)",
        NetworkCharacteristicsSync(2, 1000, 30),
        "0e 01 0200 1800 e8030000 1e000000",
        decode=decode_auto_detect,
    ),
    Row(
        "unknown (constructed)",
        UnknownAutoDetect(7, 5, 1, 0x7777, b"\1"),
        "07 05 0100 7777 01",
        decode=decode_auto_detect,
        valid_prefixes=(6,),
        refuses_trailing=False,
    ),
]

TestRows = row_tests(ROWS)

CASES = {
    "rtt": case(RttMeasureRequest, u16, st.sampled_from([RequestType.RTT, RequestType.RTT_CONNECT_TIME])),
    "payload": case(BandwidthMeasurePayload, u16, short_bytes),
    "stop": case(BandwidthMeasureStop, u16, st.just(RequestType.BANDWIDTH_STOP_CONNECT_TIME), short_bytes),
    "all": case(NetworkCharacteristicsResult, u16, u32, u32, u32),
    "no bandwidth": case(NetworkCharacteristicsResult, u16, u32, u32),
    "rtt response": case(RttMeasureResponse, u16),
    "results": case(BandwidthMeasureResults, u16, u32, u32),
    "sync": case(NetworkCharacteristicsSync, u16, u32, u32),
}

TestProperties = property_tests(CASES)


def test_every_type_of_the_specification_has_a_class() -> None:
    requests = {(TYPE_ID_AUTODETECT_REQUEST, number) for number in RequestType}
    responses = {(TYPE_ID_AUTODETECT_RESPONSE, number) for number in ResponseType}
    assert set(MESSAGE_TYPES) == requests | responses


def test_what_is_not_allowed_is_not_written() -> None:
    with pytest.raises(EncodeError, match="only a connect-time stop has one"):
        encode(BandwidthMeasureStop(1, payload=b"1"))
    with pytest.raises(EncodeError, match="neither"):
        encode(NetworkCharacteristicsResult(1, 2))
