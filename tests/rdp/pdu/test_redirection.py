"""Server redirection, alone and in its share control PDU."""

import pytest
from hypothesis import strategies as st

from pyrdpmux.errors import DecodeError
from pyrdpmux.rdp.pdu.redirection import (
    EnhancedRedirection,
    RedirectionFlags,
    ServerRedirection,
    TargetNetAddresses,
)
from pyrdpmux.rdp.pdu.share import ShareControl, decode_share
from pyrdpmux.wire import decode
from pyrdpmux.wire.secret import Secret
from tests.rdp.pdu.properties import property_tests, short_bytes, structure, u32
from tests.rows import Row, row_tests

ADDRESSES = st.builds(TargetNetAddresses, st.lists(short_bytes, max_size=3).map(tuple))

ROWS = [
    Row(
        "load balancing with pad (2.2.13.1, constructed)",
        ServerRedirection(
            3,
            RedirectionFlags.DONTSTOREUSERNAME,
            load_balance_info=b"Cookie: msts=1\r\n",
            user_name=b"a\0\0\0",
            password=Secret(b"p\0\0\0"),
            pad_size=8,
        ),
        """0004 3800 03000000 36000000
           10000000 436f6f6b69653a206d7374733d310d0a
           04000000 61000000
           04000000 70000000
           0000000000000000""",
    ),
    Row(
        "addresses (2.2.13.1.1, constructed)",
        ServerRedirection(
            1,
            target_net_address=b"1\0\0\0",
            target_fqdn=b"h\0\0\0",
            target_net_addresses=TargetNetAddresses((b"1\0\0\0", b"2\0\0\0")),
        ),
        """0004 3400 01000000 01090000
           04000000 31000000
           04000000 68000000
           14000000 02000000 04000000 31000000 04000000 32000000""",
    ),
    Row(
        "in its share control PDU, version 0 (2.2.13.3.1, constructed)",
        ShareControl(1002, EnhancedRedirection(ServerRedirection(1), 1), 0),
        "1500 0a00 ea03 0000 0004 0c00 01000000 00000000 00",
        decode=decode_share,
    ),
]

TestRows = row_tests(ROWS)

CASES = {
    "packet": structure(
        ServerRedirection,
        u32,
        st.just(RedirectionFlags.NOREDIRECT),
        *[st.none() | short_bytes] * 4,
        st.none() | short_bytes.map(Secret),
        *[st.none() | short_bytes] * 5,
        st.none() | ADDRESSES,
        st.sampled_from([0, 8]),
    ),
}

TestProperties = property_tests(CASES)


def test_a_packet_without_its_mark_is_refused() -> None:
    with pytest.raises(DecodeError, match="0x0401, expected 0x0400"):
        decode(ServerRedirection, bytes.fromhex("0104 0c00 01000000 00000000"))


def test_too_many_addresses_are_refused_before_they_are_read() -> None:
    with pytest.raises(DecodeError, match="65, at most 64 allowed"):
        decode(TargetNetAddresses, bytes([65, 0, 0, 0]) + bytes(65 * 4))


def test_the_password_is_not_printed() -> None:
    assert "hunter2" not in str(ServerRedirection(1, password=Secret(b"hunter2")))
