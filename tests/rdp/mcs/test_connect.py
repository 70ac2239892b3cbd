"""MCS Connect-Initial and Connect-Response: rows, integer styles, limits, and the merge of parameters."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrdpmux.errors import DecodeError, EncodeError, PeerError
from pyrdpmux.rdp.mcs.connect import (
    CLIENT_MAXIMUM_PARAMETERS,
    CLIENT_MINIMUM_PARAMETERS,
    CLIENT_TARGET_PARAMETERS,
    MAX_CLIENT_USER_DATA_SIZE,
    SERVER_PARAMETERS,
    ConnectInitial,
    ConnectResponse,
    DomainParameters,
    Result,
    merge_domain_parameters,
)
from pyrdpmux.wire import decode, encode
from tests.rows import Row, row_tests

ROWS = [
    Row(
        "connect initial (MS-RDPBCGR 4.1.3, user data cut short)",
        # as mstsc writes it: without the sign bytes that 65535 and 64535 need in BER
        ConnectInitial(
            b"\xaa\xbb",
            replace(CLIENT_TARGET_PARAMETERS, integer_sizes=(1, 1, 1, 1, 1, 1, 2, 1)),
            CLIENT_MINIMUM_PARAMETERS,
            replace(CLIENT_MAXIMUM_PARAMETERS, integer_sizes=(2, 2, 2, 1, 1, 1, 2, 1)),
        ),
        """7f65 61                             # APPLICATION 101
           040101 040101 0101ff                # calling and called selector, upwardFlag
           3019 020122 020102 020100 020101 020100 020101 0202ffff 020102      # target
           3019 020101 020101 020101 020101 020100 020101 02020420 020102      # minimum
           301c 0202ffff 0202fc17 0202ffff 020101 020100 020101 0202ffff 020102  # maximum
           0402 aabb""",
    ),
    Row(
        "connect initial (integers as FreeRDP writes them, constructed)",
        ConnectInitial(b"", upward_flag=False, calling_domain_selector=b"", called_domain_selector=b"ab"),
        """7f65 64
           0400 04026162 010100
           301a 020122 020102 020100 020101 020100 020101 020300ffff 020102
           3019 020101 020101 020101 020101 020100 020101 02020420 020102
           3020 020300ffff 020300fc17 020300ffff 020101 020100 020101 020300ffff 020102
           0400""",
    ),
    Row(
        "connect response (Windows Server 2016, shared/vectors Example_1, user data cut short)",
        ConnectResponse(b"\xaa\xbb"),
        """7f66 26                             # APPLICATION 102
           0a0100 020100                       # rt-successful, calledConnectId
           301a 020122 020103 020100 020101 020100 020101 020300fff8 020102
           0402 aabb""",
    ),
    Row(
        "connect response, refused (MS-RDPBCGR 3.3.5.3.3.1, constructed)",
        ConnectResponse(b"", Result.UNSPECIFIED_FAILURE, called_connect_id=0xFFFFFFFF),
        """7f66 28 0a010e 020500ffffffff
           301a 020122 020103 020100 020101 020100 020101 020300fff8 020102
           0400""",
    ),
    Row(
        "domain parameters in two bytes each (rdesktop, constructed)",
        DomainParameters(34, 2, 0, 1, 0, 1, 0xFFFF, 2, (2, 2, 2, 2, 2, 2, 2, 2)),
        "3020 02020022 02020002 02020000 02020001 02020000 02020001 0202ffff 02020002",
    ),
]

TestRows = row_tests(ROWS)


def test_long_forms_of_lengths_are_read() -> None:
    short = encode(ConnectResponse(b"x" * 10))
    assert short[:3] == bytes.fromhex("7f66 2e")
    long = bytes.fromhex("7f66 8300002f") + short[3:-11] + bytes.fromhex("810a") + short[-10:]
    assert decode(ConnectResponse, long) == decode(ConnectResponse, short)


def test_client_user_data_has_a_limit() -> None:
    largest = ConnectInitial(bytes(MAX_CLIENT_USER_DATA_SIZE))
    assert decode(ConnectInitial, encode(largest)) == largest
    with pytest.raises(DecodeError) as caught:
        decode(ConnectInitial, encode(ConnectInitial(bytes(MAX_CLIENT_USER_DATA_SIZE + 1))))
    assert caught.value.path == "ConnectInitial.userData"
    assert caught.value.reason == "4097 bytes, at most 4096 allowed"


def test_a_parameter_that_does_not_fit_is_named() -> None:
    with pytest.raises(EncodeError, match=r"ConnectResponse\.domainParameters\.maxHeight: -1, expected 0 to"):
        encode(ConnectResponse(b"", domain_parameters=replace(SERVER_PARAMETERS, max_height=-1)))


def test_the_sequence_ends_with_the_protocol_version() -> None:
    data = encode(SERVER_PARAMETERS)
    with pytest.raises(DecodeError, match=r"DomainParameters\.sequence: 3 bytes too many"):
        decode(DomainParameters, bytes([data[0], data[1] + 3]) + data[2:] + b"\2\1\0")


def test_sizes_are_style_only() -> None:
    assert replace(SERVER_PARAMETERS, integer_sizes=(4,) * 8) == SERVER_PARAMETERS


def merge(
    target: dict[str, int] | None = None,
    minimum: dict[str, int] | None = None,
    maximum: dict[str, int] | None = None,
) -> DomainParameters | None:
    def changed(parameters: DomainParameters, changes: dict[str, int] | None) -> DomainParameters:
        values = {name: getattr(parameters, name) for name in PARAMETER_NAMES} | (changes or {})
        return DomainParameters(**values)

    return merge_domain_parameters(
        changed(CLIENT_TARGET_PARAMETERS, target),
        changed(CLIENT_MINIMUM_PARAMETERS, minimum),
        changed(CLIENT_MAXIMUM_PARAMETERS, maximum),
    )


PARAMETER_NAMES = (
    "max_channel_ids",
    "max_user_ids",
    "max_token_ids",
    "num_priorities",
    "min_throughput",
    "max_height",
    "max_mcs_pdu_size",
    "protocol_version",
)


def test_what_mstsc_asks_for_merges_into_what_windows_answers() -> None:
    assert merge() == SERVER_PARAMETERS


@pytest.mark.parametrize(
    ("target", "name", "value"),
    [
        ({"max_channel_ids": 3}, "max_channel_ids", 4),
        ({"max_channel_ids": 4}, "max_channel_ids", 4),
        ({"max_user_ids": 5}, "max_user_ids", 5),
        ({"max_token_ids": 9}, "max_token_ids", 9),
        ({"min_throughput": 7}, "min_throughput", 7),
        ({"max_mcs_pdu_size": 123}, "max_mcs_pdu_size", 65535),
        ({"max_mcs_pdu_size": 124}, "max_mcs_pdu_size", 124),
        ({"max_mcs_pdu_size": 65528}, "max_mcs_pdu_size", 65528),
        ({"max_mcs_pdu_size": 65529}, "max_mcs_pdu_size", 65528),
        ({"protocol_version": 1}, "protocol_version", 2),
        ({"max_height": 2}, "max_height", 1),
    ],
)
def test_merged_values(target: dict[str, int], name: str, value: int) -> None:
    merged = merge(target)
    assert merged is not None
    assert getattr(merged, name) == value


@pytest.mark.parametrize(
    ("target", "minimum", "maximum"),
    [
        ({"max_channel_ids": 3}, {}, {"max_channel_ids": 3}),
        ({}, {}, {"max_user_ids": 2}),
        ({}, {"num_priorities": 2}, {}),
        ({"max_height": 2}, {"max_height": 2}, {}),
        ({"max_mcs_pdu_size": 123}, {}, {"max_mcs_pdu_size": 123}),
        ({"max_mcs_pdu_size": 65529}, {"max_mcs_pdu_size": 123}, {}),
        ({"max_mcs_pdu_size": 65529}, {"max_mcs_pdu_size": 65529}, {}),
        ({"protocol_version": 3}, {"protocol_version": 3}, {}),
        ({"protocol_version": 1}, {}, {"protocol_version": 1}),
    ],
)
def test_parameters_that_cannot_be_met(
    target: dict[str, int], minimum: dict[str, int], maximum: dict[str, int]
) -> None:
    assert merge(target, minimum, maximum) is None


U32 = st.integers(0, 0xFFFFFFFF)
PARAMETERS = st.builds(DomainParameters, U32, U32, U32, U32, U32, U32, U32, U32)
PDUS = st.one_of(
    st.builds(
        ConnectInitial,
        st.binary(max_size=300),
        PARAMETERS,
        PARAMETERS,
        PARAMETERS,
        st.binary(max_size=255),
        st.binary(max_size=255),
        st.booleans(),
    ),
    st.builds(
        ConnectResponse,
        st.binary(max_size=300),
        st.builds(Result, st.integers(0, 255)),
        PARAMETERS,
        U32,
    ),
)


@given(PDUS)
@settings(max_examples=60)
def test_generated_pdus_come_back(pdu: ConnectInitial) -> None:
    data = encode(pdu)
    decoded = decode(type(pdu), data)
    assert decoded == pdu
    assert encode(decoded) == data


@given(st.sampled_from([ConnectInitial, ConnectResponse]), st.binary(max_size=60))
@settings(max_examples=60)
def test_garbage_raises_only_peer_errors(cls: type[ConnectInitial], data: bytes) -> None:
    head = b"\x7f\x65" if cls is ConnectInitial else b"\x7f\x66"
    with pytest.raises(PeerError):
        decode(cls, head + bytes([len(data) + 1]) + data)
    with pytest.raises(PeerError):
        decode(cls, head + data[:2])
