"""Initiate Multitransport, request and response."""

from hypothesis import strategies as st

from pyrdpmux.rdp.pdu.multitransport import (
    InitiateMultitransportRequest,
    InitiateMultitransportResponse,
    MultitransportResult,
    RequestedProtocol,
)
from pyrdpmux.wire.secret import Secret
from tests.rdp.pdu.properties import property_tests, structure, u16, u32
from tests.rows import Row, row_tests

ROWS = [
    Row(
        "request (2.2.15.1, constructed)",
        InitiateMultitransportRequest(1, RequestedProtocol.UDP_FEC_RELIABLE, Secret(bytes(range(16)))),
        "01000000 0100 0000 000102030405060708090a0b0c0d0e0f",
    ),
    Row(
        "response: no (2.2.15.2, constructed)",
        InitiateMultitransportResponse(1, MultitransportResult.ABORT),
        "01000000 04400080",
    ),
    Row(
        "response: yes (2.2.15.2, constructed)",
        InitiateMultitransportResponse(2, MultitransportResult.OK),
        "02000000 00000000",
    ),
]

TestRows = row_tests(ROWS)

CASES = {
    "request": structure(
        InitiateMultitransportRequest,
        u32,
        u16.map(RequestedProtocol),
        st.binary(min_size=16, max_size=16).map(Secret),
    ),
    "response": structure(InitiateMultitransportResponse, u32, u32.map(MultitransportResult)),
}

TestProperties = property_tests(CASES)


def test_the_cookie_is_not_printed() -> None:
    request = InitiateMultitransportRequest(1, RequestedProtocol.UDP_FEC_LOSSY, Secret(b"0123456789abcdef"))
    assert "0123456789abcdef" not in str(request)
