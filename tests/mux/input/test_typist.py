"""Characters typed on the guest's keyboard, around what a viewer holds."""

from collections.abc import Sequence

import pytest

from pyrdpmux.errors import MuxError
from pyrdpmux.geometry import Rect
from pyrdpmux.mux.backend import Button, InputSink, MonitorSink, ResizeSink
from pyrdpmux.mux.control.client import MAX_TEXT, pieces_of
from pyrdpmux.mux.control.type_text import type_text
from pyrdpmux.mux.input.arbiter import InputArbiter
from pyrdpmux.mux.input.typist import Typist
from pyrdpmux.mux.keyboard.layouts import LAYOUTS
from pyrdpmux.mux.picture.heads import Monitor
from tests.mux.recording_sink import CharacterSink, RecordingSink
from tests.mux.serving import run


def typist_of(name: str) -> tuple[Typist, RecordingSink]:
    sink = RecordingSink()
    return Typist(sink, LAYOUTS[name]), sink


def typed(typist: Typist, text: str) -> None:
    for char in text:
        typist.unicode(ord(char), down=True)
        typist.unicode(ord(char), down=False)


def press(typist: Typist, code: int, down: bool, *, extended: bool = False) -> None:
    typist.key(code, extended=extended, extended1=False, down=down)


def test_it_is_a_sink() -> None:
    typist, _ = typist_of("us")
    assert isinstance(typist, InputSink)
    assert isinstance(typist, ResizeSink)


def test_plain_and_shifted() -> None:
    typist, sink = typist_of("us")
    typed(typist, "aB")
    assert sink.take() == ["1e down", "1e up", "2a down", "30 down", "30 up", "2a up"]


def test_alt_gr_and_dead_keys() -> None:
    typist, sink = typist_of("de")
    typed(typist, "@")
    assert sink.take() == ["e0 38 down", "10 down", "10 up", "e0 38 up"]
    typed(typist, "É")
    assert sink.take() == ["0d down", "0d up", "2a down", "12 down", "12 up", "2a up"]


def test_both_modifiers() -> None:
    typist, sink = typist_of("it")
    typed(typist, "{")
    assert sink.take() == ["2a down", "e0 38 down", "1a down", "1a up", "e0 38 up", "2a up"]


def test_what_has_no_key_is_left_out() -> None:
    typist, sink = typist_of("us")
    typist.set_leds(4)
    typed(typist, "é漢\ud83d\ude00")
    typist.unicode(0x10000, down=True)
    assert sink.take() == []


def test_a_shift_that_is_held_is_used_or_let_go_for_a_moment() -> None:
    """Macs send Shift as a key and what it makes as a character."""
    typist, sink = typist_of("us")
    press(typist, 0x36, True)
    sink.take()
    typed(typist, "A/")
    assert sink.take() == ["1e down", "1e up", "36 up", "35 down", "35 up", "36 down"]
    press(typist, 0x36, False)
    sink.take()
    typed(typist, "A")
    assert sink.take() == ["2a down", "1e down", "1e up", "2a up"]


def test_an_alt_gr_that_is_held() -> None:
    typist, sink = typist_of("de")
    press(typist, 0x38, True, extended=True)
    press(typist, 0x38, True)  # Alt is no AltGr, and stays
    sink.take()
    typed(typist, "€e")
    assert sink.take() == ["12 down", "12 up", "e0 38 up", "12 down", "12 up", "e0 38 down"]


def test_control_stays_for_shortcuts() -> None:
    typist, sink = typist_of("us")
    press(typist, 0x1D, True)
    typed(typist, "c")
    press(typist, 0x1D, False)
    assert sink.take() == ["1d down", "2e down", "2e up", "1d up"]


def test_caps_lock_is_turned_off_for_a_moment() -> None:
    typist, sink = typist_of("us")
    typist.set_leds(6)
    typed(typist, "a")
    assert sink.take() == ["3a down", "3a up", "1e down", "1e up", "3a down", "3a up"]
    typist.set_leds(2)
    typed(typist, "a")
    assert sink.take() == ["1e down", "1e up"]


def test_a_sink_that_takes_characters_gets_them() -> None:
    sink = CharacterSink()
    typist = Typist(sink, LAYOUTS["us"])
    typed(typist, "漢")
    assert typist.missing("漢") == ""
    assert sink.take() == ["u6f22 down", "u6f22 up"]


def test_everything_else_passes() -> None:
    typist, sink = typist_of("us")
    typist.key(0x1D, extended=False, extended1=True, down=True)
    typist.pointer(1, 2)
    typist.button(Button.LEFT, down=True, x=3, y=4)
    typist.wheel(120, horizontal=True, x=5, y=6)
    typist.relative(7, 8)
    typist.synchronize(5)
    typist.request_size(640, 480)  # which a sink without a size ignores
    assert sink.take() == ["e1 1d down", "to 1,2", "LEFT down 3,4", "hwheel 120 5,6", "by 7,8", "locks 5"]


def test_sizes_pass_to_who_wants_them() -> None:
    class Sink(RecordingSink):
        def request_size(self, width: int, height: int, scale: int = 100) -> None:
            self.told.append(f"size {width}x{height}")

    sink = Sink()
    Typist(sink, LAYOUTS["us"]).request_size(640, 480)
    assert sink.take() == ["size 640x480"]


MONITORS = [Monitor(Rect(0, 0, 800, 600), 150), Monitor(Rect(800, 0, 640, 480))]


def test_monitors_pass_to_who_can_have_several() -> None:
    class Sink(RecordingSink):
        max_monitors = 3

        def request_monitors(self, monitors: Sequence[Monitor]) -> None:
            self.told += map(str, monitors)

    sink = Sink()
    typist = Typist(sink, LAYOUTS["us"])
    assert isinstance(typist, MonitorSink)
    assert typist.max_monitors == 3
    typist.request_monitors(MONITORS)
    assert sink.take() == ["800x600+0+0 at 150 %", "640x480+800+0 at 100 %"]


def test_to_others_the_main_monitor_is_a_size() -> None:
    class Sink(RecordingSink):
        def request_size(self, width: int, height: int, scale: int = 100) -> None:
            self.told.append(f"size {width}x{height} at {scale} %")

    sink = Sink()
    typist = Typist(sink, LAYOUTS["us"])
    assert typist.max_monitors == 1
    typist.request_monitors(MONITORS)
    assert sink.take() == ["size 800x600 at 150 %"]
    typist.request_monitors([])
    Typist(RecordingSink(), LAYOUTS["us"]).request_monitors(MONITORS)
    assert sink.take() == []


# -- texts ---------------------------------------------------------------------------------------------


def test_a_text() -> None:
    typist, sink = typist_of("us")

    async def scenario() -> None:
        await type_text(InputArbiter(typist), "l\n\U0001f600", seconds=0)

    run(scenario)
    assert sink.take() == ["26 down", "26 up", "1c down", "1c up"]


def test_pieces() -> None:
    assert list(pieces_of("")) == []
    assert list(pieces_of("a\r\nb")) == ["a\nb"]
    assert [len(piece) for piece in pieces_of("x" * 250)] == [120, 120, 10]
    with pytest.raises(MuxError, match="at most"):
        pieces_of("x" * (MAX_TEXT + 1))


def test_what_cannot_be_typed_is_told() -> None:
    assert typist_of("us")[0].missing("añoñ漢") == "ñ漢"
    assert typist_of("es")[0].missing("año") == ""
