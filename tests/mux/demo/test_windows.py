"""The video and the log: they move, stay inside their windows, and tell all that they change."""

import numpy as np
import pytest

from pyrdpmux.geometry import Rect
from pyrdpmux.mux.demo.paint import NIGHT, Words
from pyrdpmux.mux.demo.windows import LOG_FRAMES, MAX_VIDEO, Log, Video

SENTINEL = 0x00123456
AREAS = [Rect(20, 30, 300, 250), Rect(5, 5, 40, 30), Rect(20, 30, 7, 5), Rect(3, 3, 0, 9)]


def picture() -> Words:
    return np.full((400, 500), SENTINEL, np.uint32)


def changed(before: Words, after: Words) -> Words:
    mask: Words = (before != after).astype(np.uint32)
    return mask


@pytest.mark.parametrize("area", AREAS)
@pytest.mark.parametrize("kind", ["video", "log"])
def test_a_window_stays_in_its_place_and_tells_what_it_changes(area: Rect, kind: str) -> None:
    target = picture()
    window = Video(target, area) if kind == "video" else Log(target, area, 1)
    for frame in range(2 * LOG_FRAMES + 1):
        before = target.copy()
        rects = window.paint(frame)
        mask = changed(before, target)
        for rect in rects:
            mask[rect.y : rect.bottom, rect.x : rect.right] = 0
        assert not mask.any()
    target[area.y : area.bottom, area.x : area.right] = SENTINEL
    assert (target == SENTINEL).all()


def test_the_video_moves_everywhere_in_each_frame_and_has_no_seams() -> None:
    target = picture()
    video = Video(target, Rect(0, 0, *MAX_VIDEO))
    [area] = video.paint(1)
    assert (area.width, area.height) == MAX_VIDEO
    before = target[: area.height, : area.width].copy()
    video.paint(2)
    after = target[: area.height, : area.width]
    assert (before != after).mean() > 0.9
    green = (after >> np.uint32(8) & np.uint32(0xFF)).astype(int)
    assert np.abs(np.diff(green, axis=1)).max() < 120
    assert not (after >> np.uint32(24)).any()


def test_the_log_scrolls_by_a_line() -> None:
    target = picture()
    log = Log(target, Rect(0, 0, 400, 200), 1)
    before = target.copy()
    assert log.paint(1) == []
    [area] = log.paint(LOG_FRAMES)
    assert (target[area.y : area.bottom - 10, :400] == before[area.y + 10 : area.bottom, :400]).all()
    last = target[area.bottom - 10 : area.bottom, :400]
    assert (last != NIGHT).any()
    assert (last != before[area.bottom - 10 : area.bottom, :400]).any()


@pytest.mark.parametrize("frame", [0, 1, 4 * LOG_FRAMES, 4 * LOG_FRAMES + 3])
def test_a_log_that_is_made_anew_shows_what_it_has_shown_before(frame: int) -> None:
    area = Rect(0, 0, 400, 200)
    target, again = picture(), picture()
    log = Log(target, area, 1)
    for earlier in range(frame):
        log.paint(earlier)
    other = Log(again, area, 1, frame)
    assert (target == again).all()
    for later in range(frame, frame + LOG_FRAMES + 1):
        log.paint(later)
        other.paint(later)
    assert (target == again).all()


def test_it_is_the_same_on_every_run() -> None:
    pictures = []
    for _ in range(2):
        target = picture()
        windows = Video(target, AREAS[0]), Log(target, AREAS[1], 1)
        for frame in range(12):
            for window in windows:
                window.paint(frame)
        pictures.append(target)
    assert (pictures[0] == pictures[1]).all()
