"""Input, pointer, large pointer and sound sets."""

from hypothesis import strategies as st

from pyrdpmux.rdp.pdu.capabilities.input import (
    InputCapability,
    InputFlags,
    LargePointerCapability,
    LargePointerFlags,
    PointerCapability,
    SoundCapability,
)
from tests.rdp.pdu.capabilities.sets import decode_capability, encode_capability
from tests.rdp.pdu.properties import property_tests, structure, text, u16, u32
from tests.rows import Row, row_tests

ROWS = [
    Row(
        "pointer (Windows Server 2016, shared/vectors Example_1)",
        PointerCapability(),
        """0800  # capabilitySetType
           0a00  # lengthCapability
           0100  # colorPointerFlag
           1900  # colorPointerCacheSize
           1900  # pointerCacheSize""",
        decode=decode_capability,
        encode=encode_capability,
    ),
    Row(
        "large pointer (Windows Server 2016, shared/vectors Example_1)",
        LargePointerCapability(flags=LargePointerFlags.UP_TO_96X96),
        """1b00  # capabilitySetType
           0600  # lengthCapability
           0100  # largePointerSupportFlags""",
        decode=decode_capability,
        encode=encode_capability,
    ),
    Row(
        "input (Windows Server 2016, shared/vectors Example_1)",
        InputCapability(
            input_flags=InputFlags.SCANCODES
            | InputFlags.MOUSEX
            | InputFlags.UNICODE
            | InputFlags.FASTPATH_INPUT2
            | InputFlags.UNUSED1
            | InputFlags.MOUSE_HWHEEL
            | InputFlags.QOE_TIMESTAMPS
        ),
        """0d00  # capabilitySetType
           5800  # lengthCapability
           7503  # inputFlags
           0000  # pad2octetsA
           00000000  # keyboardLayout
           00000000  # keyboardType
           00000000  # keyboardSubType
           00000000  # keyboardFunctionKey
           0000000000000000000000000000000000000000000000000000000000000000
           0000000000000000000000000000000000000000000000000000000000000000  # imeFileName""",
        decode=decode_capability,
        encode=encode_capability,
    ),
    Row(
        "pointer (mstsc, shared/vectors Example_1)",
        PointerCapability(color_pointer_cache_size=20, pointer_cache_size=21),
        """0800  # capabilitySetType
           0a00  # lengthCapability
           0100  # colorPointerFlag
           1400  # colorPointerCacheSize
           1500  # pointerCacheSize""",
        decode=decode_capability,
        encode=encode_capability,
    ),
    Row(
        "input (mstsc, shared/vectors Example_1)",
        InputCapability(
            input_flags=InputFlags.SCANCODES | InputFlags.UNICODE | InputFlags.MOUSE_RELATIVE,
            keyboard_layout=1033,
            keyboard_type=4,
            keyboard_function_key=12,
        ),
        """0d00  # capabilitySetType
           5800  # lengthCapability
           9100  # inputFlags
           2000  # pad2octetsA
           09040000  # keyboardLayout
           04000000  # keyboardType
           00000000  # keyboardSubType
           0c000000  # keyboardFunctionKey
           0000000000000000000000000000000000000000000000000000000000000000
           0000000000000000000000000000000000000000000000000000000000000000  # imeFileName""",
        decode=decode_capability,
        encode=encode_capability,
        lossless=False,  # padding is filled
    ),
    Row(
        "sound (mstsc, shared/vectors Example_1)",
        SoundCapability(sound_flags=1),
        """0c00  # capabilitySetType
           0800  # lengthCapability
           0100  # soundFlags
           0000  # pad2octetsA""",
        decode=decode_capability,
        encode=encode_capability,
    ),
    Row(
        "large pointer (mstsc, shared/vectors Example_1)",
        LargePointerCapability(flags=LargePointerFlags.UP_TO_96X96),
        """1b00  # capabilitySetType
           0600  # lengthCapability
           0100  # largePointerSupportFlags""",
        decode=decode_capability,
        encode=encode_capability,
    ),
    Row(
        "input without the IME file name (constructed)",
        InputCapability(InputFlags.SCANCODES, 0x409, 4, 0, 12, None),
        "0d00 1800 0100 0000 09040000 04000000 00000000 0c000000",
        decode=decode_capability,
        encode=encode_capability,
    ),
    Row(
        "input with an IME file name (constructed)",
        InputCapability(InputFlags.UNICODE, ime_file_name="imjp"),
        """0d00 5800 1000 0000 00000000 00000000 00000000 00000000
           69006d006a007000 0000000000000000 00000000000000000000000000000000
           00000000000000000000000000000000 00000000000000000000000000000000""",
        decode=decode_capability,
        encode=encode_capability,
    ),
    Row(
        "pointer without pointerCacheSize (rdesktop, constructed)",
        PointerCapability(0, 20, None),
        "0800 0800 0000 1400",
        decode=decode_capability,
        encode=encode_capability,
    ),
    Row(
        "large pointer, both sizes (constructed)",
        LargePointerCapability(LargePointerFlags.UP_TO_96X96 | LargePointerFlags.UP_TO_384X384),
        "1b00 0600 0300",
        decode=decode_capability,
        encode=encode_capability,
    ),
]

TestRows = row_tests(ROWS)

CASES = {
    "input": structure(InputCapability, u16.map(InputFlags), u32, u32, u32, u32, st.none() | text),
    "pointer": structure(PointerCapability, u16, u16, st.none() | u16),
    "large pointer": structure(LargePointerCapability, u16.map(LargePointerFlags)),
    "sound": structure(SoundCapability, u16),
}

TestProperties = property_tests(CASES)
