"""The bytes of section 4.5, as captured from the C library, and everything that is not a message."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pyrdpmux.errors import BackendError
from pyrdpmux.mux.librdpmux.messages import (
    MESSAGES,
    DisplaySwitch,
    DisplayUpdate,
    DisplayUpdatePair,
    Keyboard,
    Message,
    Mouse,
    Shutdown,
    UpdateComplete,
    decode_message,
    encode_message,
    looks_like_update,
    numbering_of,
)
from tests.rows import unhex

CAPTURED = [  # the message, its own bytes, padding
    (DisplaySwitch(0x20020888, 800, 600), "94 01 ce20020888 cd0320 cd0258", 11),
    (DisplaySwitch(0x10020565, 640, 480), "94 01 ce10020565 cd0280 cd01e0", 11),
    (DisplayUpdate(0, 0, 800, 600), "95 00 00 00 cd0320 cd0258", 14),
    (DisplayUpdate(100, 200, 300, 40), "95 00 64 ccc8 cd012c 28", 15),
    (DisplayUpdate(96, 192, 304, 48), "95 00 60 ccc0 cd0130 30", 15),
    (Shutdown(), "91 05", 22),
    (DisplayUpdate(688, 96, -16, 64), "95 00 cd02b0 60 cffffffffffffffff0 40", 8),  # a stale rectangle
    (Keyboard(0x1E, 0x4000), "93 03 1e cd4000", 0),
    (Keyboard(0x1E, 0x8000), "93 03 1e cd8000", 0),
    (Keyboard(0x1D, 0x4100), "93 03 1d cd4100", 0),
    (Mouse(700, 5, 0x0800), "94 02 cd02bc 05 cd0800", 0),
    (Mouse(700, 5, 0x9000), "94 02 cd02bc 05 cd9000", 0),
    (UpdateComplete(), "92 04 01", 0),  # protocols 1 and 2
    (UpdateComplete(frame_rate=25), "93 04 01 19", 0),  # protocol 3
]
CAPTURED_FROM_1 = [  # protocols 4 and 5
    (DisplaySwitch(0x20020888, 800, 600), "94 02 ce20020888 cd0320 cd0258", 11),
    (DisplaySwitch(0x10020565, 640, 480), "94 02 ce10020565 cd0280 cd01e0", 11),
    (DisplayUpdate(0, 0, 800, 600), "95 01 00 00 cd0320 cd0258", 14),
    (DisplayUpdate(96, 192, 304, 48), "95 01 60 ccc0 cd0130 30", 15),
    (Shutdown(), "91 06", 22),
    (DisplayUpdate(688, 96, -16, 64), "95 01 cd02b0 60 cffffffffffffffff0 40", 8),
    (Keyboard(0x1E, 0x4000), "93 04 1e cd4000", 0),
    (Keyboard(0x1E, 0x8000), "93 04 1e cd8000", 0),
    (Keyboard(0x1D, 0x4100), "93 04 1d cd4100", 0),
    (Mouse(700, 5, 0x0800), "94 03 cd02bc 05 cd0800", 0),
    (Mouse(700, 5, 0x9000), "94 03 cd02bc 05 cd9000", 0),
    (UpdateComplete(frame_rate=25), "93 05 01 19", 0),
]
NUMBERED = [(0, *row) for row in CAPTURED] + [(1, *row) for row in CAPTURED_FROM_1]


@pytest.mark.parametrize(("base", "message", "text", "padding"), NUMBERED)
def test_captured_bytes(base: int, message: Message, text: str, padding: int) -> None:
    data = unhex(text)
    assert encode_message(message, base) == data
    if padding:
        assert len(data) + padding == 24
    assert decode_message(data + bytes(padding), base) == message
    assert decode_message(data + bytes(range(200, 200 + padding)), base) == message, "uninitialized heap"
    for size in range(len(data)):
        with pytest.raises(BackendError):
            decode_message(data[:size], base)


@pytest.mark.parametrize(
    ("base", "text", "padding"), [(base, text, padding) for base, _, text, padding in NUMBERED if padding]
)
def test_the_numbering_shows_in_whatever_a_vm_sends(base: int, text: str, padding: int) -> None:
    assert numbering_of(unhex(text) + bytes(padding)) == base


@pytest.mark.parametrize("text", ["", "c1", "90", "92 04 01", "93 03 1e cd4000", "c0"])
def test_the_numbering_of_what_no_vm_sends(text: str) -> None:
    assert numbering_of(unhex(text)) is None


@pytest.mark.parametrize(("base", "message", "text", "padding"), NUMBERED)
def test_an_update_is_known_by_its_beginning(base: int, message: Message, text: str, padding: int) -> None:
    assert looks_like_update(unhex(text), base) is isinstance(message, DisplayUpdate)
    assert not looks_like_update(unhex(text)[:1], base)


@pytest.mark.parametrize("base", [0, 1])
def test_a_pair_is_known_by_its_beginning(base: int) -> None:
    pair = encode_message(DisplayUpdatePair(1, 2, 3, 4, 500, 600, 7, 8), base)
    assert pair == bytes([0x99, 8 + base]) + unhex("01 02 03 04 cd01f4 cd0258 07 08")
    assert looks_like_update(pair, base)
    assert not looks_like_update(pair, 1 - base)


def test_type_0_is_nothing_where_they_count_from_1() -> None:
    with pytest.raises(BackendError, match="type 0, expected 1 to 9"):
        decode_message(unhex("95 00 00 00 cd0320 cd0258"), 1)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "msgpack"),
        ("90", "no array"),
        ("05", "no array"),
        ("c0", "no array"),
        ("91 09", "type 9"),
        ("91 ff", "type -1"),
        ("91 cfffffffffffffffff", "type -1"),
        ("91 04", "UpdateComplete with 0"),
        ("94 00 00 00 05", "DisplayUpdate with 3"),
        ("95 01 ce20020888 cd0320 cd0258 01", "DisplaySwitch with 4"),
        ("95 00 00 00 cd0320 c3", "True"),
        ("95 00 00 00 cd0320 c0", "None"),
        ("95 00 00 00 cd0320 91 00", "only integers"),
        ("95 00 00 00 cd0320 cb 4000000000000000", "2.0"),
        ("95 00 00 00 cd0320 a1 41", "only integers"),
        ("95 00 00 00 cd0320 d6ff 00000000", "only integers"),  # a timestamp
        ("dd ffffffff 00", "msgpack"),
        ("df ffffffff 00", "msgpack"),
        ("c6 ffffffff 00", "msgpack"),
        ("81 00 00", "msgpack"),
        ("c1", "msgpack"),
        ("91" * 2000, "msgpack"),
    ],
)
def test_refused(text: str, complaint: str) -> None:
    with pytest.raises(BackendError, match=complaint):
        decode_message(unhex(text))


@given(st.binary(max_size=64))
@example(bytes.fromhex("93ffffff"))
def test_whatever_the_bytes(data: bytes) -> None:
    try:
        message = decode_message(data)
    except BackendError:
        return
    assert decode_message(encode_message(message)) == message


@given(st.data())
def test_values_come_back(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(MESSAGES))
    values = data.draw(st.lists(st.integers(-(2**63), 2**63 - 1), min_size=8, max_size=8))
    message = kind(*values[: len(kind.__slots__)])
    assert decode_message(encode_message(message)) == message
