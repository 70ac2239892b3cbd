"""NTLM's AV_PAIR lists."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyrdpmux.errors import DecodeError
from pyrdpmux.rdp.nla.ntlm_av_pairs import MAX_AV_PAIRS, AvFlags, AvId, AvPair, AvPairs, Number
from pyrdpmux.wire import decode, encode
from tests.rows import Row, row_tests

ROWS = [
    Row(
        "names (MS-NLMP 4.2.4.1.3, the target information of temp)",
        AvPairs(
            (
                AvPair(AvId.NB_DOMAIN_NAME, "Domain".encode("utf-16-le")),
                AvPair(AvId.NB_COMPUTER_NAME, "Server".encode("utf-16-le")),
            )
        ),
        """0200 0c00 44006f006d00610069006e00   # MsvAvNbDomainName
           0100 0c00 530065007200760065007200   # MsvAvNbComputerName
           0000 0000                            # MsvAvEOL""",
    ),
    Row(
        "time, flags and an unknown pair (constructed)",
        AvPairs(
            (
                AvPair(AvId.TIMESTAMP, bytes.fromhex("3357bdb1078bcf01")),
                AvPair(AvId.FLAGS, b"\2\0\0\0"),
                AvPair(AvId(0x77), b"?"),
            )
        ),
        "0700 0800 3357bdb1078bcf01  0600 0400 02000000  7700 0100 3f  0000 0000",
    ),
    Row("none (constructed)", AvPairs(), "0000 0000"),
]

TestRows = row_tests(ROWS)


def test_values_are_found_and_replaced() -> None:
    pairs = decode(AvPairs, ROWS[1].data)
    assert pairs.flags == AvFlags.MIC_PRESENT
    assert pairs.timestamp == 0x01CF8B07B1BD5733
    assert pairs.get(AvId.TARGET_NAME) is None
    assert AvPairs().flags == 0
    assert AvPairs().timestamp is None
    changed = pairs.with_flags(pairs.flags | AvFlags.CONSTRAINED)
    assert changed.flags == AvFlags.MIC_PRESENT | AvFlags.CONSTRAINED
    assert len(changed.pairs) == 3
    assert len(changed.with_value(AvId.TARGET_NAME, b"x").pairs) == 4


@pytest.mark.parametrize("size", [0, 3, 5, 16])
def test_a_number_of_another_size_is_a_decode_error(size: int) -> None:
    pairs = AvPairs((AvPair(AvId.FLAGS, bytes(size)), AvPair(AvId.TIMESTAMP, bytes(size))))
    with pytest.raises(DecodeError):
        assert pairs.flags
    with pytest.raises(DecodeError):
        assert pairs.timestamp


def test_too_many_pairs_are_refused() -> None:
    one = encode(AvPair(AvId.TARGET_NAME, b""))
    assert len(decode(AvPairs, one * MAX_AV_PAIRS + bytes(4)).pairs) == MAX_AV_PAIRS
    with pytest.raises(DecodeError, match="more than 64"):
        decode(AvPairs, one * (MAX_AV_PAIRS + 1) + bytes(4))


def test_an_end_with_a_value_is_refused() -> None:
    with pytest.raises(DecodeError, match="MsvAvEOL"):
        decode(AvPairs, bytes.fromhex("0000 0100 00"))


@given(st.lists(st.tuples(st.integers(1, 0xFFFF), st.binary(max_size=20)), max_size=10))
def test_any_list_round_trips(items: list[tuple[int, bytes]]) -> None:
    pairs = AvPairs(tuple([AvPair(AvId(av_id), value) for av_id, value in items]))
    assert decode(AvPairs, encode(pairs)) == pairs


@given(st.binary(max_size=80))
def test_random_bytes_raise_decode_errors_only(data: bytes) -> None:
    for cls in (AvPairs, AvPair, Number):
        try:
            value = decode(cls, data)
        except DecodeError:
            continue
        assert encode(value) == data
