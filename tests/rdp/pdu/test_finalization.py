"""Synchronize, control, fonts and persistent keys, without their share headers."""

import pytest
from hypothesis import strategies as st

from pyrdpmux.errors import DecodeError, EncodeError
from pyrdpmux.rdp.pdu.finalization import (
    Control,
    ControlAction,
    FontList,
    FontMap,
    PersistentKeyList,
    SequenceFlags,
    Synchronize,
)
from pyrdpmux.wire import decode, encode
from tests.rdp.pdu.properties import property_tests, structure, u8, u16, u32
from tests.rows import Row, row_tests

KEYS = st.lists(st.integers(0, 2**64 - 1), max_size=3).map(tuple)

ROWS = [
    Row(
        "synchronize (mstsc, shared/vectors Example_1)",
        Synchronize(target_user=1002),
        """0100  # messageType
           ea03  # targetUser""",
    ),
    Row(
        "control: granted (Windows Server 2016, shared/vectors Example_1)",
        Control(action=ControlAction.GRANTED_CONTROL, grant_id=1009, control_id=1002),
        """0200  # action
           f103  # grantId
           ea030000  # controlId""",
    ),
    Row(
        "control: cooperate (mstsc, shared/vectors Example_1)",
        Control(action=ControlAction.COOPERATE),
        """0400  # action
           0000  # grantId
           00000000  # controlId""",
    ),
    Row(
        "persistent keys: none (mstsc, shared/vectors Example_1)",
        PersistentKeyList(),
        """0000  # numEntriesCache0
           0000  # numEntriesCache1
           0000  # numEntriesCache2
           0000  # numEntriesCache3
           0000  # numEntriesCache4
           0000  # totalEntriesCache0
           0000  # totalEntriesCache1
           0000  # totalEntriesCache2
           0000  # totalEntriesCache3
           0000  # totalEntriesCache4
           03  # bBitMask
           00  # Pad2
           0000  # Pad3""",
    ),
    Row(
        "font list (mstsc, shared/vectors Example_1)",
        FontList(),
        """0000  # numberFonts
           0000  # totalNumFonts
           0300  # listFlags
           3200  # entrySize""",
    ),
    Row(
        "font map (Windows Server 2016, shared/vectors Example_1)",
        FontMap(),
        """0000  # numberEntries
           0000  # totalNumEntries
           0300  # mapFlags
           0400  # entrySize""",
    ),
    Row(
        "persistent keys of two caches (2.2.1.17.1, constructed)",
        PersistentKeyList(((0x0807060504030201,), (), (1, 2), (), ()), (1, 0, 20, 0, 0), SequenceFlags.FIRST),
        """0100 0000 0200 0000 0000  # numEntriesCache0 to 4
           0100 0000 1400 0000 0000  # totalEntriesCache0 to 4
           01 00 0000
           0102030405060708 0100000000000000 0200000000000000""",
    ),
]

TestRows = row_tests(ROWS)

CASES = {
    "synchronize": structure(Synchronize, u16, u16),
    "control": structure(Control, u16.map(ControlAction), u16, u32),
    "font list": structure(FontList, u16.map(SequenceFlags), u16, u16, u16),
    "font map": structure(FontMap, u16.map(SequenceFlags), u16, u16, u16),
    "keys": structure(
        PersistentKeyList,
        st.tuples(*[KEYS] * 5),
        st.tuples(*[st.integers(0, 50000)] * 5),
        u8.map(SequenceFlags),
    ),
}

TestProperties = property_tests(CASES)


def test_more_keys_than_bytes_are_refused_before_they_are_read() -> None:
    data = bytearray(encode(PersistentKeyList()))
    data[0:2] = b"\xff\xff"
    with pytest.raises(DecodeError, match="need 524280 bytes, 0 left"):
        decode(PersistentKeyList, bytes(data))


def test_a_total_beyond_the_specification_is_refused() -> None:
    data = encode(PersistentKeyList(total_entries=(0xFFFF,) * 5))
    with pytest.raises(DecodeError, match="327675 keys, at most 262144 allowed"):
        decode(PersistentKeyList, data)


def test_a_wrong_number_of_caches_is_not_written() -> None:
    with pytest.raises(EncodeError, match="4 caches, expected 5"):
        encode(PersistentKeyList(keys=((),) * 4))
    with pytest.raises(EncodeError, match="1 caches, expected 5"):
        encode(PersistentKeyList(total_entries=(1,)))
