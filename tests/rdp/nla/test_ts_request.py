"""TSRequest and TSCredentials."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyrdpmux.errors import DecodeError
from pyrdpmux.rdp.nla.ts_request import CredentialType, TSCredentials, TSPasswordCreds, TSRequest
from pyrdpmux.wire import decode, encode
from tests.rdp.nla.support import recorded_units
from tests.rows import Row, row_tests

ROWS = [
    Row(
        "with an NTLM token (mstsc, shared/vectors Example_4, token shortened)",
        TSRequest(4, (b"NTLMSSP\0",)),
        """30 17 a0 03 02 01 04                # version
           a1 10 30 0e 30 0c a0 0a 04 08 4e544c4d53535000   # negoTokens""",
    ),
    Row(
        "with everything (constructed)",
        TSRequest(6, (b"a", b"b"), b"auth", b"key", 0xC000006D, b"\x11" * 4),
        """30 36 a0 03 02 01 06
           a1 10 30 0e 30 05 a0 03 04 01 61 30 05 a0 03 04 01 62
           a2 06 04 04 61757468 a3 05 04 03 6b6579
           a4 06 02 04 c000006d a5 06 04 04 11111111""",
    ),
    Row("with a version only (constructed)", TSRequest(2), "30 05 a0 03 02 01 02"),
]
CREDENTIAL_ROWS = [
    Row(
        "password credentials (constructed)",
        TSCredentials(CredentialType.PASSWORD, TSPasswordCreds("D", "u", "p\u00e4")),
        """30 1f a0 03 02 01 01 a1 18 04 16        # credType, credentials
             30 14 a0 04 04 02 4400              # domainName
                   a1 04 04 02 7500              # userName
                   a2 06 04 04 7000e400          # password""",
    ),
    Row(
        "empty password credentials, restricted admin (constructed)",
        TSCredentials(CredentialType.PASSWORD, TSPasswordCreds()),
        "30 17 a0 03 02 01 01 a1 10 04 0e 30 0c a0 02 04 00 a1 02 04 00 a2 02 04 00",
    ),
    Row(
        "credentials without contents (constructed)",
        TSCredentials(CredentialType.PASSWORD, b""),
        "30 09 a0 03 02 01 01 a1 02 04 00",
    ),
    Row(
        "smart card credentials, opaque (constructed)",
        TSCredentials(CredentialType.SMART_CARD, b"\x30\x00"),
        "30 0b a0 03 02 01 02 a1 04 04 02 3000",
    ),
]

TestRequest = row_tests(ROWS)
TestCredentials = row_tests(CREDENTIAL_ROWS)


def test_recorded_requests_come_back_byte_for_byte() -> None:
    units = recorded_units("tsreq")
    for name, data in units:
        assert encode(decode(TSRequest, data)) == data, name
    assert len(units) == 19


def test_an_unsigned_status_is_the_same_as_a_signed_one() -> None:
    unsigned = bytes.fromhex("300e a003020106 a407 0205 00c000006d")
    assert decode(TSRequest, unsigned) == TSRequest(6, error_code=0xC000006D)
    assert encode(decode(TSRequest, unsigned)) == bytes.fromhex("300d a003020106 a406 0204 c000006d")


@pytest.mark.parametrize(
    ("data", "path"),
    [
        ("3005 a0030201ff", "TSRequest.version"),
        ("3009 a0070205 0100000000", "TSRequest.version"),
        ("300e a003020106 a407 0205 0100000000", "TSRequest.errorCode"),
        ("300e a003020106 a407 0205 ff00000000", "TSRequest.errorCode"),
    ],
)
def test_numbers_and_counts_have_limits(data: str, path: str) -> None:
    with pytest.raises(DecodeError) as caught:
        decode(TSRequest, bytes.fromhex(data))
    assert caught.value.path.startswith(path)


def test_many_tokens_are_refused() -> None:
    assert decode(TSRequest, encode(TSRequest(2, (b"",) * 8))).nego_token == b""
    with pytest.raises(DecodeError, match="9, at most 8"):
        decode(TSRequest, encode(TSRequest(2, (b"",) * 9)))
    assert decode(TSRequest, bytes.fromhex("3009 a003020102 a102 3000")) == TSRequest(2)
    assert TSRequest(2).nego_token is None


def test_half_a_character_is_a_decode_error() -> None:
    data = bytes.fromhex("3010 a0 04 0402 4400 a1 03 0401 75 a2 03 0401 70")
    with pytest.raises(DecodeError, match="even number"):
        decode(TSPasswordCreds, data)


def test_secrets_do_not_show() -> None:
    credentials = TSCredentials(CredentialType.PASSWORD, TSPasswordCreds("d", "u", "hidden"))
    assert "hidden" not in repr(credentials) + str(credentials) + repr(credentials.password)
    assert credentials.password == TSPasswordCreds("d", "u", "hidden")
    assert TSCredentials(CredentialType.SMART_CARD, b"pin").password is None
    assert "pin" not in repr(TSCredentials(CredentialType.SMART_CARD, b"pin"))


optional_bytes = st.one_of(st.none(), st.binary(max_size=20))


@given(
    st.builds(
        TSRequest,
        version=st.integers(0, 0x7FFFFFFF),
        nego_tokens=st.lists(st.binary(max_size=10), max_size=3).map(tuple),
        auth_info=optional_bytes,
        pub_key_auth=optional_bytes,
        error_code=st.one_of(st.none(), st.integers(0, 0xFFFFFFFF)),
        client_nonce=optional_bytes,
    )
)
def test_any_request_round_trips(request_: TSRequest) -> None:
    assert decode(TSRequest, encode(request_)) == request_


text = st.text(st.characters(), max_size=8)


@given(text, text, text)
def test_any_password_round_trips(domain: str, user: str, password: str) -> None:
    credentials = TSCredentials(CredentialType.PASSWORD, TSPasswordCreds(domain, user, password))
    assert decode(TSCredentials, encode(credentials)) == credentials


@given(st.binary(max_size=60))
def test_random_bytes_raise_decode_errors_only(data: bytes) -> None:
    for cls in (TSRequest, TSCredentials, TSPasswordCreds):
        for candidate in (data, b"\x30" + bytes([len(data)]) + data):
            try:
                value: object = decode(cls, candidate)
            except DecodeError:
                continue
            encode(value)  # type: ignore[arg-type]
