"""TLS's own messages: refusals and garbage; tests/harness/capture/test_tls_capture.py has OpenSSL's."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrdpmux.errors import DecodeError
from pyrdpmux.harness.capture.stream import Run
from pyrdpmux.harness.capture.tls_ciphers import SUITES
from pyrdpmux.harness.capture.tls_hello import (
    Alert,
    AlertDescription,
    CertificateMessage,
    CipherSuite,
    HandshakeMessage,
    HandshakeType,
    ServerHello,
    TlsVersion,
    decode_alert,
    decode_handshake,
)
from pyrdpmux.harness.capture.tls_records import ContentType, Record, Skipped, split_records
from tests.rows import unhex

RANDOM = bytes(range(32)).hex()
SERVER_HELLO = f"02 00002e 0303 {RANDOM} 00 1302 00 0006 002b 0002 0304"


def test_a_server_hello_of_tls_1_3() -> None:
    hello = ServerHello(TlsVersion.TLS_1_3, bytes(range(32)), CipherSuite.AES_256_GCM_SHA384)
    assert decode_handshake(unhex(SERVER_HELLO)) == hello
    assert not hello.is_retry


def test_a_server_hello_without_extensions() -> None:
    hello = decode_handshake(unhex(f"02 000026 0301 {RANDOM} 00 002f 00"))
    assert hello == ServerHello(TlsVersion.TLS_1_0, bytes(range(32)), CipherSuite.RSA_WITH_AES_128_CBC_SHA)


def test_what_is_not_looked_at_has_type_and_size() -> None:
    assert decode_handshake(unhex("0e 000002 abcd")) == HandshakeMessage(HandshakeType.SERVER_HELLO_DONE, 2)
    assert decode_handshake(unhex("63 000000")) == HandshakeMessage(HandshakeType(0x63), 0)


def test_a_certificate_that_is_none_says_so() -> None:
    message = decode_handshake(unhex("0b 000009 000006 000003 300100"))
    assert isinstance(message, CertificateMessage)
    assert message.certificates[0].subject.startswith("not readable: ")


def test_every_suite_that_can_be_decrypted_has_a_name() -> None:
    assert set(SUITES) <= {suite.value for suite in CipherSuite}


def test_an_alert() -> None:
    assert decode_alert(unhex("02 28")) == Alert(2, AlertDescription.HANDSHAKE_FAILURE)


@pytest.mark.parametrize("size", range(len(unhex(SERVER_HELLO))))
def test_every_truncation_is_refused(size: int) -> None:
    with pytest.raises(DecodeError):
        decode_handshake(unhex(SERVER_HELLO)[:size])


@settings(max_examples=200, deadline=None)
@given(
    st.sampled_from([b"", b"\1\0\0\x40", b"\2\0\0\x40", b"\x0b\0\0\x40"]),
    st.binary(max_size=80),
    st.booleans(),
)
def test_garbage_raises_decode_errors_only(start: bytes, rest: bytes, is_tls13: bool) -> None:
    with contextlib.suppress(DecodeError):
        decode_handshake(start + rest.ljust(64, b"\0")[:64], is_tls13=is_tls13)
    with contextlib.suppress(DecodeError):
        decode_alert(rest)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.sampled_from([b"\x17\x03\x03\0\2ab", b"\x16\x03\1\0\0", b"\x17\x03"]) | st.binary(max_size=9))
)
def test_every_byte_is_in_a_record_or_skipped(pieces: list[bytes]) -> None:
    data = b"".join(pieces)
    run = Run()
    if data:
        run.append(data, 1, 1.0)
    size = sum(
        5 + len(item.fragment) if isinstance(item, Record) else item.size for item in split_records(run)
    )
    assert size == len(data)


def test_a_record_is_found_behind_bytes_that_are_none() -> None:
    run = Run()
    run.append(b"\x17\x03\x09" + b"\x17\x03\x03\0\2ab" * 3, 4, 1.0)
    skipped, *records = split_records(run)
    assert isinstance(skipped, Skipped)
    assert (skipped.size, skipped.reason) == (3, "offset 0: no TLS record begins here")
    assert [r.kind for r in records if isinstance(r, Record)] == [ContentType.APPLICATION_DATA] * 3
