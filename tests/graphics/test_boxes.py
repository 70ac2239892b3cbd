"""Where pictures and motion go: which box serves which change, and when boxes come and go."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyrdpmux.geometry import Rect
from pyrdpmux.graphics.boxes import (
    MAX_BOXES,
    MAX_REGIONS,
    MAX_SMALL,
    MOTION,
    MOTION_SECONDS,
    NUMBERS,
    REST_SECONDS,
    Boxes,
    grouped,
)
from pyrdpmux.graphics.commands import FIRST_BOX, BoxFrame, CloseBox, Command, OpenBox

SIZE = (650, 490)
EVERYTHING = Rect(0, 0, *SIZE)
FRAME = 1 / 30


def opened(commands: list[Command]) -> list[OpenBox]:
    return [command for command in commands if isinstance(command, OpenBox)]


def frames(commands: list[Command]) -> list[BoxFrame]:
    return [command for command in commands if isinstance(command, BoxFrame)]


def closed(commands: list[Command]) -> list[int]:
    return [command.number for command in commands if isinstance(command, CloseBox)]


def test_a_picture_opens_a_box_of_whole_macroblocks() -> None:
    boxes = Boxes(*SIZE)
    box, frame = boxes.show([[Rect(33, 20, 200, 150)]], 0.0)
    place = Rect(32, 16, 208, 160)
    assert box == OpenBox(FIRST_BOX, 208, 160)
    assert frame == BoxFrame(FIRST_BOX, place, (Rect(33, 20, 200, 150),))
    assert boxes.numbers == [FIRST_BOX]


def test_at_the_edges_it_reaches_as_far_as_the_picture() -> None:
    _, frame = Boxes(*SIZE).show([[Rect(600, 450, 50, 40)]], 0.0)
    assert isinstance(frame, BoxFrame)
    assert frame.place == Rect(592, 448, 58, 42)


def test_the_same_place_goes_on_with_its_box() -> None:
    boxes = Boxes(*SIZE)
    boxes.show([[Rect(0, 0, 320, 240)]], 0.0)
    [frame] = boxes.show([[Rect(0, 0, 320, 200)]], FRAME)
    assert isinstance(frame, BoxFrame)
    assert frame.changed == (Rect(0, 0, 320, 200),)


def test_a_much_smaller_one_gets_its_own_until_the_box_is_a_video() -> None:
    boxes = Boxes(*SIZE)
    boxes.show([[Rect(0, 0, 640, 480)]], 0.0)
    assert opened(boxes.show([[Rect(0, 0, 160, 160)]], FRAME))
    boxes = Boxes(*SIZE)
    for step in range(MOTION):
        boxes.show([[Rect(0, 0, 640, 480)]], step * FRAME)
    [video] = boxes.videos(MOTION * FRAME)
    assert video.place == Rect(0, 0, 640, 480)
    assert not opened(boxes.show([[Rect(0, 0, 160, 160)]], MOTION * FRAME))


def test_of_a_video_that_is_known_that_has_been_shown() -> None:
    boxes = Boxes(*SIZE)
    for step in range(MOTION):
        boxes.show([[Rect(33, 20, 300, 200)]], step * FRAME)
    now = MOTION * FRAME
    [video] = boxes.videos(now)
    assert (video.place, video.area) == (Rect(32, 16, 304, 208), Rect(33, 20, 300, 200))
    boxes.frame(video, [Rect(40, 216, 20, 8)], now)
    assert video.area == Rect(33, 20, 300, 204)


def test_changes_with_pauses_make_no_video() -> None:
    boxes = Boxes(*SIZE)
    for step in range(9):
        boxes.show([[Rect(0, 0, 320, 240)]], step * (MOTION_SECONDS + 0.01))
    assert boxes.videos(8 * (MOTION_SECONDS + 0.01)) == []
    boxes = Boxes(*SIZE)
    for step in range(9):
        boxes.show([[Rect(0, 0, 320, 240)]], step * FRAME)
    assert boxes.videos(8 * FRAME)
    assert boxes.videos(8 * FRAME + MOTION_SECONDS + 0.01) == [], "it stands still"


def test_pictures_that_fill_their_place_share_a_box_and_others_do_not() -> None:
    close = [Rect(0, 0, 160, 160), Rect(160, 0, 160, 144)]
    apart = [Rect(0, 0, 160, 160), Rect(480, 320, 160, 160)]
    assert grouped(close) == ([close], [])
    assert grouped(apart) == ([[rect] for rect in apart], [])
    assert [frame.place for frame in frames(Boxes(*SIZE).show(grouped(apart)[0], 0.0))] == apart


def test_small_pictures_are_not_worth_a_box_unless_there_are_many() -> None:
    photo, letter = Rect(0, 0, 320, 160), Rect(600, 400, 24, 16)
    assert grouped([letter]) == ([], [letter])
    assert grouped([photo, letter]) == ([[photo]], [letter])
    letters = [Rect(x, y, 32, 32) for x in range(0, 1024, 64) for y in range(0, 512, 64)]
    assert grouped(letters) == ([letters], [])
    assert sum(rect.pixels for rect in letters) > MAX_SMALL


def test_more_pictures_than_boxes_are_one() -> None:
    many = [Rect(x, y, 160, 160) for x in (0, 300, 600) for y in (0, 400)]
    assert grouped(many) == ([many], [])
    [frame] = frames(Boxes(1024, 768).show([many], 0.0))
    assert frame.place.contains(Rect(0, 0, 760, 560))
    assert len(frame.changed) == len(many)


def test_many_regions_are_one() -> None:
    boxes = Boxes(*SIZE)
    rects = [Rect(32 * x, 32 * y, 16, 16) for x in range(10) for y in range(6)]
    assert len(rects) > MAX_REGIONS
    [frame] = frames(boxes.show([rects], 0.0))
    assert len(frame.changed) == 1


def test_the_box_that_was_used_longest_ago_makes_room() -> None:
    boxes = Boxes(*SIZE)
    for number in range(MAX_BOXES):
        boxes.show([[Rect(128 * number, 0, 128, 128)]], number * 0.01)
    commands = boxes.show([[Rect(0, 256, 128, 128)]], 0.1)
    assert closed(commands) == [FIRST_BOX]
    assert len(boxes.numbers) == MAX_BOXES


def test_what_rests_is_closed() -> None:
    boxes = Boxes(*SIZE)
    assert boxes.next_rest() is None
    boxes.show([[Rect(0, 0, 128, 128)]], 1.0)
    boxes.show([[Rect(256, 256, 128, 128)]], 1.2)
    assert boxes.next_rest() == 1.0 + REST_SECONDS
    assert closed(boxes.rest(1.0 + REST_SECONDS - 0.01)) == []
    assert closed(boxes.rest(1.0 + REST_SECONDS)) == [FIRST_BOX]
    assert closed(boxes.close_all()) == [FIRST_BOX + 1]
    assert boxes.numbers == []


def test_no_number_is_given_twice_however_long_a_video_plays() -> None:
    """A surface that is there already loses the channel: numbers come again after a while."""
    boxes = Boxes(*SIZE)
    video = Rect(0, 0, 320, 240)
    boxes.show([[video]], 0.0)
    there = set(boxes.numbers)
    for step in range(1, 2 * NUMBERS + 10):
        now = step * FRAME
        boxes.show([[video]], now)
        for command in boxes.show([[Rect(336 + 16 * (step % 9), 16 * (step % 11), 160, 160)]], now):
            match command:
                case OpenBox(number):
                    assert number not in there
                    there.add(number)
                case CloseBox(number):
                    there.remove(number)
        assert all(FIRST_BOX <= number < FIRST_BOX + NUMBERS for number in there)
    assert FIRST_BOX in there


@pytest.mark.parametrize("is_video", [False, True])
@given(
    st.lists(
        st.builds(Rect, st.integers(0, 640), st.integers(0, 480), st.integers(1, 650), st.integers(1, 490)),
        min_size=1,
        max_size=8,
    )
)
def test_all_that_has_changed_is_shown_within_its_box(is_video: bool, rects: list[Rect]) -> None:
    boxes = Boxes(*SIZE)
    for step in range(MOTION if is_video else 0):
        boxes.show([[EVERYTHING]], step * FRAME)
    rects = [rect.clip(*SIZE) for rect in rects]
    groups, others = grouped(rects)
    found = frames(boxes.show(groups, 1 / 10))
    for frame in found:
        assert EVERYTHING.contains(frame.place)
        assert all(frame.place.contains(rect) for rect in frame.changed)
        place = frame.place  # from where whole macroblocks are counted, too
        assert (place.x % 16, place.y % 16) == (0, 0)
        assert place.right % 16 == 0 or place.right == SIZE[0]
        assert place.bottom % 16 == 0 or place.bottom == SIZE[1]
    for rect in rects:
        assert rect in others or any(shown.contains(rect) for frame in found for shown in frame.changed)
