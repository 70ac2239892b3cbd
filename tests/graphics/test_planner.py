"""The planner, before a client that carries out its commands: after every frame it shows the surface."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrdpmux.codec.color import Words
from pyrdpmux.geometry import Rect, bounding_box
from pyrdpmux.graphics.allotment import AMPLE
from pyrdpmux.graphics.cached_tiles import STORE_REST
from pyrdpmux.graphics.client_picture import UNKNOWN, Mask
from pyrdpmux.graphics.commands import (
    Abilities,
    BoxFrame,
    Copy,
    Exact,
    Fill,
    Lossy,
    Restore,
    Store,
)
from pyrdpmux.graphics.planner import PICTURE_REST, Planner
from pyrdpmux.graphics.surface import Surface
from tests.graphics.drawings import DRAWINGS, ROOMS, drawn, photo, text
from tests.graphics.model import ModelClient, part, wrong

EVERYTHING = Abilities(
    can_copy=True,
    has_back=True,
    can_fill=True,
    cache_slots=200,
    cache_bytes=16 << 20,
    keeps_what_rests=True,
    has_boxes=True,
)
WITHOUT_BOXES = Abilities(
    can_copy=True, has_back=True, can_fill=True, cache_slots=200, cache_bytes=16 << 20, has_lossy=True
)
NOTHING = Abilities()
ABILITIES = pytest.mark.parametrize("abilities", [EVERYTHING, WITHOUT_BOXES, NOTHING])


class Session:
    """A surface, a planner and a client."""

    def __init__(self, width: int, height: int, abilities: Abilities = EVERYTHING) -> None:
        self.surface = Surface(width, height)
        self.planner = Planner(width, height, abilities)
        self.client = ModelClient(width, height)
        self.now = 100.0
        #: bytes of a frame
        self.room: int | None = None
        self.frames = 0

    def write(self, rect: Rect, words: Words) -> None:
        self.surface.words[part(rect)] = words
        self.surface.touch([rect])

    def show(self, seconds: float = 1 / 60, fine_pixels: int = 65536) -> list[object]:
        """One frame later."""
        self.now += seconds
        commands = self.planner.plan(self.surface, self.now, fine_pixels, self.room)
        self.client.apply(commands, self.planner.current)
        assert not (wrong(self.client.main, self.wanted) & self.known).any()
        self.check_marks()
        return list(commands)

    def check_marks(self) -> None:
        """Where the client is only near is marked; the planner knows what was meant everywhere."""
        main = self.planner.main
        assert (main.words == self.wanted)[self.known].all()
        assert (self.planner.current == self.wanted).all()
        self.frames += 1
        if self.frames % 2:  # its own pixels, whosever they were
            assert (self.planner.clone().current == self.wanted).all()
        assert self.known.all() or self.planner.allotment.is_behind
        differs = self.client.main != self.wanted
        assert not (differs & ~main.lossy & self.known).any()

    @property
    def known(self) -> Mask:
        """(h, w) bool: all pixels, but for those that are left to the next frame."""
        result: Mask = self.planner.main.words != UNKNOWN
        return result

    def rest(self) -> None:
        """Until nothing is left to do."""
        for _ in range(500):
            due = self.planner.next_due()
            if due is None:
                break
            self.show(max(due - self.now, 0.0) + 0.001)
        assert (self.client.main == self.wanted).all()
        assert self.show() == []

    @property
    def wanted(self) -> Words:
        result: Words = self.surface.words & np.uint32(0xFFFFFF)
        return result


@ABILITIES
def test_the_first_frame_shows_everything(abilities: Abilities) -> None:
    session = Session(300, 200, abilities)
    session.write(Rect(20, 30, 200, 100), text(200, 100))
    session.show()
    session.rest()


def test_nothing_changed_is_nothing_to_send() -> None:
    session = Session(200, 100)
    session.show()
    session.write(Rect(0, 0, 200, 100), np.zeros((100, 200), np.uint32))
    assert session.show() == []


def test_the_fourth_byte_is_nobodys_business() -> None:
    session = Session(64, 64)
    session.show()
    session.write(Rect(0, 0, 64, 64), np.full((64, 64), 0xAB000000, np.uint32))
    assert session.show() == []


def test_a_glyph_is_one_small_command() -> None:
    session = Session(640, 480)
    session.write(Rect(0, 0, 640, 480), text(640, 480))
    session.show()
    session.write(Rect(100, 100, 8, 16), np.full((16, 8), 0x123456, np.uint32))
    session.write(Rect(103, 103, 2, 9), np.full((9, 2), 0, np.uint32))
    commands = session.show()
    assert len(commands) == 1
    assert isinstance(commands[0], Exact)
    assert Rect(96, 96, 24, 24).contains(commands[0].rect)


def test_a_scrolled_page_is_copied() -> None:
    session = Session(640, 480)
    page = text(640, 1000)
    session.write(Rect(0, 0, 640, 480), page[:480])
    session.show()
    session.write(Rect(0, 0, 640, 480), page[16:496])
    commands = session.show()
    assert isinstance(commands[0], Copy)
    painted = sum(command.rect.pixels for command in commands if isinstance(command, Exact))
    assert painted < 640 * 40


def test_a_dragged_window_uncovers_what_it_had_covered() -> None:
    session = Session(800, 600)
    background, window = photo(800, 600), text(300, 200, 5)
    at = (100, 100)

    def draw(x: int, y: int) -> None:
        frame = background.copy()
        frame[y : y + 200, x : x + 300] = window
        session.write(Rect(0, 0, 800, 600), frame)

    draw(*at)
    session.show()
    session.rest()
    for step in range(13):
        draw(100 + 7 * step, 100 + 3 * step)
        session.show()
    for step in range(11, -1, -1):
        draw(100 + 7 * step, 100 + 3 * step)
        commands = session.show()
        assert sum(c.rect.pixels for c in commands if isinstance(c, Exact)) < 100, "2,300 are uncovered"
    session.rest()


def test_what_a_move_takes_along_stays_marked_as_lossy() -> None:
    session = Session(640, 480)
    scene = photo(640, 800)
    session.write(Rect(0, 0, 640, 480), scene[:480])
    assert any(isinstance(command, BoxFrame) for command in session.show())
    session.write(Rect(0, 0, 640, 480), scene[40:520])
    commands = session.show()
    assert any(isinstance(command, Copy) for command in commands)
    assert (session.client.main != session.wanted).any()
    session.rest()


def test_a_video_stays_in_its_box_and_is_made_exact_when_it_rests() -> None:
    session = Session(640, 480)
    session.write(Rect(0, 0, 640, 480), text(640, 480))
    session.show()
    place = Rect(70, 50, 320, 240)
    for number in range(12):
        session.write(place, photo(320, 240, number))
        commands = session.show(1 / 30)
        boxes = [command for command in commands if isinstance(command, BoxFrame)]
        assert len(boxes) == 1
        assert all(isinstance(c, BoxFrame | Store) for c in commands) or number < 3
        assert not session.planner.has_rested, "it is motion, not refinement"
    assert not any(isinstance(command, Exact) for command in session.show(0.1))
    assert session.planner.next_due() is not None
    session.rest()


def test_a_video_that_grows_within_its_macroblocks_stays_in_its_box() -> None:
    session = Session(640, 480)
    session.write(Rect(0, 0, 640, 480), text(640, 480))
    session.show()
    for number in range(12):
        place = Rect(70, 50, 320, 240) if number < 6 else Rect(66, 50, 330, 244)
        session.write(place, photo(place.width, place.height, number))
        commands = session.show(1 / 30)
        [frame] = [command for command in commands if isinstance(command, BoxFrame)]
        assert not any(isinstance(command, Exact) for command in commands) or number < 3
        assert bounding_box(frame.changed).contains(place)
    session.rest()


def test_a_picture_is_refined_in_slices_after_it_has_rested() -> None:
    session = Session(640, 480)
    session.write(Rect(0, 0, 640, 480), photo(640, 480))
    session.show()
    assert not any(isinstance(command, Exact) for command in session.show(PICTURE_REST - 0.1))
    commands = session.show(0.2, fine_pixels=4096)
    painted = sum(command.rect.pixels for command in commands if isinstance(command, Exact))
    assert 4096 <= painted <= 3 * 4096
    session.rest()


@pytest.mark.parametrize(("room", "is_hasty"), [(None, True), (AMPLE, True), (AMPLE - 1, False)])
def test_a_picture_is_made_exact_in_haste_where_the_link_takes_more_bytes(
    room: int | None, is_hasty: bool
) -> None:
    session = Session(640, 480)
    session.room = room
    session.write(Rect(0, 0, 640, 480), photo(640, 480))
    first = session.show()
    later = session.show(PICTURE_REST + 0.1)
    assert not any(command.is_hasty for command in first if isinstance(command, Exact))
    assert {command.is_hasty for command in later if isinstance(command, Exact)} == {is_hasty}


def test_nothing_is_made_exact_in_haste_beside_what_changes() -> None:
    """There bytes count: a window that is dragged over a photo goes on for long."""
    session = Session(640, 480)
    session.write(Rect(0, 0, 640, 480), photo(640, 480))
    session.show()
    session.now += PICTURE_REST
    session.write(Rect(0, 0, 8, 16), text(8, 16))
    commands = [command for command in session.show(0.1) if isinstance(command, Exact)]
    assert len(commands) > 1
    assert not any(command.is_hasty for command in commands)


@pytest.mark.parametrize("abilities", [EVERYTHING, WITHOUT_BOXES])
def test_a_page_that_comes_again_is_in_the_cache(abilities: Abilities) -> None:
    """Kept at once, or when it has rested, as clients can be told."""
    session = Session(640, 512, abilities)
    pages = [text(640, 512, seed) for seed in (1, 2)]
    for page in pages:
        session.write(Rect(0, 0, 640, 512), page)
        at_once, later = session.show(), session.show(STORE_REST)
        kept = [any(isinstance(command, Store) for command in commands) for commands in (at_once, later)]
        assert kept == ([False, True] if abilities.keeps_what_rests else [True, False])
        session.rest()
    session.write(Rect(0, 0, 640, 512), pages[0])
    commands = session.show()
    assert sum(isinstance(command, Restore) for command in commands) > 40
    assert sum(c.rect.pixels for c in commands if isinstance(c, Exact)) < 640 * 64


def test_without_abilities_everything_is_painted() -> None:
    session = Session(300, 200, NOTHING)
    page = text(300, 400)
    for top in (0, 16, 200, 0):
        session.write(Rect(0, 0, 300, 200), page[top : top + 200])
        assert all(isinstance(command, Exact) for command in session.show())


def test_a_client_without_video_gets_pictures_by_another_lossy_codec() -> None:
    session = Session(640, 480, WITHOUT_BOXES)
    session.write(Rect(0, 0, 640, 480), photo(640, 480))
    assert any(isinstance(command, Lossy) for command in session.show())
    session.rest()


def test_one_color_is_filled() -> None:
    session = Session(640, 480)
    session.write(Rect(0, 0, 640, 480), np.full((480, 640), 0x336699, np.uint32))
    commands = session.show()
    assert all(isinstance(command, Fill | Store) for command in commands)


def test_what_is_invalid_is_painted_again() -> None:
    session = Session(200, 100)
    session.show()
    session.client.main[10:20, 10:30] = 7
    session.planner.invalidate([Rect(10, 10, 20, 10), Rect(190, 90, 50, 50)])
    session.show()
    session.rest()


@ABILITIES
def test_an_epoch_refers_to_nothing_before_it(abilities: Abilities) -> None:
    """Another client, with the same MAIN and nothing else, goes on from there."""
    session = Session(512, 320, abilities)
    page, scene = text(512, 900), photo(512, 320)
    for top in (0, 16, 32):
        session.write(Rect(0, 0, 512, 320), page[top : top + 320])
        session.show()
    session.write(Rect(64, 64, 256, 200), scene[:200, :256])
    session.show()
    session.client.apply(session.planner.close_boxes(), session.planner.current)
    session.planner.begin_epoch(abilities)
    joined = ModelClient(512, 320)
    joined.main[:] = session.client.main
    session.client = joined
    for top in (16, 0, 400):
        session.write(Rect(0, 0, 512, 320), page[top : top + 320])
        session.show()
    session.rest()


def test_a_clone_goes_on_alone() -> None:
    session = Session(640, 480)
    session.write(Rect(0, 0, 640, 480), photo(640, 480))
    session.show()
    session.write(Rect(0, 0, 640, 480), photo(640, 480, 2))
    session.show()
    other = session.planner.clone()
    session.planner = other
    assert len(session.client.surfaces) > 2, "a box is open"
    session.show(0.01)
    session.write(Rect(0, 0, 640, 480), text(640, 480))
    session.show()
    session.rest()
    assert len(session.client.surfaces) == 2, "boxes of before are closed"


@ABILITIES
@given(drawings=DRAWINGS, width=st.integers(1, 330), height=st.integers(1, 250), room=ROOMS)
@settings(max_examples=60, deadline=None)
def test_whatever_is_drawn_is_shown(
    abilities: Abilities,
    drawings: list[tuple[str, Rect, int, int, float]],
    width: int,
    height: int,
    room: int | None,
) -> None:
    session = Session(width, height, abilities)
    session.room = room
    for kind, rect, by, seed, seconds in drawings:
        rect = rect.clip(width, height)
        if not rect.is_empty:
            session.write(rect, drawn(session.surface.words, kind, rect, by, seed))
        session.show(seconds, fine_pixels=8192)
    session.rest()


@pytest.mark.parametrize(
    "drawings",
    [
        # rectangles around what is left hold what was brought
        [
            ("noise", Rect(0, 12, 4, 53), 17, 3, 1.2),
            ("pixel", Rect(37, 14, 28, 51), -27, 2, 0.001),
        ],
        # a copy of what is not known everywhere
        [
            ("photo", Rect(1, 8, 57, 41), 30, 4, 0.3),
            ("photo", Rect(0, 37, 65, 28), 23, 0, 0.3),
            ("text", Rect(28, 1, 37, 64), -12, 0, 0.001),
            ("noise", Rect(6, 38, 59, 15), -36, 0, 0.001),
            ("scroll", Rect(0, 0, 33, 50), 27, 2, 0.016),
        ],
    ],
)
def test_a_tile_with_each_frame_is_all_of_it_in_the_end(
    drawings: list[tuple[str, Rect, int, int, float]],
) -> None:
    session = Session(65, 65)
    session.room = 0
    for kind, rect, by, seed, seconds in drawings:
        session.write(rect, drawn(session.surface.words, kind, rect, by, seed))
        session.show(seconds)
    for _ in range(12):
        session.show()
    assert not session.planner.allotment.is_behind
    session.rest()


def test_a_video_on_a_page_that_scrolls_is_shown_wherever_it_is() -> None:
    """What a copy of the page gets wrong in the video's place is painted, too."""
    session = Session(1024, 640)
    page = text(1024, 1400)
    place = Rect(320, 160, 160, 128)
    for step in range(12):
        top = 16 * step if step > 4 else 0
        session.surface.words[:] = page[top : top + 640]
        session.surface.touch([Rect(0, 0, 1024, 640)])
        session.write(place, photo(place.width, place.height, step))
        session.show(1 / 30)
    session.rest()
