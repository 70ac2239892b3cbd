"""What QEMU is told of viewers' input, and how its answers are understood."""

from collections.abc import Callable
from typing import Any

import pytest

from pyrdpmux.geometry import Rect
from pyrdpmux.mux.backend import Button, InputSink, MonitorSink, ResizeSink
from pyrdpmux.mux.picture.heads import Monitor
from pyrdpmux.mux.qemu.bus import CallFailed, Reply
from pyrdpmux.mux.qemu.input import Output, QemuInput

INVALID = "org.qemu.Display1.Error.Invalid"


class Recorder:
    """Takes calls; answers when it is told to."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []
        self.replies: list[Reply] = []
        self.is_full = False
        self.paths: list[str] = []

    def post(
        self,
        path: str,
        interface: str,
        member: str,
        signature: str,
        *body: object,
        reply: Reply | None = None,
    ) -> bool:
        self.paths.append(path)
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
    return QemuInput(qemu, lambda: [Output("/c", Rect(0, 0, 640, 480))], found)


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


class Desk:
    """An input of three consoles, the last of which shows nothing."""

    def __init__(self, qemu: Recorder) -> None:
        self.qemu = qemu
        self.outputs = [
            Output("/c0", Rect(0, 0, 800, 600)),
            Output("/c1", Rect(800, 120, 640, 480)),
            Output("/c2", None),
        ]
        self.asked = 0
        self.input = QemuInput(qemu, lambda: self.outputs, asked=self._ask)

    def _ask(self) -> None:
        self.asked += 1

    def take(self) -> list[tuple[Any, ...]]:
        """Calls with their consoles in front; each motion is answered."""
        paths, self.qemu.paths = self.qemu.paths, []
        while self.qemu.replies:
            self.qemu.answer()
        return [(path, *call) for path, call in zip(paths, self.qemu.take(), strict=True)]


def test_positions_go_to_the_console_that_is_there(qemu: Recorder) -> None:
    desk = Desk(qemu)
    desk.input.pointer(799, 599)
    assert desk.take() == [("/c0", "SetAbsPosition", 799, 599)]
    desk.input.pointer(810, 130)
    assert desk.take() == [("/c1", "SetAbsPosition", 10, 10)]
    desk.input.wheel(120, horizontal=False, x=810, y=130)
    assert desk.take() == [("/c1", "Press", 3), ("/c1", "Release", 3)]


def test_between_consoles_the_nearest_one_is_meant(qemu: Recorder) -> None:
    desk = Desk(qemu)
    desk.input.pointer(1300, 50)
    assert desk.take() == [("/c1", "SetAbsPosition", 500, 0)]
    desk.input.pointer(9999, 9999)
    assert desk.take() == [("/c1", "SetAbsPosition", 639, 479)]


def test_a_button_is_released_where_it_was_pressed(qemu: Recorder) -> None:
    """A tablet that belongs to one console would hold it for ever."""
    desk = Desk(qemu)
    desk.input.button(Button.LEFT, down=True, x=10, y=20)
    desk.input.button(Button.LEFT, down=False, x=900, y=220)
    assert desk.take() == [
        ("/c0", "SetAbsPosition", 10, 20),
        ("/c0", "Press", 0),
        ("/c1", "SetAbsPosition", 100, 100),
        ("/c0", "Release", 0),
    ]
    desk.input.button(Button.LEFT, down=True, x=900, y=220)
    assert desk.take() == [("/c1", "Press", 0)]


def test_keys_and_relative_motion_are_the_first_consoles(qemu: Recorder) -> None:
    desk = Desk(qemu)
    desk.input.pointer(900, 300)
    desk.take()
    key(desk.input, 0x1E)
    desk.input.set_pointer_mode(False)
    desk.input.relative(3, 4)
    desk.input.button(Button.RIGHT, down=True, x=900, y=300)
    assert desk.take() == [("/c0", "Press", 0x1E), ("/c0", "RelMotion", 3, 4), ("/c0", "Press", 2)]


def test_after_heads_were_rearranged_the_pointer_is_told_again(qemu: Recorder) -> None:
    desk = Desk(qemu)
    desk.input.pointer(10, 20)
    desk.take()
    desk.outputs = [Output("/c0", Rect(640, 0, 800, 600)), Output("/c1", Rect(0, 0, 640, 480))]
    desk.input.arranged()
    desk.input.pointer(10, 20)
    assert desk.take() == [("/c1", "SetAbsPosition", 10, 20)]


LEFT = Monitor(Rect(-1280, 0, 1280, 1024), 100)
MAIN = Monitor(Rect(0, 0, 2560, 1440), 150)


def test_monitors(qemu: Recorder) -> None:
    desk = Desk(qemu)
    assert isinstance(desk.input, MonitorSink)
    assert desk.input.max_monitors == 3
    desk.input.request_monitors([MAIN, LEFT])
    assert desk.take() == [
        ("/c0", "SetUIInfo", 452, 254, 1280, 0, 2560, 1440),  # 144 pixels per inch
        ("/c1", "SetUIInfo", 0, 0, 0, 0, 1280, 1024),
    ]
    assert desk.input.wanted == (Rect(1280, 0, 2560, 1440), Rect(0, 0, 1280, 1024))
    assert desk.asked == 1


def test_what_we_have_switched_on_is_switched_off_again(qemu: Recorder) -> None:
    desk = Desk(qemu)
    desk.outputs[1] = Output("/c1", None)
    desk.input.request_monitors([MAIN, LEFT])
    desk.take()
    desk.outputs[1] = Output("/c1", Rect(800, 0, 1280, 1024))
    desk.input.request_size(1024, 768)
    assert desk.take() == [
        ("/c0", "SetUIInfo", 0, 0, 0, 0, 1024, 768),
        ("/c1", "SetUIInfo", 0, 0, 0, 0, 0, 0),
    ]
    desk.outputs[1] = Output("/c1", None)
    desk.input.request_size(800, 600)
    assert desk.take() == [("/c0", "SetUIInfo", 0, 0, 0, 0, 800, 600)]


def test_heads_that_somebody_else_has_switched_on_stay(qemu: Recorder) -> None:
    """A window around both asks for the size of both, for ever again if the first one took it."""
    desk = Desk(qemu)
    desk.input.request_size(1440, 600)
    assert desk.take() == []
    assert desk.asked == 0


@pytest.mark.parametrize(("refused", "count"), [(0, 1), (1, 1), (2, 2)])
def test_consoles_that_take_no_sizes_are_no_monitors(qemu: Recorder, refused: int, count: int) -> None:
    desk = Desk(qemu)
    desk.input.request_monitors([MAIN, LEFT, Monitor(Rect(0, 1440, 800, 600))])
    for number in range(3):
        desk.qemu.answer("org.qemu.Display1.Error.Unsupported" if number == refused else "")
    assert desk.input.max_monitors == count
    assert desk.input.can_resize is (refused != 0)


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
