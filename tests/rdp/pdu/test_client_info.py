"""Client Info: both character sets, every optional tail, the password hidden."""

import pytest
from hypothesis import strategies as st

from pyrdpmux.errors import DecodeError, EncodeError
from pyrdpmux.rdp.pdu.auto_reconnect import AutoReconnectClientCookie
from pyrdpmux.rdp.pdu.client_info import (
    COMPRESSION_TYPE_MASK,
    AddressFamily,
    ClientInfo,
    ExtendedClientInfo,
    InfoFlags,
    PerformanceFlags,
)
from pyrdpmux.rdp.pdu.time_zone import DynamicTimeZone, SystemTime, TimeZone
from pyrdpmux.wire import decode, encode
from pyrdpmux.wire.secret import Secret
from tests.rdp.pdu.properties import i32, property_tests, short_bytes, structure, text, u16, u32
from tests.rows import Row, row_tests


def unicode_flags(value: int) -> InfoFlags:
    return InfoFlags(value & ~COMPRESSION_TYPE_MASK) | InfoFlags.UNICODE


def ansi_flags(value: int) -> InfoFlags:
    return InfoFlags(value & ~COMPRESSION_TYPE_MASK & ~InfoFlags.UNICODE.value)


ANSI = st.text(st.characters(max_codepoint=255), max_size=10)
EXTRA = st.builds(ExtendedClientInfo, u16.map(AddressFamily), st.none() | text, st.none() | text) | st.builds(
    ExtendedClientInfo,
    u16.map(AddressFamily),
    text,
    text,
    st.builds(TimeZone, i32, text),
    u32,
    u32.map(PerformanceFlags),
    st.just(b"") | st.builds(AutoReconnectClientCookie, u32, st.binary(min_size=16, max_size=16).map(Secret)),
    u16,
    u16,
    st.builds(DynamicTimeZone, text, u16),
    short_bytes,
)

ROWS = [
    Row(
        "client info (mstsc, shared/vectors Example_4)",
        ClientInfo(
            flags=InfoFlags.MOUSE
            | InfoFlags.DISABLECTRLALTDEL
            | InfoFlags.UNICODE
            | InfoFlags.MAXIMIZESHELL
            | InfoFlags.ENABLEWINDOWSKEY
            | InfoFlags.FORCE_ENCRYPTED_CS_PDU
            | InfoFlags.LOGONERRORS
            | InfoFlags.USING_SAVED_CREDS,
            extra=ExtendedClientInfo(
                address="192.168.210.101",
                directory="C:\\Windows\\system32\\mstscax.dll",
                time_zone=TimeZone(
                    bias=480,
                    standard_name="Pacific Standard Time",
                    standard_date=SystemTime(month=11, day=1, hour=2),
                    daylight_name="Pacific Daylight Time",
                    daylight_date=SystemTime(month=3, day=2, hour=2),
                    daylight_bias=-60,
                ),
                session_id=2,
                performance_flags=PerformanceFlags.DISABLE_FULLWINDOWDRAG
                | PerformanceFlags.DISABLE_MENUANIMATIONS,
                auto_reconnect_cookie=b"",
                reserved1=100,
                reserved2=0,
                dynamic_time_zone=DynamicTimeZone(key_name="Pacific Standard Time"),
                trailing=bytes(214),
            ),
            code_page=67699721,
        ),
        """09040904 33411100 0000 0000 0000 0000 0000 0000 0000 0000 0000 0000 0200
           2000 3100390032002e003100360038002e003200310030002e003100300031000000
           4000
           43003a005c00570069006e0064006f00770073005c00730079007300740065006d003300
           32005c006d007300740073006300610078002e0064006c006c000000  # header
           e0010000
           500061006300690066006900630020005300740061006e00640061007200640020005400
           69006d00650000000000000000000000000000000000000000000000 0000 0b00 0000
           0100 0200 0000 0000 0000 00000000
           500061006300690066006900630020004400610079006c00690067006800740020005400
           69006d00650000000000000000000000000000000000000000000000 0000 0300 0000
           0200 0200 0000 0000 0000 c4ffffff  # clientTimeZone
           02000000 06000000 0000 6400 0000  # header
           2a00
           500061006300690066006900630020005300740061006e00640061007200640020005400
           69006d006500 0000  # dynamicDST
           000000000000000000000000000000000000000000000000000000000000000000000000
           000000000000000000000000000000000000000000000000000000000000000000000000
           000000000000000000000000000000000000000000000000000000000000000000000000
           000000000000000000000000000000000000000000000000000000000000000000000000
           000000000000000000000000000000000000000000000000000000000000000000000000
           00000000000000000000000000000000000000000000000000000000000000000000  # header""",
        valid_prefixes=(28, 130, 302, 306, 310, 312, 314, 316, 360, *range(362, 576)),
        refuses_trailing=False,
    ),
    Row(
        "client info (MS-RDPBCGR 4.1.10)",
        ClientInfo(
            flags=InfoFlags.MOUSE
            | InfoFlags.DISABLECTRLALTDEL
            | InfoFlags.UNICODE
            | InfoFlags.MAXIMIZESHELL
            | InfoFlags.COMPRESSION
            | InfoFlags.ENABLEWINDOWSKEY
            | InfoFlags.FORCE_ENCRYPTED_CS_PDU,
            domain="NTDEV",
            user_name="eltons",
            extra=ExtendedClientInfo(
                address="157.59.242.156",
                directory="C:\\depots\\w2k3_1\\termsrv\\newclient\\lib\\win32\\obj\\i386\\mstscax.dll",
                time_zone=TimeZone(
                    bias=480,
                    standard_name="Pacific Standard Time",
                    standard_date=SystemTime(month=10, day=5, hour=2),
                    daylight_name="Pacific Daylight Time",
                    daylight_date=SystemTime(month=4, day=1, hour=2),
                    daylight_bias=-60,
                ),
                session_id=0,
                performance_flags=PerformanceFlags.DISABLE_WALLPAPER,
                auto_reconnect_cookie=b"",
            ),
            code_page=67699721,
            compression_type=1,
        ),
        """09040904 b3430000 0a00 0c00 0000 0000 0000 4e005400440045005600 0000
           65006c0074006f006e007300 0000 0000 0000 0000 0200 1e00
           3100350037002e00350039002e003200340032002e003100350036000000 8400
           43003a005c006400650070006f00740073005c00770032006b0033005f0031005c007400
           650072006d007300720076005c006e006500770063006c00690065006e0074005c006c00
           690062005c00770069006e00330032005c006f0062006a005c0069003300380036005c00
           6d007300740073006300610078002e0064006c006c000000  # header
           e0010000
           500061006300690066006900630020005300740061006e00640061007200640020005400
           69006d00650000000000000000000000000000000000000000000000 0000 0a00 0000
           0500 0200 0000 0000 0000 00000000
           500061006300690066006900630020004400610079006c00690067006800740020005400
           69006d00650000000000000000000000000000000000000000000000 0000 0400 0000
           0100 0200 0000 0000 0000 c4ffffff  # clientTimeZone
           00000000 01000000 0000  # header""",
        valid_prefixes=(50, 218, 390, 394, 398),
        refuses_trailing=False,
    ),
    Row(
        "RDP 4.0, ANSI (constructed)",
        ClientInfo(
            InfoFlags.MOUSE | InfoFlags.AUTOLOGON, "D", "J\xfcrgen", Secret("pw"), "a", "", None, 1252
        ),
        """e4040000 09000000 0100 0600 0200 0100 0000
           44 00  4afc7267656e 00  7077 00  61 00  00""",
        # Extended information may follow in every version but this one.
        refuses_trailing=True,
    ),
    Row(
        "with an auto-reconnect cookie and compression (2.2.1.11.1.1.1, constructed)",
        ClientInfo(
            InfoFlags.UNICODE | InfoFlags.COMPRESSION,
            extra=ExtendedClientInfo(
                AddressFamily.INET,
                "::",
                None,
                TimeZone(),
                0,
                PerformanceFlags.DISABLE_WALLPAPER,
                AutoReconnectClientCookie(7, Secret(bytes(range(16)))),
            ),
            compression_type=3,
        ),
        "00000000 90060000 0000 0000 0000 0000 0000  0000 0000 0000 0000 0000"
        "0200 0600 3a003a000000 0000"
        + "00" * 172  # clientTimeZone
        + "00000000 01000000 1c00 1c000000 01000000 07000000 000102030405060708090a0b0c0d0e0f",
        valid_prefixes=(28, 40, 212, 216, 220),
        refuses_trailing=True,
    ),
    Row(
        "cookie (2.2.4.3, constructed)",
        AutoReconnectClientCookie(7, Secret(bytes(range(16)))),
        "1c000000 01000000 07000000 000102030405060708090a0b0c0d0e0f",
    ),
]

TestRows = row_tests(ROWS)

CASES = {
    "unicode": structure(
        ClientInfo,
        u32.map(unicode_flags),
        text,
        text,
        text.map(Secret),
        text,
        text,
        st.none() | EXTRA,
        u32,
        st.integers(0, 15),
    ),
    "ansi": structure(
        ClientInfo,
        u32.map(ansi_flags),
        ANSI,
        ANSI,
        ANSI.map(Secret),
        ANSI,
        ANSI,
        st.none(),
        u32,
        st.integers(0, 15),
    ),
    "cookie": structure(AutoReconnectClientCookie, u32, st.binary(min_size=16, max_size=16).map(Secret), u32),
}

TestProperties = property_tests(CASES)


def test_the_password_and_the_cookie_are_not_printed() -> None:
    cookie = AutoReconnectClientCookie(1, Secret(b"0123456789abcdef"))
    info = ClientInfo(password=Secret("hunter2"), extra=ExtendedClientInfo(auto_reconnect_cookie=cookie))
    assert "hunter2" not in str(info)
    assert "0123456789abcdef" not in str(info)


def test_a_missing_terminator_is_forgiven_and_written() -> None:
    data = bytes.fromhex("00000000 10000000 00000000000000000000 00000000000000000000 0200 0200 3100 0000")
    info = decode(ClientInfo, data)
    assert info.extra is not None
    assert info.extra.address == "1"
    assert encode(info)[-10:] == bytes.fromhex("0200 0400 3100 0000 0000")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("00000000 10000000 ff01 0000 0000 0000 0000", "511, at most 510 allowed"),
        ("00000000 00000000 0000 0002 0000 0000 0000", "512, at most 511 allowed"),
        ("00000000 10000000 0100 0000 0000 0000 0000 00", "even number"),
    ],
)
def test_wrong_string_sizes_are_refused(data: str, message: str) -> None:
    with pytest.raises(DecodeError, match=message):
        decode(ClientInfo, bytes.fromhex(data))


def test_wrong_extended_sizes_are_refused() -> None:
    start = bytes.fromhex("00000000 10000000 00000000000000000000 00000000000000000000 0200")
    with pytest.raises(DecodeError, match="82, at most 80 allowed") as caught:
        decode(ClientInfo, start + b"\x52\0" + bytes(82))
    assert caught.value.path == "ClientInfo.cbClientAddress"
    with pytest.raises(DecodeError, match="514, at most 512 allowed"):
        decode(ClientInfo, start + b"\0\0\2\2" + bytes(514))
    with pytest.raises(DecodeError, match="27, expected 0 or 28"):
        decode(ClientInfo, start + bytes(4) + bytes(172 + 8) + b"\x1b\0" + bytes(27))


def test_what_does_not_fit_is_not_written() -> None:
    with pytest.raises(EncodeError, match="ANSI"):
        encode(ClientInfo(InfoFlags(0), user_name="\u20ac"))
    with pytest.raises(EncodeError, match="4 bits"):
        encode(ClientInfo(compression_type=16))
    with pytest.raises(EncodeError, match="behind one that is not"):
        encode(ClientInfo(extra=ExtendedClientInfo(session_id=1)))
