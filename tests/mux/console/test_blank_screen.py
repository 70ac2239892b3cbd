"""When a client is taken to show nothing: all of its first reports say 0, one of a full screen among them."""

import pytest

from pyrdpmux.geometry import Rect
from pyrdpmux.graphics.classify import Kind
from pyrdpmux.graphics.commands import BoxFrame, Command, Copy, Exact, Fill, Lossy, Restore
from pyrdpmux.mux.console.blank_screen import FRAMES, SILENT_FRAMES, BlankScreen
from pyrdpmux.rdp.connection.events import GraphicsQuality

SIZE = (100, 100)
EVERYTHING = Rect(0, 0, *SIZE)
MOST = Rect(0, 0, 100, 90)
FULL: list[list[Command]] = [
    [Exact(EVERYTHING, Kind.TEXT)],
    [Exact(MOST, Kind.PICTURE)],
    [Fill(0xFF, (Rect(0, 0, 100, 50),)), Lossy((Rect(0, 50, 100, 40),))],
    [BoxFrame(2, EVERYTHING, (EVERYTHING,))],
]
PARTS: list[list[Command]] = [
    [],
    [Exact(Rect(0, 0, 100, 89), Kind.TEXT)],
    [BoxFrame(2, EVERYTHING, (Rect(0, 0, 50, 50),))],
    [Copy(0, EVERYTHING, 0, 0, 0), Restore(1, ((0, 0),))],
]


def told(blank: BlankScreen, milliseconds: list[int], first: int = 1) -> list[int]:
    """After how many reports it is time to heal."""
    events = [GraphicsQuality(first + n, 0, 0, value) for n, value in enumerate(milliseconds)]
    return [number for number, event in enumerate(events, 1) if blank.told(event)]


@pytest.mark.parametrize("commands", FULL)
def test_twenty_zeros_with_a_full_screen_among_them(commands: list[Command]) -> None:
    blank = BlankScreen()
    blank.sent(7, commands, SIZE)
    assert told(blank, [0] * 100) == [FRAMES]


@pytest.mark.parametrize("commands", PARTS)
def test_small_frames_take_no_time(commands: list[Command]) -> None:
    blank = BlankScreen()
    blank.sent(7, commands, SIZE)
    assert told(blank, [0] * 100) == []


@pytest.mark.parametrize("place", range(FRAMES))
def test_a_single_millisecond_says_that_it_shows(place: int) -> None:
    """QUIRK(mstsc): whole milliseconds, most of them 0 on a fast machine."""
    blank = BlankScreen()
    blank.sent(7, FULL[0], SIZE)
    reports = [0] * 200
    reports[place] = 1
    assert told(blank, reports) == []


def test_a_full_screen_that_it_says_nothing_of_does_not_count() -> None:
    blank = BlankScreen()
    blank.sent(77, FULL[0], SIZE)
    assert told(blank, [0] * FRAMES) == []
    assert told(blank, [0] * FRAMES, first=70) == [], "it was not among the first"


def test_later_frames_do_not_count() -> None:
    blank = BlankScreen()
    assert told(blank, [0] * FRAMES) == []
    blank.sent(100, FULL[0], SIZE)
    assert told(blank, [0] * 100, first=100) == []


def test_it_is_healed_once() -> None:
    blank = BlankScreen()
    assert not blank.is_healing
    assert blank.heal()
    assert blank.is_healing
    blank.is_healing = False
    assert not blank.heal()
    assert not blank.is_healing


@pytest.mark.parametrize("silent", [SILENT_FRAMES - 1, SILENT_FRAMES])
def test_who_has_been_silent_for_long_is_not_watched_any_more(silent: int) -> None:
    blank = BlankScreen()
    for frame_id in range(silent):
        blank.sent(frame_id, PARTS[1], SIZE)
    blank.sent(1000, FULL[0], SIZE)
    assert told(blank, [0] * FRAMES, first=1000) == ([FRAMES] if silent < SILENT_FRAMES else [])


def test_what_it_remembers_is_bounded() -> None:
    """Of a client that never reports anything, too."""
    blank = BlankScreen()
    for frame_id in range(1000):
        blank.sent(frame_id, FULL[0], SIZE)
    assert len(blank._full_frames) == FRAMES
