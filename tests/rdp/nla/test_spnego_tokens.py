"""SPNEGO's tokens: rows, and those that mstsc and Windows sent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from spnego._spnego import NegTokenInit as TheirInit
from spnego._spnego import NegTokenResp as TheirResp
from spnego._spnego import pack_mech_type_list, unpack_token

from pyrdpmux.errors import DecodeError
from pyrdpmux.rdp.nla.spnego_tokens import (
    MAX_MECH_TYPES,
    MECH_KERBEROS,
    MECH_MS_KERBEROS,
    MECH_NEGOEX,
    MECH_NTLM,
    NegState,
    NegTokenInit,
    NegTokenResp,
    decode_token,
    encode_mech_types,
)
from pyrdpmux.rdp.nla.ts_request import TSRequest
from pyrdpmux.wire import decode, encode
from tests.rdp.nla.support import recorded_units
from tests.rows import Row, row_tests

ROWS = [
    Row(
        "init with one mechanism and a token (constructed)",
        NegTokenInit((MECH_NTLM,), b"NTLM"),
        """60 24 06 06 2b0601050502                     # InitialContextToken, SPNEGO
           a0 1a 30 18                                  # negTokenInit
             a0 0e 30 0c 06 0a 2b06010401823702020a     # mechTypes
             a2 06 04 04 4e544c4d                       # mechToken
           """,
        decode=decode_token,
    ),
    Row(
        "init with everything (constructed)",
        NegTokenInit((MECH_KERBEROS, MECH_NTLM), b"", b"MIC", b"\1\x06"),
        """60 38 06 06 2b0601050502 a0 2e 30 2c
             a0 19 30 17 06 09 2a864886f712010202 06 0a 2b06010401823702020a
             a1 04 03 02 0106                           # reqFlags
             a2 02 04 00 a3 05 04 03 4d4943""",
        decode=decode_token,
    ),
    Row(
        "response with everything (constructed)",
        NegTokenResp(NegState.REQUEST_MIC, MECH_NTLM, b"token", b"MIC"),
        """a1 25 30 23 a0 03 0a 01 03
             a1 0c 06 0a 2b06010401823702020a
             a2 07 04 05 746f6b656e a3 05 04 03 4d4943""",
        decode=decode_token,
    ),
    Row("response with nothing (constructed)", NegTokenResp(), "a1 02 30 00", decode=decode_token),
]

TestRows = row_tests(ROWS)


def test_recorded_tokens_come_back_byte_for_byte() -> None:
    seen: list[NegTokenInit | NegTokenResp] = []
    for name, data in recorded_units("tsreq"):
        token = decode(TSRequest, data).nego_token
        if token is not None and not token.startswith(b"NTLMSSP\0"):
            value = decode_token(token)
            assert encode(value) == token, name
            seen.append(value)
    first = seen[0]
    assert isinstance(first, NegTokenInit)
    assert first.mech_types == (MECH_MS_KERBEROS, MECH_KERBEROS, MECH_NEGOEX, MECH_NTLM)
    assert len(seen) == 10


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_pyspnego_reads_them_alike(row: Row) -> None:
    theirs = unpack_token(row.data)
    ours = row.value
    if isinstance(ours, NegTokenInit):
        assert isinstance(theirs, TheirInit)
        assert len(theirs.mech_types) == len(ours.mech_types)
        assert (theirs.mech_token or None) == (ours.mech_token or None)
        assert pack_mech_type_list(theirs.mech_types) == encode_mech_types(ours.mech_types)
    else:
        assert isinstance(theirs, TheirResp)
        assert (theirs.neg_state, theirs.response_token) == (ours.neg_state, ours.response_token)
    assert theirs.mech_list_mic == ours.mech_list_mic


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ("", "neither"),
        ("3000", "neither"),
        ("6013 0603 2a0304 a00c 300a a008 3006 0604 2b060105", "expected 2b0601050502"),
        ("a107 3005 a003 0a0104", "negState"),
        ("a107 3005 a003 0a01ff", "negState"),
    ],
)
def test_what_is_no_token_is_refused(data: str, reason: str) -> None:
    with pytest.raises(DecodeError, match=reason):
        decode_token(bytes.fromhex(data))


def test_too_many_mechanisms_are_refused() -> None:
    largest = NegTokenInit((b"\x2a",) * MAX_MECH_TYPES)
    assert decode_token(encode(largest)) == largest
    with pytest.raises(DecodeError, match="at most"):
        decode_token(encode(NegTokenInit((b"\x2a",) * (MAX_MECH_TYPES + 1))))


optional_bytes = st.one_of(st.none(), st.binary(max_size=20))


@given(
    st.lists(st.binary(min_size=1, max_size=12), max_size=5), optional_bytes, optional_bytes, optional_bytes
)
def test_any_init_round_trips(
    mechs: list[bytes], token: bytes | None, mic: bytes | None, flags: bytes | None
) -> None:
    value = NegTokenInit(tuple(mechs), token, mic, flags)
    assert decode_token(encode(value)) == value


@given(st.one_of(st.none(), st.sampled_from(NegState)), optional_bytes, optional_bytes, optional_bytes)
def test_any_response_round_trips(
    state: NegState | None, mech: bytes | None, token: bytes | None, mic: bytes | None
) -> None:
    value = NegTokenResp(state, mech, token, mic)
    assert decode_token(encode(value)) == value


@given(st.sampled_from(["", "60", "a1"]), st.binary(max_size=60))
def test_random_bytes_raise_decode_errors_only(tag: str, data: bytes) -> None:
    candidate = bytes.fromhex(tag) + bytes([len(data)]) + data
    try:
        value = decode_token(candidate)
    except DecodeError:
        return
    encode(value)
