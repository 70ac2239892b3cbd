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
from tests.rdp.pdu.properties import property_tests, short_bytes, structure, u8, u16, u32
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
        refuses_trailing=False,
    ),
    Row(
        "font map with entries, as long as redemption's (constructed)",
        FontMap(SequenceFlags(0x28), 0x2FF, 0xB6, 0, bytes(164)),
        "ff02 b600 2800 0000" + "00" * 164,
        refuses_trailing=False,
        valid_prefixes=tuple(range(8, 172)),
    ),
    Row(
        "persistent keys (MS-RDPBCGR 4.1.17)",
        PersistentKeyList(
            keys=(
                (),
                (),
                (
                    8656526823348313763,
                    12134572946556057441,
                    17770761802695003716,
                    175855600631320889,
                    15877645472164915871,
                    14898534658451877755,
                    15473416965973129832,
                    18321181373093651153,
                    17704735414194039864,
                    9870839456995003461,
                    6039316530982667237,
                    2928836264889264138,
                    14483621590474719600,
                    1967514788718687714,
                    1591102734806453618,
                    14512412503822985811,
                    14279867899317024620,
                    6234610819118027778,
                    10892973323990141484,
                    4501739220243189603,
                    8898172696605585609,
                    16006993358857054329,
                    6197582186741210315,
                    1938639169681153892,
                    12938994193012148099,
                ),
                (),
                (),
            ),
            total_entries=(
                0,
                0,
                25,
                0,
                0,
            ),
        ),
        """0000 0000 1900 0000 0000 0000 0000 1900 0000 0000 03 00 0000
           a31e511648292278 61f7899ccda966a8 444eb7bdb46d9ef6 399164afbcc37002
           9faafafd6eba58dc 7bafde06563ac2ce 68ba54b6bf9ebcd6 d122c09863e941fe
           386c50350edbb3f5 45cc182d3044fc88 e5c35d2363f6cf53 0aa801b61051a528
           70816c59192900c9 e2b5e7a746044e1b 728d4add81bb1416 536a4e3c487266c9
           6c774b4a32482cc6 025456f281c98556 2c0a3d54869d2b97 630f0a36f863793e
           c970414beca87c7b 7928b6b4a64324de cb9cffa2293c0256 64df80b00d6ee71a
           83c75431aa8a90b3  # header""",
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
    "font map": structure(FontMap, u16.map(SequenceFlags), u16, u16, u16, short_bytes),
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
