import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrdpmux.codec.color import Pixels
from pyrdpmux.mux.gateway.picker import (
    COLUMN,
    FOOT_HEIGHT,
    HEADING_HEIGHT,
    HELP,
    MARGIN,
    ROW_HEIGHT,
    SELECTED,
    Entry,
    Picker,
    draw,
)
from pyrdpmux.rdp.pdu.input import (
    InputEvent,
    KeyboardEvent,
    KeyboardFlags,
    MouseEvent,
    PointerFlags,
    UnicodeEvent,
    wheel_flags,
)

NAMES = ["alpha", "beta", "build1", "build2", "mail"]
UP, DOWN, HOME, END, ENTER, KEY_B, KEY_M = 0x48, 0x50, 0x47, 0x4F, 0x1C, 0x30, 0x32
CLICK = PointerFlags.BUTTON1 | PointerFlags.DOWN


def picker(*names: str, height: int = 480) -> Picker:
    made = Picker()
    made.resize(height)
    made.show([Entry(name) for name in names or NAMES])
    return made


def picture_of(made: Picker, width: int, height: int) -> Pixels:
    """All strips, one below the other, which leaves no gap."""
    made.resize(height)
    strips = list(made.strips(height))
    assert [strip.top for strip in strips] == [sum(s.height for s in strips[:n]) for n in range(len(strips))]
    return np.concatenate([draw(strip, width) for strip in strips])


def press(code: int) -> KeyboardEvent:
    return KeyboardEvent(KeyboardFlags(0), code)


def row(number: int, flags: PointerFlags = PointerFlags.MOVE) -> MouseEvent:
    return MouseEvent(flags, 50, HEADING_HEIGHT + number * ROW_HEIGHT + 3)


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([], "alpha"),
        ([press(DOWN)], "beta"),
        ([press(DOWN), press(DOWN), press(UP)], "beta"),
        ([press(UP)], "alpha"),
        ([press(END)], "mail"),
        ([press(END), press(DOWN), press(HOME)], "alpha"),
        ([press(KEY_B)], "beta"),
        ([press(KEY_B), press(KEY_B)], "build1"),
        ([press(KEY_B)] * 4, "beta"),
        ([press(KEY_M)], "mail"),
        ([press(0x2C)], "alpha"),  # z: there is none
        ([UnicodeEvent(KeyboardFlags(0), ord("M"))], "mail"),
        ([row(3)], "build2"),
        ([row(3), row(9)], "build2"),
        ([row(-1)], "alpha"),
        ([MouseEvent(PointerFlags.WHEEL | wheel_flags(-120), 0, 0)], "beta"),
        ([KeyboardEvent(KeyboardFlags.RELEASE, DOWN)], "alpha"),
    ],
)
def test_selecting(events: list[InputEvent], expected: str) -> None:
    made = picker()
    assert [made.take(event) for event in events] == [None] * len(events)
    assert made.take(press(ENTER)) == expected


def test_a_click_opens() -> None:
    assert picker().take(row(2, CLICK)) == "build1"
    assert picker().take(row(5, CLICK)) is None
    assert picker().take(row(2, PointerFlags.BUTTON1)) is None  # let go


def test_nothing_to_choose() -> None:
    made = Picker()
    for event in (press(ENTER), press(DOWN), press(KEY_B), row(0, CLICK)):
        assert made.take(event) is None
    assert picture_of(made, 640, 480).any()


def test_a_long_list_scrolls() -> None:
    names = [f"vm{number:03}" for number in range(200)]
    made = picker(*names, height=HEADING_HEIGHT + 5 * ROW_HEIGHT + FOOT_HEIGHT)
    assert made.take(row(4, CLICK)) == "vm004"
    assert made.take(row(5, CLICK)) is None
    for _ in range(10):
        made.take(press(DOWN))
    assert made.take(press(ENTER)) == "vm014"
    assert made.take(row(0, CLICK)) == "vm010"
    made.take(press(0x51))  # page down
    assert made.take(press(ENTER)) == "vm015"
    made.take(press(END))
    assert made.take(row(0, CLICK)) == "vm195"


def test_the_help_fits_into_an_ordinary_window() -> None:
    assert all(MARGIN + len(line) * COLUMN <= 1024 for line in HELP)


def test_the_selection_follows_its_name() -> None:
    made = picker()
    made.take(press(END))
    assert not made.show([Entry(name) for name in NAMES])
    assert made.show([Entry("a new one"), *[Entry(name) for name in NAMES]])
    assert made.take(press(ENTER)) == "mail"
    made.show([Entry("alpha"), Entry("beta")])
    assert made.take(press(ENTER)) == "beta"
    made.show([])
    assert made.take(press(ENTER)) is None


def test_another_selection_changes_two_rows() -> None:
    """Nothing else is drawn again."""
    made = picker()
    before = list(made.strips(480))
    made.take(press(DOWN))
    after = list(made.strips(480))
    assert sum(one != other for one, other in zip(before, after, strict=True)) == 2


def test_the_selected_row_stands_out() -> None:
    made = picker()
    made.take(press(DOWN))
    picture = picture_of(made, 640, 480)
    is_selected = (picture[..., :3] == SELECTED).all(axis=2).any(axis=1)
    assert is_selected[HEADING_HEIGHT + ROW_HEIGHT + 1]
    assert not is_selected[: HEADING_HEIGHT + ROW_HEIGHT].any()
    assert not is_selected[HEADING_HEIGHT + 2 * ROW_HEIGHT :].any()


@given(
    st.lists(
        st.builds(press, st.integers(0, 127))
        | st.builds(
            MouseEvent, st.sampled_from(list(PointerFlags)), st.integers(0, 2000), st.integers(0, 2000)
        )
        | st.builds(UnicodeEvent, st.just(KeyboardFlags(0)), st.integers(0, 0xFFFF)),
        max_size=30,
    ),
    st.integers(0, 40),
    st.integers(1, 900),
)
@settings(max_examples=60)
def test_no_input_breaks_it(events: list[InputEvent], count: int, height: int) -> None:
    names = [f"vm{number}" for number in range(count)]
    made = picker(*names, height=height)
    for event in events:
        assert made.take(event) in (None, *NAMES, *names)
    assert picture_of(made, 200, height).shape == (height, 200, 4)
