"""Set Error Info, and a text for every code."""

import pytest

from pyrdpmux.rdp.pdu.error_info import ErrorInfo, SetErrorInfo
from tests.rdp.pdu.properties import property_tests, structure, u32
from tests.rows import Row, row_tests

ROWS = [
    Row("no error (Windows Server 2016, shared/vectors Example_1)", SetErrorInfo(ErrorInfo.NONE), "00000000"),
    Row(
        "another connection (2.2.5.1.1, constructed)",
        SetErrorInfo(ErrorInfo.DISCONNECTED_BY_OTHERCONNECTION),
        "05000000",
    ),
    Row("unknown code (constructed)", SetErrorInfo(ErrorInfo(0x00001337)), "37130000"),
]

TestRows = row_tests(ROWS)

CASES = {
    "error": structure(SetErrorInfo, u32.map(ErrorInfo)),
}

TestProperties = property_tests(CASES)


@pytest.mark.parametrize("code", list(ErrorInfo))
def test_every_code_has_a_text_of_its_own(code: ErrorInfo) -> None:
    assert code.text[0].islower() or code.text.startswith("the")
    assert not code.text.endswith(".")
    assert "with code" not in code.text


def test_an_unknown_code_is_named_by_its_number() -> None:
    assert ErrorInfo(0x1337).text == "the server ended the connection with code 0x00001337"
