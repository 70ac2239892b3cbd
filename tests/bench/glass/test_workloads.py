"""Workloads: the same each time, within the screen, and each frame says which it is."""

import hashlib

import numpy as np
import pytest

from bench.glass import marker, pictures
from bench.glass.frames import apply
from bench.glass.workloads import BAR, FASTEST, SLIDES, USUAL, WORKLOADS, Dragged
from pyrdpmux.geometry import Rect
from tests.bench.glass.test_marker import samples_of

WIDTH, HEIGHT = 264, 144
FRAMES = 25
SCREEN = Rect(0, 0, WIDTH, HEIGHT)
BELOW_BAR = Rect(0, BAR, WIDTH, HEIGHT - BAR)


@pytest.mark.parametrize("name", WORKLOADS)
def test_frames_tell_their_number(name: str) -> None:
    scene = WORKLOADS[name].scene(WIDTH, HEIGHT)
    for number in range(FRAMES):
        if number:
            apply(scene.step(number), scene.first)
        shown = scene.first[: marker.HEIGHT, : marker.WIDTH]
        assert marker.read(samples_of(shown)) == number


@pytest.mark.parametrize("name", WORKLOADS)
def test_frames_stay_on_the_screen_and_off_the_bar(name: str) -> None:
    scene = WORKLOADS[name].scene(WIDTH, HEIGHT)
    for number in range(1, 400 if name == "drag" else FRAMES):
        frame = scene.step(number)
        *patches, mark = frame.patches
        assert mark.rect == marker.RECT
        for rect in [move.target for move in frame.moves] + [patch.rect for patch in patches]:
            assert BELOW_BAR.contains(rect)
            assert not rect.is_empty
        assert all(BELOW_BAR.contains(move.source) for move in frame.moves)


@pytest.mark.parametrize("name", WORKLOADS)
def test_each_frame_changes_something_beside_the_marker(name: str) -> None:
    scene = WORKLOADS[name].scene(WIDTH, HEIGHT)
    changed = 0
    for number in range(1, FRAMES):
        before = scene.first[BAR:].copy()
        apply(scene.step(number), scene.first)
        changed += not np.array_equal(before, scene.first[BAR:])
    # An empty line that scrolls into an empty screen, and letters under a video, may not.
    assert changed >= (FRAMES - 1 if name in ("drag", "video", "slides", "typing+video") else FRAMES - 4)


@pytest.mark.parametrize("name", WORKLOADS)
def test_they_are_the_same_each_time(name: str) -> None:
    pictures_seen = {
        hashlib.sha256(WORKLOADS[name].last_picture(WIDTH, HEIGHT, 7).tobytes()).hexdigest() for _ in range(2)
    }
    assert len(pictures_seen) == 1


def test_a_window_moves_at_most_eleven_pixels_and_reveals_what_was_there() -> None:
    scene = WORKLOADS["drag"].scene(WIDTH, HEIGHT)
    photo = pictures.photo(6, HEIGHT, WIDTH)
    for number in range(1, 300):
        frame = scene.step(number)
        [move] = frame.moves
        apply(frame, scene.first)
        assert 0 < max(abs(move.x - move.source.x), abs(move.y - move.source.y)) <= FASTEST
        outside = np.ones((HEIGHT, WIDTH), bool)
        outside[:BAR] = False
        window = move.target
        outside[window.y : window.bottom, window.x : window.right] = False
        assert (scene.first[outside] == photo[outside]).all()


def test_a_window_goes_everywhere() -> None:
    room = Rect(0, BAR, 1920, 1080 - BAR)
    window = Dragged(Rect(510, 223, 900, 650), room)
    places = [window.move(number) for number in range(1, 601)]
    assert min(p.x for p in places) < 200
    assert max(p.right for p in places) > 1720
    assert min(p.y for p in places) < 120
    assert max(p.bottom for p in places) > 960


def test_a_terminal_scrolls_by_a_line() -> None:
    scene = WORKLOADS["scroll"].scene(WIDTH, HEIGHT)
    before = scene.first.copy()
    apply(scene.step(1), scene.first)
    bottom = BAR + (HEIGHT - BAR) // pictures.CELL_HEIGHT * pictures.CELL_HEIGHT
    assert (
        scene.first[BAR : bottom - pictures.CELL_HEIGHT] == before[BAR + pictures.CELL_HEIGHT : bottom]
    ).all()


def test_slides_come_back() -> None:
    assert len(set(SLIDES)) == 10
    assert len(SLIDES) == 20


def test_what_is_usual_is_there() -> None:
    assert USUAL == ("typing", "scroll", "drag", "video", "slides")
    assert {WORKLOADS[name].rate for name in USUAL} == {2, 30, 60}
