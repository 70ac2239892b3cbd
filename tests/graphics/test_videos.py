"""Videos on pages that scroll: what is motion, and what has only moved."""

import pytest

from pyrdpmux.geometry import Rect
from pyrdpmux.graphics.client_picture import Mask
from pyrdpmux.graphics.commands import MAIN, BoxFrame, Command, Copy, OpenBox
from pyrdpmux.graphics.videos import MAX_PAUSE
from tests.graphics.drawings import photo, text
from tests.graphics.test_planner import Session

WIDTH, HEIGHT = 1024, 640
ALL = Rect(0, 0, WIDTH, HEIGHT)
VIDEO = Rect(320, 380, 320, 240)
"""On the page."""
FRAME = 1 / 30
TILE = 32


class Page:
    """A text with a video in it, which is seen from ``top`` on."""

    def __init__(self, video: Rect = VIDEO) -> None:
        self.session = Session(WIDTH, HEIGHT)
        self.words = text(WIDTH, 1600)
        self.top = 0
        self._video = video
        self._number = 0

    @property
    def video(self) -> Rect:
        """What is seen of it."""
        return self._video.moved(0, -self.top).intersection(ALL)

    def show(self, by: int = 0, *, plays: bool = True) -> list[Command]:
        """Scroll, and show the next picture of the video."""
        self.top += by
        self._number += plays
        part = self._video.slices
        self.words[part] = photo(self._video.width, self._video.height, self._number)
        self.session.surface.words[:] = self.words[self.top : self.top + HEIGHT]
        self.session.surface.touch([ALL] if by else [self.video])
        return [command for command in self.session.show(FRAME, 0) if isinstance(command, Command)]

    @property
    def lossy(self) -> Mask:
        """(h, w) bool: pixels that are only near, more than a tile away from the video."""
        found: Mask = self.session.planner.main.lossy.copy()
        video = self.video
        found[max(video.y - TILE, 0) : video.bottom + TILE, video.x : video.right] = False
        return found


def copies(commands: list[Command]) -> list[Copy]:
    return [c for c in commands if isinstance(c, Copy) and c.source_surface == c.surface == MAIN]


def frames(commands: list[Command]) -> list[BoxFrame]:
    return [command for command in commands if isinstance(command, BoxFrame)]


def test_a_video_goes_along_with_its_page_and_the_text_stays_sharp() -> None:
    page = Page()
    for _ in range(6):
        commands = page.show()
    [frame] = frames(commands)
    place = frame.place
    for step in (12, 40, 7, 31, 1, 40, 25, 3, 16, 90):
        commands = page.show(step)
        assert copies(commands)
        assert not any(isinstance(command, OpenBox) for command in commands)
        [frame] = frames(commands)
        place = place.moved(0, -step)
        assert frame.place == place
        assert not page.lossy.any()
    page.session.rest()


def test_a_video_that_leaves_comes_back() -> None:
    page = Page()
    for _ in range(6):
        page.show()
    for step in [60] * 10 + [-60] * 10:
        assert copies(page.show(step))
        assert not page.lossy.any()
    assert len(frames(page.show())) == 1
    page.session.rest()


def test_what_scrolls_is_no_video_however_long() -> None:
    page = Page(Rect(64, 100, 700, 1200))
    page.show()
    for number in range(20):
        commands = page.show(17, plays=False)
        assert copies(commands)
        assert all(frame.place.height < 100 for frame in frames(commands)), number
    page.session.rest()


def test_a_page_that_was_a_video_all_over_becomes_text_again() -> None:
    page = Page()
    session = page.session
    for number in range(8):
        session.write(ALL, photo(WIDTH, HEIGHT, number))
        session.show(FRAME, 0)
    session.write(ALL, page.words[:HEIGHT])
    session.show(FRAME, 0)
    found = [bool(copies(page.show(9))) for _ in range(2 * MAX_PAUSE)]
    assert True in found[: MAX_PAUSE + 1]
    assert all(found[found.index(True) :]), "no longer a video"
    session.rest()


@pytest.mark.parametrize("beside", [True, False])
def test_moves_are_looked_for_within_a_video_the_more_seldom_the_longer_there_are_none(
    monkeypatch: pytest.MonkeyPatch, beside: bool
) -> None:
    """But always where something changes beside it, too."""
    page = Page()
    looked: list[bool] = []
    search = page.session.planner._moves.find_all

    def found(*arguments: object, **more: object) -> object:
        looked.append(True)
        return search(*arguments, **more)  # type: ignore[arg-type]

    for _ in range(6):
        page.show()
    monkeypatch.setattr(page.session.planner._moves, "find_all", found)
    number = 100
    for step in range(number):
        if beside:
            page.words[:200, :300] = text(300, 200, step)
            page.session.surface.touch([Rect(0, 0, 300, 200)])
        page.show()
    assert len(looked) >= number if beside else len(looked) < number / 5
    page.session.rest()
