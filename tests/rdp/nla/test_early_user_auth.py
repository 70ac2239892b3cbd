"""The Early User Authorization Result."""

import pytest

from pyrdpmux.errors import AuthenticationFailed
from pyrdpmux.rdp.nla.early_user_auth import AuthorizationResult, EarlyUserAuthResult
from pyrdpmux.wire import decode, encode
from tests.rdp.nla.support import recorded_units
from tests.rows import Row, row_tests

TestRows = row_tests(
    [
        Row("success (mstsc's peer, shared/vectors Example_1)", EarlyUserAuthResult.success(), "00000000"),
        Row("denied (MS-RDPBCGR 2.2.10.2)", EarlyUserAuthResult.denied(), "05000000"),
        Row("unknown (constructed)", EarlyUserAuthResult(AuthorizationResult(7)), "07000000"),
    ]
)


def test_recorded_results_are_successes() -> None:
    units = recorded_units("eua")
    assert len(units) == 3
    for _, data in units:
        assert len(data) == EarlyUserAuthResult.SIZE
        result = decode(EarlyUserAuthResult, data)
        result.check()
        assert encode(result) == data


def test_anything_else_ends_the_connection() -> None:
    with pytest.raises(AuthenticationFailed, match="ACCESS_DENIED"):
        EarlyUserAuthResult.denied().check()
    with pytest.raises(AuthenticationFailed, match="0x7"):
        EarlyUserAuthResult(AuthorizationResult(7)).check()
