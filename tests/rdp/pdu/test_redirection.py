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
        "admin on another host (MS-RDPBCGR 4.6)",
        ShareControl(
            pdu_source=1002,
            body=EnhancedRedirection(
                packet=ServerRedirection(
                    session_id=2,
                    target_net_address=bytes.fromhex(
                        "32003000300031003a0034003800390038003a00320062003a0032003a0039006400650037003a0034003500360039003a0066006200330039003a0065006600320039000000"
                    ),
                    user_name=bytes.fromhex("610064006d0069006e006900730074007200610074006f0072000000"),
                    domain=bytes.fromhex("540053002d0053005400520045005300530031000000"),
                    password=Secret(
                        b"\x02\x00\x00\x80DSHL\x02\x10\xf3\xe3\xbf\xb17\x95(\x80\xb7V\xf3|'JC\xccP\x98Y\x05\xb5kP\x97b\xf8\xcf\xc0\x1bj\x06\x16\xdb\xb9\xb1\xba!\x01\xf4\xea\x82\xdc7\x17e}\xbeX\xec4\xe93\x07\x12\xc1v\x8d\xf5\xbc\xa2\x9f,\xef2\xa7\xa4\x80\xa9\x05\xf7\x02\x94\x96\x8d\x95\xb8,\xdbUJx\x08\xeb\x87\x10\xc7\x8b\xa9\n\xe6D\xab\xeck\xeeB\xbb2\xe7\xb0\xef<\xaeEs\xa6ii\x00\x00"
                    ),
                    target_fqdn=bytes.fromhex(
                        "6a00690061007a006f0075002d00740065007300740032002e00740073002d0073007400720065007300730031002e006e00740074006500730074002e006d006900630072006f0073006f00660074002e0063006f006d000000"
                    ),
                    target_netbios_name=bytes.fromhex("4a00490041005a004f0055002d00540045005300540032000000"),
                    target_net_addresses=TargetNetAddresses(
                        addresses=(
                            bytes.fromhex(
                                "32003000300031003a0034003800390038003a00320062003a0032003a0039006400650037003a0034003500360039003a0066006200330039003a0065006600320039000000"
                            ),
                            bytes.fromhex("3100350037002e00350039002e003200340030002e003100340034000000"),
                        )
                    ),
                    pad_size=8,
                ),
                pad_size=1,
            ),
            version=0,
        ),
        """0d02 0a00 ea03  # header
           5f59  # EnhancedRedirection
           0004 0402 02000000 1d0b0000 46000000
           32003000300031003a0034003800390038003a00320062003a0032003a00390064006500
           37003a0034003500360039003a0066006200330039003a0065006600320039000000
           1c000000 610064006d0069006e006900730074007200610074006f0072000000
           16000000 540053002d0053005400520045005300530031000000 78000000
           020000804453484c0210f3e3bfb137952880b756f37c274a43cc50985905b56b509762f8
           cfc01b6a0616dbb9b1ba2101f4ea82dc3717657dbe58ec34e9330712c1768df5bca29f2c
           ef32a7a480a905f70294968d95b82cdb554a7808eb8710c78ba90ae644abec6bee42bb32
           e7b0ef3cae4573a669690000 5a000000
           6a00690061007a006f0075002d00740065007300740032002e00740073002d0073007400
           720065007300730031002e006e00740074006500730074002e006d006900630072006f00
           73006f00660074002e0063006f006d000000 1a000000
           4a00490041005a004f0055002d00540045005300540032000000 70000000 02000000
           46000000
           32003000300031003a0034003800390038003a00320062003a0032003a00390064006500
           37003a0034003500360039003a0066006200330039003a0065006600320039000000
           1e000000 3100350037002e00350039002e003200340030002e003100340034000000
           c0c0c0c0c0c0c0c0  # serverRedirectionPDU
           00  # EnhancedRedirection""",
        decode=decode_share,
        lossless=False,  # padding is filled
    ),
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
