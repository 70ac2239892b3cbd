"""The envelope: unknown sets, longer sets, wrong lengths, and the table of types."""

import pytest

from pyrdpmux.errors import DecodeError
from pyrdpmux.rdp.pdu.capabilities import (
    CAPABILITY_TYPES,
    Capability,
    CapabilitySetType,
    LongCapability,
    UnknownCapability,
    find_capability,
)
from pyrdpmux.rdp.pdu.capabilities.general import GeneralCapability, MultifragmentUpdateCapability
from pyrdpmux.rdp.pdu.capabilities.session import ShareCapability
from tests.rdp.pdu.capabilities.sets import decode_capability, encode_capability
from tests.rows import Row, row_tests

ROWS = [
    Row(
        "unknown type (constructed)",
        UnknownCapability(CapabilitySetType(0x77), b"\1\2\3"),
        "7700 0700 010203",
        decode=decode_capability,
        encode=encode_capability,
    ),
    Row(
        "longer than known (constructed)",
        LongCapability(ShareCapability(0x03EA), b"\xff"),
        "0900 0900 ea03 0000 ff",
        decode=decode_capability,
        encode=encode_capability,
    ),
]

TestRows = row_tests(ROWS)


def test_every_type_of_the_specification_has_a_class() -> None:
    assert set(CAPABILITY_TYPES) == set(CapabilitySetType)
    assert len(set(CAPABILITY_TYPES.values())) == len(CAPABILITY_TYPES) == 28
    assert set(CAPABILITY_TYPES.values()) == set(Capability.__args__)


def test_a_length_below_the_header_is_refused() -> None:
    with pytest.raises(DecodeError, match="3, at least 4 expected") as caught:
        decode_capability(bytes.fromhex("0100 0300"))
    assert caught.value.path == "CapabilitySet.lengthCapability"
    assert caught.value.offset == 2


def test_a_set_that_is_too_short_names_the_field() -> None:
    with pytest.raises(DecodeError, match="need 4 bytes, 2 left") as caught:
        decode_capability(bytes.fromhex("1a00 0600 ffff 0000"))
    assert caught.value.path == "CapabilitySet.MultifragmentUpdateCapability.MaxRequestSize"


def test_find_capability_looks_into_long_ones_and_takes_the_first() -> None:
    general = GeneralCapability(refresh_rect_support=1)
    sets = (ShareCapability(), LongCapability(general, b"\0"), GeneralCapability())
    assert find_capability(sets, GeneralCapability) is general
    assert find_capability(sets, ShareCapability) == ShareCapability()
    assert find_capability(sets, MultifragmentUpdateCapability) is None
