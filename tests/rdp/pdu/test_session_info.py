"""Save Session Info in its four forms, and the auto-reconnect status."""

import pytest
from hypothesis import strategies as st

from pyrdpmux.errors import DecodeError
from pyrdpmux.rdp.pdu.auto_reconnect import AutoReconnectServerCookie
from pyrdpmux.rdp.pdu.session_info import (
    AutoReconnectStatus,
    InfoType,
    LogonErrors,
    LogonFailure,
    LogonInfo,
    LogonInfoExtended,
    LogonInfoVersion2,
    LogonNotification,
    PlainNotify,
    SaveSessionInfo,
    UnknownSessionInfo,
)
from pyrdpmux.wire import decode, encode
from pyrdpmux.wire.secret import Secret
from tests.rdp.pdu.properties import property_tests, short_bytes, structure, text, u16, u32
from tests.rows import Row, row_tests

EXTENDED = st.builds(
    LogonInfoExtended,
    st.none()
    | st.builds(AutoReconnectServerCookie, u32, st.binary(min_size=16, max_size=16).map(Secret), u32),
    st.none() | st.builds(LogonErrors, u32.map(LogonNotification), u32.map(LogonFailure)),
    st.sampled_from([0, 4, 0x80000000]),
    short_bytes,
)

ROWS = [
    Row(
        "logon info version 2 (Windows Server 2016, shared/vectors Example_1)",
        SaveSessionInfo(info=LogonInfoVersion2(domain="CONTOSO", user_name="administrator", session_id=2)),
        """01000000  # infoType
           0100  # Version
           12000000  # Size
           02000000  # SessionId
           10000000  # cbDomain
           1c000000  # cbUserName
           0000000000000000000000000000000000000000000000000000000000000000
           0000000000000000000000000000000000000000000000000000000000000000
           0000000000000000000000000000000000000000000000000000000000000000
           0000000000000000000000000000000000000000000000000000000000000000
           0000000000000000000000000000000000000000000000000000000000000000
           0000000000000000000000000000000000000000000000000000000000000000
           0000000000000000000000000000000000000000000000000000000000000000
           0000000000000000000000000000000000000000000000000000000000000000
           0000000000000000000000000000000000000000000000000000000000000000
           0000000000000000000000000000000000000000000000000000000000000000
           0000000000000000000000000000000000000000000000000000000000000000
           0000000000000000000000000000000000000000000000000000000000000000
           0000000000000000000000000000000000000000000000000000000000000000
           0000000000000000000000000000000000000000000000000000000000000000
           0000000000000000000000000000000000000000000000000000000000000000
           0000000000000000000000000000000000000000000000000000000000000000
           0000000000000000000000000000000000000000000000000000000000000000
           0000000000000000000000000000  # Pad
           43004f004e0054004f0053004f000000  # Domain
           610064006d0069006e006900730074007200610074006f0072000000  # UserName""",
    ),
    Row(
        "reconnect cookie (Windows Server 2016, shared/vectors Example_1)",
        SaveSessionInfo(
            info=LogonInfoExtended(
                cookie=AutoReconnectServerCookie(
                    logon_id=2, random_bits=Secret(b"\xafRN\xe42\x0f\x80\xaa\xfb\x91\xc6\xe9:\xc2\xa2\x94")
                )
            )
        ),
        """03000000  # infoType
           2600  # Length
           01000000  # FieldsPresent
           1c000000  # cbFieldData
           1c000000  # cbLen
           01000000  # Version
           02000000  # LogonId
           af524ee4320f80aafb91c6e93ac2a294  # ArcRandomBits
           0000000000000000000000000000000000000000000000000000000000000000
           0000000000000000000000000000000000000000000000000000000000000000
           0000000000000000000000000000000000000000000000000000000000000000
           0000000000000000000000000000000000000000000000000000000000000000
           0000000000000000000000000000000000000000000000000000000000000000
           0000000000000000000000000000000000000000000000000000000000000000
           0000000000000000000000000000000000000000000000000000000000000000
           0000000000000000000000000000000000000000000000000000000000000000
           0000000000000000000000000000000000000000000000000000000000000000
           0000000000000000000000000000000000000000000000000000000000000000
           0000000000000000000000000000000000000000000000000000000000000000
           0000000000000000000000000000000000000000000000000000000000000000
           0000000000000000000000000000000000000000000000000000000000000000
           0000000000000000000000000000000000000000000000000000000000000000
           0000000000000000000000000000000000000000000000000000000000000000
           0000000000000000000000000000000000000000000000000000000000000000
           0000000000000000000000000000000000000000000000000000000000000000
           0000000000000000000000000000000000000000000000000000  # Pad""",
    ),
    Row(
        "logon info version 1 (2.2.10.1.1.1, constructed)",
        SaveSessionInfo(LogonInfo("DOM", "alice", 2)),
        "00000000 08000000 44004f004d00"
        + "00" * 46  # Domain
        + "0c000000 61006c00690063006500"
        + "00" * 502  # UserName
        + "02000000",
    ),
    Row("plain notify (2.2.10.1.1.3, constructed)", SaveSessionInfo(PlainNotify()), "02000000" + "00" * 576),
    Row(
        "logon errors and a field we do not know (2.2.10.1.1.4, constructed)",
        SaveSessionInfo(
            LogonInfoExtended(
                None,
                LogonErrors(LogonNotification.ACCESS_DENIED, LogonFailure.BAD_PASSWORD),
                0x10,
                b"\1\2",
            )
        ),
        "03000000 1400 12000000 08000000 ffffffff 00000000 0102" + "00" * 570,
    ),
    Row(
        "unknown type (constructed)",
        SaveSessionInfo(UnknownSessionInfo(InfoType(9), b"\1")),
        "09000000 01",
        valid_prefixes=(4,),
        refuses_trailing=False,
    ),
    Row("auto-reconnect status (2.2.4.1.1, constructed)", AutoReconnectStatus(), "00000000"),
]

TestRows = row_tests(ROWS)

CASES = {
    "version 1": structure(
        SaveSessionInfo, st.builds(LogonInfo, text.map(lambda value: value[:10]), text, u32)
    ),
    "version 2": structure(SaveSessionInfo, st.builds(LogonInfoVersion2, text, text, u32, u32, u16)),
    "extended": structure(SaveSessionInfo, EXTENDED),
    "status": structure(AutoReconnectStatus, u32),
}

TestProperties = property_tests(CASES)


def test_names_without_end_are_refused() -> None:
    data = bytearray(encode(SaveSessionInfo(LogonInfoVersion2("", "", 1))))
    data[14:18] = bytes.fromhex("02040000")
    with pytest.raises(DecodeError, match="1026, at most 1024 allowed") as caught:
        decode(SaveSessionInfo, bytes(data))
    assert caught.value.path == "SaveSessionInfo.infoData.cbDomain"


def test_the_cookie_is_not_printed() -> None:
    assert "0123456789abcdef" not in str(AutoReconnectServerCookie(1, Secret(b"0123456789abcdef")))
