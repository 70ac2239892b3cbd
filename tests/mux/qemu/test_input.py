"""What QEMU is told of viewers' input, and how its answers are understood."""

from collections.abc import Callable
from typing import Any

import pytest

from pyrdpmux.mux.backend import Button, InputSink, ResizeSink
from pyrdpmux.mux.qemu.bus import CallFailed, Reply
from pyrdpmux.mux.qemu.input import QemuInput

INVALID = "org.qemu.Display1.Error.Invalid"


class Recorder:
    """Takes calls; answers when it is told to."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.replies: list[Reply] = []
        self.is_full = False

    def post(
        self,
        path: str,
        interface: str,
        member: str,
        signature: str,
        *body: object,
        reply: Reply | None = None,
    ) -> bool:
        assert path == "/c"
        if self.is_full:
            return False
        self.calls.append((member, *body))
        if reply is not None:
            self.replies.append(reply)
        return True

    def take(self) -> list[tuple[Any, ...]]:
        taken, self.calls = self.calls, []
        return taken

    def answer(self, name: str = "", text: str = "") -> None:
        self.replies.pop(0)(CallFailed(name, text) if name else None)


@pytest.fixture
def qemu() -> Recorder:
    return Recorder()


def make(qemu: Recorder, found: Callable[[bool], None] = lambda is_absolute: None) -> QemuInput:
    return QemuInput(qemu, "/c", lambda: (640, 480), found)


def key(sink: QemuInput, code: int, down: bool = True, extended: bool = False) -> None:
    sink.key(code, extended=extended, extended1=False, down=down)


def test_it_is_a_sink(qemu: Recorder) -> None:
    sink = make(qemu)
    assert isinstance(sink, InputSink)
    assert isinstance(sink, ResizeSink)


def test_keys(qemu: Recorder) -> None:
    sink = make(qemu)
    key(sink, 0x1E)
    key(sink, 0x1E, down=False)
    key(sink, 0x48, extended=True)
    key(sink, 0)
    key(sink, 0x2A, extended=True)  # a Shift that nobody pressed
    key(sink, 0x64)  # F13, whose code is the number of another key
    assert qemu.take() == [("Press", 0x1E), ("Release", 0x1E), ("Press", 0xC8)]


def test_pause_is_one_key(qemu: Recorder) -> None:
    sink = make(qemu)
    for code, extended1, down in (
        (0x1D, True, True),
        (0x45, False, True),
        (0x1D, True, False),
        (0x45, False, False),
    ):
        sink.key(code, extended=False, extended1=extended1, down=down)
    assert qemu.take() == [("Press", 0xC6), ("Release", 0xC6)]


def test_motion_waits_for_the_answer_and_only_the_newest_counts(qemu: Recorder) -> None:
    sink = make(qemu)
    sink.pointer(1, 2)
    sink.pointer(3, 4)
    sink.pointer(5, 6)
    assert qemu.take() == [("SetAbsPosition", 1, 2)]
    qemu.answer()
    assert qemu.take() == [("SetAbsPosition", 5, 6)]
    qemu.answer()
    sink.pointer(5, 6)
    assert qemu.take() == []


def test_positions_stay_on_the_screen(qemu: Recorder) -> None:
    sink = make(qemu)
    sink.pointer(9999, -5)
    assert qemu.take() == [("SetAbsPosition", 639, 0)]
    qemu.answer(INVALID, "Invalid mouse position")  # the screen has just become smaller
    sink.pointer(1, 1)
    assert qemu.take() == [("SetAbsPosition", 1, 1)]


def test_buttons_come_after_the_motion(qemu: Recorder) -> None:
    sink = make(qemu)
    sink.pointer(1, 2)
    sink.pointer(3, 4)
    sink.button(Button.LEFT, down=True, x=3, y=4)
    sink.button(Button.X2, down=False, x=3, y=4)
    assert qemu.take() == [
        ("SetAbsPosition", 1, 2),
        ("SetAbsPosition", 3, 4),
        ("Press", 0),
        ("Release", 6),
    ]


@pytest.mark.parametrize(
    ("button", "number"),
    [(Button.LEFT, 0), (Button.MIDDLE, 1), (Button.RIGHT, 2), (Button.X1, 5), (Button.X2, 6)],
)
def test_button_numbers(qemu: Recorder, button: Button, number: int) -> None:
    make(qemu).button(button, down=True, x=0, y=0)
    assert qemu.take()[-1] == ("Press", number)


@pytest.mark.parametrize(
    ("rotation", "horizontal", "clicks"),
    [
        (120, False, [3]),
        (-240, False, [4, 4]),
        (120, True, [8]),
        (-120, True, [7]),
        (60, False, []),
        (99999, False, [3] * 8),
    ],
)
def test_wheel(qemu: Recorder, rotation: int, horizontal: bool, clicks: list[int]) -> None:
    make(qemu).wheel(rotation, horizontal=horizontal, x=0, y=0)
    told = [call for call in qemu.take() if call[0] != "SetAbsPosition"]
    assert told == [(member, click) for click in clicks for member in ("Press", "Release")]


def test_parts_of_a_notch_add_up_in_one_direction(qemu: Recorder) -> None:
    sink = make(qemu)
    for rotation in (50, 50, 50, 80, -100, -30):
        sink.wheel(rotation, horizontal=False, x=0, y=0)
    presses = [call[1] for call in qemu.take() if call[0] == "Press"]
    assert presses == [3, 4]


def test_no_button_beyond_8_whatever_comes(qemu: Recorder) -> None:
    """Mouse.Press(9) ends QEMU 7.2."""
    sink = make(qemu)
    for button in Button:
        sink.button(button, down=True, x=-1, y=70000)
    for rotation in (-(2**31), -1, 2**31):
        sink.wheel(rotation, horizontal=True, x=0, y=0)
        sink.wheel(rotation, horizontal=False, x=0, y=0)
    assert {call[1] for call in qemu.take() if call[0] in ("Press", "Release")} <= set(range(9))


def test_relative_mode(qemu: Recorder) -> None:
    sink = make(qemu)
    sink.set_pointer_mode(False)
    sink.relative(3, -4)
    sink.relative(1, 1)
    sink.relative(1, 1)
    assert qemu.take() == [("RelMotion", 3, -4)]
    qemu.answer()
    assert qemu.take() == [("RelMotion", 2, 2)]
    qemu.answer()
    sink.button(Button.LEFT, down=True, x=100, y=100)
    assert qemu.take() == [("Press", 0)]
    sink.pointer(10, 10)  # a place to start from
    sink.pointer(12, 9)
    assert qemu.take() == [("RelMotion", 2, -1)]


def test_relative_motion_of_an_absolute_mouse(qemu: Recorder) -> None:
    sink = make(qemu)
    sink.relative(5, 5)
    assert qemu.take() == [("SetAbsPosition", 325, 245)]


def test_the_mode_is_learnt_from_refusals(qemu: Recorder) -> None:
    found: list[bool] = []
    sink = make(qemu, found.append)
    sink.pointer(1, 1)
    qemu.answer(INVALID, "Mouse is not absolute")
    assert found == [False]
    sink.relative(1, 0)
    qemu.answer(INVALID, "Mouse is not relative")
    assert found == [False, True]
    sink.pointer(2, 2)
    assert qemu.take() == [("SetAbsPosition", 1, 1), ("RelMotion", 1, 0), ("SetAbsPosition", 2, 2)]


def test_motion_goes_on_after_what_could_not_be_sent(qemu: Recorder) -> None:
    sink = make(qemu)
    qemu.is_full = True
    sink.pointer(1, 1)
    qemu.is_full = False
    sink.pointer(2, 2)
    assert qemu.take() == [("SetAbsPosition", 2, 2)]


def test_locks_follow_a_guest_that_shows_its_own(qemu: Recorder) -> None:
    sink = make(qemu)
    sink.synchronize(0b111)
    assert qemu.take() == []
    sink.leds_told(0b010)
    sink.synchronize(0b100)
    assert qemu.take() == [("Press", 0x45), ("Release", 0x45), ("Press", 0x3A), ("Release", 0x3A)]
    sink.synchronize(0b100)  # on its way already
    assert qemu.take() == []
    sink.leds_told(0b001)
    sink.synchronize(0b1000)  # kana is none of QEMU's
    assert qemu.take() == [("Press", 0x46), ("Release", 0x46)]


def test_size(qemu: Recorder) -> None:
    sink = make(qemu)
    sink.request_size(0, 600)
    sink.request_size(800, 600)
    assert qemu.take() == [("SetUIInfo", 0, 0, 0, 0, 800, 600)]
    sink.request_size(1920, 1080, 200)  # 192 pixels per inch
    assert qemu.take() == [("SetUIInfo", 254, 143, 0, 0, 1920, 1080)]
    qemu.answer("org.qemu.Display1.Error.Unsupported", "SetUIInfo is not supported")
    sink.request_size(1024, 768)
    assert qemu.take() == []
