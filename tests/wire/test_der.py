"""The bounds around pyasn1."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyasn1.type import namedtype, univ

from pyrdpmux.errors import DecodeError, LimitExceeded
from pyrdpmux.wire import Reader
from pyrdpmux.wire.der import (
    FRAME_HEADER_SIZE,
    MAX_DEPTH,
    MAX_ELEMENTS,
    MAX_SIZE,
    RawOid,
    frame_size,
    integer,
    octets,
    optional,
    read_der,
    required,
    to_der,
)

SPEC = univ.Sequence(
    componentType=namedtype.NamedTypes(
        required("number", 0, univ.Integer()),
        optional("text", 1, univ.OctetString()),
        optional("oid", 2, RawOid()),
    )
)


def read(data: bytes) -> tuple[int | None, bytes | None, bytes | None]:
    value = read_der(Reader(data, "Spec"), SPEC)
    return integer(value, "number"), octets(value, "text"), octets(value, "oid")


def test_components_are_read_and_written() -> None:
    data = bytes.fromhex("3010 a003020105 a1030401ff a204 06022a03")
    assert read(data) == (5, b"\xff", b"\x2a\x03")
    value = read_der(Reader(data, "Spec"), SPEC)
    assert to_der(value) == data
    assert read(bytes.fromhex("3005 a003020105")) == (5, None, None)


@pytest.mark.parametrize(
    ("data", "path", "reason", "offset"),
    [
        ("", "Spec.DER.tag", "need 1 bytes", 0),
        ("3080 a003020105 0000", "Spec.DER.length", "not a definite length", 1),
        ("3085 0000000005 a003020105", "Spec.DER.length", "not a definite length", 1),
        ("3006 a003020105", "Spec.DER.30", "need 6 bytes, 5 left", 2),
        ("3005 a004020105", "Spec.DER.30.a0", "need 4 bytes", 4),
        ("3005 a003020205", "Spec.DER.30.a0.contents", "need 2 bytes", 6),
        ("3005 bf1f020105", "Spec.DER.30.tag", "several bytes", 2),
        ("3005 a003020105 00", "Spec.DER", "1 bytes too many", 7),
        ("0401ff", "Spec.DER", "not the ASN.1 structure", 0),
        ("3003 800105", "Spec.DER", "not the ASN.1 structure", 0),
        ("3000", "Spec.DER", "not the ASN.1 structure", 0),
        ("300a a003020105 a003020105", "Spec.DER", "not the ASN.1 structure", 0),
    ],
)
def test_what_is_wrong_is_named(data: str, path: str, reason: str, offset: int) -> None:
    with pytest.raises(DecodeError, match=reason) as caught:
        read(bytes.fromhex(data))
    assert (caught.value.path, caught.value.offset) == (path, offset)


def nest(levels: int) -> bytes:
    data = b""
    for _ in range(levels):
        size = len(data)
        data = (b"\x30" + bytes([size]) if size < 128 else b"\x30\x82" + size.to_bytes(2, "big")) + data
    return data


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(DecodeError, match="levels"):
        read(nest(MAX_DEPTH + 1))
    with pytest.raises(DecodeError, match="levels"):
        read(nest(3000))


def test_many_elements_are_refused() -> None:
    content = b"\x05\x00" * MAX_ELEMENTS
    with pytest.raises(DecodeError, match="elements"):
        read(b"\x30\x82" + len(content).to_bytes(2, "big") + content)


def test_a_large_value_is_refused_before_it_is_walked() -> None:
    with pytest.raises(DecodeError, match="at most"):
        read(bytes(MAX_SIZE + 1))


@pytest.mark.parametrize("tag", [2, 10])
def test_long_numbers_are_refused(tag: int) -> None:
    assert read(bytes.fromhex("300c a00a 0208 7fffffffffffffff"))[0] == 2**63 - 1
    number = bytes([tag]) + b"\x82\xea\x60" + b"\x7f" * 60000
    tagged = b"\xa0\x82\xea\x64" + number
    with pytest.raises(DecodeError, match="a number of 60000 bytes"):
        read(b"\x30\x82" + len(tagged).to_bytes(2, "big") + tagged)


def test_long_names_cost_little() -> None:
    # An OBJECT IDENTIFIER with one endless arc.
    oid = b"\x06\x82\xea\x60" + b"\xff" * 60000
    tagged = bytes.fromhex("a003020105") + b"\xa2\x82\xea\x64" + oid
    assert len(read(b"\x30\x82" + len(tagged).to_bytes(2, "big") + tagged)[2] or b"") == 60000


@pytest.mark.parametrize(
    ("header", "size"),
    [
        ("", None),
        ("30", None),
        ("3005", 7),
        ("307f", 129),
        ("3081", None),
        ("308180", 131),
        ("3082", None),
        ("308201", None),
        ("30820100", 260),
        ("308301", None),
        ("3083010000", 65541),
        ("3084000000", None),
        ("308400000005", 11),
    ],
)
def test_frame_sizes(header: str, size: int | None) -> None:
    data = bytes.fromhex(header)
    assert frame_size(data) == size
    assert size is None or frame_size(data + bytes(10)) == size
    assert len(data) <= FRAME_HEADER_SIZE


@pytest.mark.parametrize("header", ["04", "16030100", "3080", "3085", "30ff"])
def test_no_frame_begins_like_that(header: str) -> None:
    with pytest.raises(DecodeError):
        frame_size(bytes.fromhex(header))


def test_a_frame_has_a_limit() -> None:
    assert frame_size(bytes.fromhex("30830 1fffb".replace(" ", ""))) == MAX_SIZE
    with pytest.raises(LimitExceeded):
        frame_size(bytes.fromhex("308301fffc"))
    with pytest.raises(LimitExceeded):
        frame_size(bytes.fromhex("3084ffffffff"))


@given(st.binary(max_size=60))
def test_random_bytes_raise_decode_errors_only(data: bytes) -> None:
    for candidate in (data, b"\x30" + bytes([len(data)]) + data):
        with suppress(DecodeError):
            assert read(candidate)[0] is not None
