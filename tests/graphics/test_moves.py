"""Moves: found where they are, proved always, and never more than a proposal believes."""

from collections.abc import Callable
from itertools import pairwise, permutations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.screens import SCREENS
from pyrdpmux.codec.color import Words
from pyrdpmux.geometry import Rect
from pyrdpmux.graphics import moves, proofs
from pyrdpmux.graphics.moves import MoveFinder
from pyrdpmux.graphics.predictions import MIN_CHANGED, MIN_REST
from pyrdpmux.graphics.proofs import MIN_EXPLAINED, Move, Proof, prove
from pyrdpmux.graphics.residual import Mask
from pyrdpmux.graphics.snapshot import Snapshot
from pyrdpmux.graphics.votes import Samples, Vector, vote
from tests.graphics import scenes
from tests.graphics.scenes import FULL, after, damage, picture, scroll, window


def assert_exact(before: Words, now: Words, proofs: list[Proof]) -> None:
    """All moves, then painting the last mask, gives the frame; the counts are true."""
    shown = before
    for proof in proofs:
        frame = Rect(0, 0, now.shape[1], now.shape[0])
        assert frame.contains(proof.move.source)
        assert frame.contains(proof.move.destination)
        assert proof.region.contains(proof.move.destination)
        assert (proof.move.dx, proof.move.dy) != (0, 0)
        assert proof.changed - proof.explained == np.count_nonzero(proof.mask)
        assert proof.share > MIN_EXPLAINED
        painted = after(shown, proof, now)
        shown = shown.copy()
        source, target = proof.move.source, proof.move.destination
        shown[target.y : target.bottom, target.x : target.right] = shown[
            source.y : source.bottom, source.x : source.right
        ].copy()
    if proofs:
        assert (painted == now).all()


def find(before: Words, now: Words) -> Proof | None:
    mask, region = damage(before, now)
    proof = MoveFinder().find(before, now, mask, region)
    assert_exact(before, now, [proof] if proof else [])
    return proof


def test_a_move_says_where_to_and_how_far() -> None:
    move = Move(Rect(10, 20, 30, 40), 15, 13)
    assert (move.destination, move.dx, move.dy) == (Rect(15, 13, 30, 40), 5, -7)


@pytest.mark.parametrize(
    ("jump", "least", "content"),
    [(12, 60, "gray text"), (60, 60, "gray text"), (60, 60, "desktop"), (240, 58, "text")],
)
def test_windows_that_jump_over_a_photo_are_found(jump: int, least: int, content: str) -> None:
    found = 0
    for seed in range(60):
        (before, now), move = window(seed, jump, content)
        proof = find(before, now)
        if proof is not None:
            assert (proof.move.dx, proof.move.dy) == (move.dx, move.dy), seed
            found += 1
    assert found >= least


PANE = Rect(240, 136, 900, 700)


@pytest.mark.parametrize(
    ("step", "pane"),
    [(step, FULL) for step in (1, 16, 48, -77, 130, 333, -500)]
    + [(step, PANE) for step in (1, -48, 130, 333)],
)
def test_scrolled_text_is_found_at_any_distance(step: int, pane: Rect) -> None:
    before, now = scroll(step, pane=pane)
    proof = find(before, now)
    assert proof is not None
    assert (proof.move.dx, proof.move.dy) == (0, -step)
    assert proof.share > 0.5 * (1 - abs(step) / pane.height)


def test_a_photo_that_is_panned_is_found() -> None:
    photo = picture("photo")
    for dx, dy in ((30, 0), (-1, 0), (0, 25), (17, -29)):
        before, now = photo[100:900, 100:1500], photo[100 - dy : 900 - dy, 100 - dx : 1500 - dx]
        proof = find(before, now)
        assert proof is not None
        assert (proof.move.dx, proof.move.dy) == (dx, dy)
        assert proof.share > 0.9


@pytest.mark.parametrize(
    ("one", "other"), list(permutations([name for name in SCREENS if name != "desktop"], 2))
)
def test_unrelated_pages_have_no_moves(one: str, other: str) -> None:
    assert find(picture(one, 540, 960), picture(other, 540, 960)) is None


@pytest.mark.parametrize("one", list(scenes.STRANGE))
@pytest.mark.parametrize("other", list(scenes.STRANGE))
@pytest.mark.parametrize("shape", [(1, 1), (1, 9000), (8192, 3), (301, 333)])
def test_strange_pictures_are_survived_exactly(one: str, other: str, shape: tuple[int, int]) -> None:
    before, now = scenes.STRANGE[one](*shape), np.roll(scenes.STRANGE[other](*shape), 3, axis=1)
    mask, region = damage(before, now)
    if not region.is_empty:
        assert_exact(before, now, MoveFinder().find_all(before, now, mask, region))


def test_small_changes_are_not_looked_into() -> None:
    before = picture("text", 200, 300)
    now = before.copy()
    now[50:90, 59:118], now[50:90, :59] = before[50:90, :59], 0x777777
    mask, region = damage(before, now)
    assert 0 < np.count_nonzero(mask) < MIN_CHANGED
    assert MoveFinder().find_all(before, now, mask, region) == []


small = st.tuples(st.integers(1, 260), st.integers(1, 260))


@given(small, st.integers(-270, 270), st.integers(-270, 270), st.integers(0, 3), st.data())
@settings(max_examples=150, deadline=None)
def test_whatever_is_proved_is_exact(
    shape: tuple[int, int], dx: int, dy: int, kind: int, data: st.DataObject
) -> None:
    """Any vector, true or not, on any part of any frames."""
    rng = np.random.default_rng(kind)
    before = rng.integers(0, 2 + kind, shape, dtype=np.uint32)
    now = np.roll(before, (dy, dx), (0, 1)) if data.draw(st.booleans()) else rng.permutation(before)
    x, y = data.draw(st.integers(0, shape[1] - 1)), data.draw(st.integers(0, shape[0] - 1))
    region = Rect.from_corners(
        x, y, data.draw(st.integers(x + 1, shape[1])), data.draw(st.integers(y + 1, shape[0]))
    )
    now = now.copy()
    outside = np.ones(shape, np.bool_)
    outside[y : region.bottom, x : region.right] = False
    now[outside] = before[outside]
    mask = (before != now)[y : region.bottom, x : region.right]
    vector = data.draw(st.sampled_from([(dx, dy), (1, 0), (0, -2)]))
    proof = prove(before, now, mask, region, vector)
    if proof is not None and vector != (0, 0):
        assert (proof.move.dx, proof.move.dy) == vector
        assert_exact(before, now, [proof])


@given(small, st.lists(st.tuples(*[st.integers(-60, 60)] * 2), max_size=3), st.integers(0, 5))
@settings(max_examples=100, deadline=None)
def test_hints_are_not_trusted(shape: tuple[int, int], hints: list[Vector], kind: int) -> None:
    rng = np.random.default_rng(kind)
    before = rng.integers(0, 2**24 if kind else 3, shape, dtype=np.uint32)
    dx, dy = (hints or [(3, 4)])[-1]
    now = np.roll(before, (dy, dx), (0, 1))
    now[::7] = 5
    mask, region = damage(before, now)
    if not region.is_empty:
        proofs = MoveFinder().find_all(before, now, mask, region, hints)
        assert_exact(before, now, proofs)


def no_vote(*_: object) -> list[Vector]:
    raise AssertionError("was put to the vote")


def test_a_good_hint_saves_the_vote(monkeypatch: pytest.MonkeyPatch) -> None:
    before, now = scroll(130)
    monkeypatch.setattr(moves, "vote", no_vote)
    proof = MoveFinder().find(before, now, *damage(before, now), hints=[(5, 5), (0, -130)])
    assert proof is not None
    assert proof.move.dy == -130


def test_a_window_that_goes_on_or_slows_down_a_little_needs_no_vote(monkeypatch: pytest.MonkeyPatch) -> None:
    page, photo = picture("gray text"), picture("photo")
    frames = []
    for x, y in ((100, 100), (109, 96), (118, 92), (126, 90)):
        frame = photo.copy()
        frame[y : y + 600, x : x + 800] = page[:600, :800]
        frames.append(frame)
    finder = MoveFinder()
    vectors = []
    for before, now in pairwise(frames):
        proof = finder.find(before, now, *damage(before, now))
        assert proof is not None
        vectors.append((proof.move.dx, proof.move.dy))
        monkeypatch.setattr(moves, "vote", no_vote)
    assert vectors == [(9, -4), (9, -4), (8, -2)]


def test_the_stale_vector_of_the_last_frame_does_not_win(monkeypatch: pytest.MonkeyPatch) -> None:
    """One line off explains a part of a text; a vote looks for better."""
    before, now = scroll(8)
    finder = MoveFinder()
    assert finder.find(before, now, *damage(before, now)) is not None
    monkeypatch.setattr(moves, "MIN_AGREEMENT", 0.0)
    before, now = scroll(9)
    proof = finder.find(before, now, *damage(before, now))
    assert proof is not None
    assert proof.move.dy == -9


def two_windows(gap: int, second: tuple[int, int]) -> tuple[Words, Words]:
    """A window of gray text and one of colored text, each on its way."""
    frames = []
    for step in (0, 1):
        frame = picture("photo").copy()
        x, y = 60 + 21 * step, 80 - 13 * step
        frame[y : y + 500, x : x + 700] = picture("gray text")[:500, :700]
        x, y = 760 + gap + second[0] * step, 420 + second[1] * step
        frame[y : y + 430, x : x + 620] = picture("text")[:430, :620]
        frames.append(frame)
    return frames[0], frames[1]


@pytest.mark.parametrize("gap", [60, 300])
def test_two_windows_that_move_at_once_are_two_moves(gap: int) -> None:
    before, now = two_windows(gap, (-30, 8))
    mask, region = damage(before, now)
    finder = MoveFinder()
    proofs = finder.find_all(before, now, mask, region)
    assert_exact(before, now, proofs)
    assert {(21, -13), (-30, 8)} <= {(proof.move.dx, proof.move.dy) for proof in proofs}
    assert np.count_nonzero(proofs[-1].mask) < 0.35 * np.count_nonzero(mask)
    assert len(finder.find_all(before, now, mask, region, maximum=1)) == 1


def test_three_windows_are_three_moves_and_a_fourth_is_left() -> None:
    frames = []
    places = ((20, 20, 12, 9), (760, 30, -25, 14), (60, 560, 33, -6), (900, 580, -17, -21))
    for step in (0, 1):
        frame = picture("photo").copy()
        for index, (x, y, dx, dy) in enumerate(places):
            page = picture("text")[250 * index :][: 400 - 40 * index, : 640 - 60 * index]
            frame[y + dy * step :, x + dx * step :][: page.shape[0], : page.shape[1]] = page
        frames.append(frame)
    before, now = frames
    mask, region = damage(before, now)
    proofs = MoveFinder().find_all(before, now, mask, region)
    assert_exact(before, now, proofs)
    assert {(proof.move.dx, proof.move.dy) for proof in proofs} == {place[2:] for place in places[:3]}


def test_two_panes_that_scroll_at_once_are_two_moves() -> None:
    left, right = Rect(0, 0, 900, 1080), Rect(900, 0, 1020, 1080)
    one, two = scroll(16, pane=left), scroll(-40, 700, pane=right)
    before, now = (np.hstack([a[:, :900], b[:, 900:]]) for a, b in zip(one, two, strict=True))
    proofs = MoveFinder().find_all(before, now, *damage(before, now))
    assert_exact(before, now, proofs)
    assert {(proof.move.dx, proof.move.dy) for proof in proofs} == {(0, -16), (0, 40)}


def predicted(finder: MoveFinder, before: Words, now: Words, region: Rect) -> Proof | None:
    """With what a snapshot finds then, whose mask had something else before."""
    drawn = now | np.uint32(0xAB000000)
    move = finder.predict(before, drawn, region)
    if move is None:
        return None
    snapshot, main = Snapshot(now.shape[1], now.shape[0]), before.copy()
    snapshot.changed[:] = True
    snapshot.take_moved(drawn, main, region, move)
    assert (main[region.slices] == now[region.slices]).all()
    changed = int(np.count_nonzero((before != now)[region.slices]))
    mask = snapshot.changed[region.slices]
    return Proof(move, region, changed, changed - int(np.count_nonzero(mask)), mask)


def test_steady_scroll_is_predicted_and_exact() -> None:
    finder = MoveFinder()
    frames = [scroll(0, start)[0] for start in (600, 616, 632, 648)]
    assert finder.find(frames[0], frames[1], *damage(frames[0], frames[1])) is not None
    for before, now in pairwise(frames[1:]):
        now = now.copy()
        now[300:308, 1000:1008] ^= 1
        proof = predicted(finder, before, now, FULL)
        assert proof is not None
        assert proof.move.dy == -16
        assert (after(before, proof, now) == now).all()
        assert np.count_nonzero(proof.mask) < 0.1 * np.count_nonzero(before != now)


@pytest.mark.parametrize("region", [FULL, Rect(0, 0, 1700, 1080), Rect(16, 40, 1904, 1000)])
def test_the_mask_of_a_prediction_is_exact_beside_the_page_too(region: Rect) -> None:
    finder = MoveFinder()
    (before, now), later = scroll(16, pane=PANE), scroll(16, 616, pane=PANE)[1].copy()
    assert finder.find(before, now, *damage(before, now)) is not None
    later[45:50, 1650:1690] ^= 1
    proof = predicted(finder, now, later, region)
    assert proof is not None
    shown = now.copy()
    shown[proof.move.destination.slices] = now[proof.move.source.slices]
    assert (proof.mask == (shown != later)[region.slices]).all()


def test_a_window_that_is_dragged_on_is_proved_where_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """At another speed in each frame, without a search for its edges."""
    finder, photo, page = MoveFinder(), picture("photo"), picture("text")[:500, :700]

    def frame(x: int, y: int) -> Words:
        result = photo.copy()
        result[y : y + 500, x : x + 700] = page
        return result

    frames = [frame(100 + 5 * step, 80 + step * step // 2) for step in range(6)]
    assert finder.find(frames[0], frames[1], *damage(frames[0], frames[1])) is not None
    monkeypatch.setattr(proofs, "best_rectangle", None)
    for before, now in pairwise(frames[1:]):
        mask, region = damage(before, now)
        proof = finder.find(before, now, mask, region)
        assert proof is not None
        assert abs(proof.move.source.width - 700) <= 8
        assert abs(proof.move.source.height - 500) <= 8
        assert_exact(before, now, [proof])


def test_a_page_that_scrolls_by_more_lines_now_and_then_is_predicted() -> None:
    """Frames were left out: by less than it ever did, and by more."""
    finder, start = MoveFinder(), 600
    before, now = scroll(0, start)[0], scroll(0, start + 32)[0]
    assert finder.find(before, now, *damage(before, now)) is not None
    start += 32
    for step in (32, 64, 32, 96, 32):
        before, start = now, start + step
        now = scroll(0, start)[0]
        proof = predicted(finder, before, now, FULL)
        assert proof is not None
        assert proof.move.dy == -step
        assert (after(before, proof, now) == now).all()
    before, now = now, scroll(0, start + 16)[0]
    assert predicted(finder, before, now, FULL) is None, "by half a step: that has to be found"
    assert finder.find(before, now, *damage(before, now)) is not None
    before, now = now, scroll(0, start + 16 + 48)[0]
    assert predicted(finder, before, now, FULL) is not None


def test_a_page_of_which_a_part_was_found_is_found_as_a_whole() -> None:
    """It is no window that keeps its size: less and less of it would be copied, and it is not predicted."""
    finder, start = MoveFinder(), 600
    page = scroll(0, start)[0]
    heights = []
    for number in range(6):
        before, start = page, start + 16
        page = scroll(0, start)[0]
        now = page.copy()
        if number == 1:
            now[600:1000] = before[600:1000]  # once, a part of it stands still
        [proof, *_] = finder.find_all(before, now, *damage(before, now))
        heights.append(proof.move.source.height)
    assert heights[1] < heights[0] - 300
    assert heights[-1] == heights[0]


def test_nothing_is_predicted_for_what_stands_still_or_goes_another_way() -> None:
    finder = MoveFinder()
    before, now = scroll(16)
    assert predicted(finder, before, now, FULL) is None
    assert finder.find(before, now, *damage(before, now)) is not None
    assert predicted(finder, now, now, FULL) is None
    assert predicted(finder, now, scroll(15, 616)[1], FULL) is None
    assert predicted(finder, now, picture("photo"), FULL) is None
    assert predicted(finder, now, scroll(16, 616)[1], Rect(0, 0, 1920, 300)) is None
    assert finder.find(now, picture("photo"), *damage(now, picture("photo"))) is None
    assert predicted(finder, now, scroll(16, 616)[1], FULL) is None, "something else came in between"


def test_what_moves_beside_a_predicted_move_is_looked_into() -> None:
    finder = MoveFinder()
    before, now = scroll(16, pane=PANE)
    assert finder.find(before, now, *damage(before, now)) is not None
    later = scroll(16, 616, pane=PANE)[1]
    later[:, 1200:] = picture("noise")[:, 1200:]
    assert predicted(finder, now, later, FULL) is None


def test_wide_votes_grow_rare_while_nothing_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a video: 64 frames in which nothing moved are looked at far afield six times."""
    reaches: list[int] = []

    def counting(before: Words, samples: Samples, reach: int, voters: int) -> list[Vector]:
        reaches.append(reach)
        return []

    monkeypatch.setattr(moves, "vote", counting)
    finder = MoveFinder()
    before, now = picture("noise"), picture("photo")
    mask, region = damage(before, now)
    for _ in range(64):
        assert finder.find(before, now, mask, region) is None
    assert reaches.count(64) == 64
    assert reaches.count(256) == 6


@pytest.mark.parametrize("make", list(scenes.STRANGE.values()), ids=list(scenes.STRANGE))
def test_the_work_on_a_huge_screen_is_bounded(
    make: Callable[[int, int], Words], monkeypatch: pytest.MonkeyPatch
) -> None:
    """At most a handful of vectors are proved, and on all lines only if an eighth of them says so."""
    proved: list[Vector] = []
    true_prove = prove

    def counting(
        before: Words, now: Words, changed: Mask, region: Rect, vector: Vector, **more: Any
    ) -> Proof | None:
        proved.append(vector)
        return true_prove(before, now, changed, region, vector, **more)

    monkeypatch.setattr(moves, "prove", counting)
    before = make(2048, 4096)
    now = np.where(before % 3 == 0, before + 1, np.roll(before, (9, 7), (0, 1)))
    mask, region = damage(before, now)
    MoveFinder().find_all(before, now, mask, region)
    assert len(proved) <= 12


def desk(*windows: tuple[int, int]) -> Words:
    """Windows over a photo, one above the other, perhaps in part beyond the edge."""
    frame = picture("photo").copy()
    for number, (x, y) in enumerate(windows):
        page = picture("gray text" if number else "text")[number * 300 :][:500, :700]
        place = Rect(x, y, 700, 500).clip(1920, 1080)
        frame[place.slices] = page[place.y - y : place.bottom - y, place.x - x : place.right - x]
    return frame


def taken(finder: MoveFinder, before: Words, now: Words) -> Move | None:
    """The move that is predicted for a window, if it is exact with what a snapshot finds then."""
    drawn = now | np.uint32(0xAB000000)
    move = finder.predict(before, drawn, FULL)
    if move is not None:
        snapshot, main = Snapshot(1920, 1080), before.copy()
        shown = before.copy()
        shown[move.destination.slices] = before[move.source.slices]
        [room, *_] = snapshot.take_predicted(drawn, main, [FULL], move, finder.drags).places
        assert (main == now).all()
        assert (snapshot.changed == (shown != now)).all()
        assert room == move.room
    return move


def begun(*places: tuple[int, int]) -> tuple[MoveFinder, Words]:
    """A window that has moved once."""
    finder = MoveFinder()
    before, now = (desk(place) for place in places)
    assert finder.find(before, now, *damage(before, now)) is not None
    return finder, now


def test_a_window_that_is_dragged_on_is_predicted_whatever_its_speed() -> None:
    finder, now = begun((100, 100), (109, 96))
    x, y = 109, 96
    for dx, dy in ((9, -4), (11, -6), (12, 0), (0, 5), (-20, 9)):
        before, now, last = now, desk((x + dx, y + dy)), (x, y)
        x, y = x + dx, y + dy
        move = taken(finder, before, now)
        assert move is not None
        assert (move.dx, move.dy) == (dx, dy)
        assert Rect(*last, 700, 500).contains(move.source)
        assert move.source.width >= 690


def test_a_window_is_searched_for_now_and_then() -> None:
    """It may have been found too small."""
    finder, now = begun((100, 100), (103, 102))
    predicted = []
    for step in range(2, 30):
        before, now = now, desk((100 + 3 * step, 100 + 2 * step))
        move = taken(finder, before, now)
        predicted.append(move is not None)
        if move is None:
            assert finder.find(before, now, *damage(before, now)) is not None
    assert 2 <= predicted.count(False) <= 5


def test_a_window_that_was_beyond_the_edge_comes_back_as_a_whole() -> None:
    finder, now = begun((1195, 300), (1205, 304))
    widths = []
    for x in (1215, 1235, 1225, 1215, 1205):
        before, now = now, desk((x, 304))
        move = taken(finder, before, now)
        assert move is not None
        widths.append(move.source.width)
    # Of what comes into sight with one frame, the client has nothing; with the next one it has.
    assert widths == [700, 685, 685, 695, 700]


def test_a_picture_that_is_panned_is_predicted_as_a_whole() -> None:
    text = np.vstack([picture("text"), picture("gray text"), picture("console")])
    frames = [text[300 + 7 * step :, 40 - 9 * step :][:1080, :1800] for step in range(5)]
    frames = [np.hstack([np.zeros((1080, 120), np.uint32), frame]) for frame in frames]
    finder = MoveFinder()
    assert finder.find(frames[0], frames[1], *damage(frames[0], frames[1])) is not None
    for before, now in pairwise(frames[1:]):
        move = finder.predict(before, now, FULL)
        if move is None:
            proof = finder.find(before, now, *damage(before, now))
            assert proof is not None
            move = proof.move
        assert (move.dx, move.dy) == (9, -7)
        assert move.source.pixels > 0.95 * 1800 * 1080


def test_a_window_is_not_predicted_if_another_one_moves_too() -> None:
    finder = MoveFinder()
    frames = [desk((60, 60), (1000, 500)), desk((70, 66), (1000, 500)), desk((80, 72), (980, 520))]
    assert len(finder.find_all(frames[0], frames[1], *damage(frames[0], frames[1]))) == 1
    assert taken(finder, frames[1], frames[2]) is None
    found = finder.find_all(frames[1], frames[2], *damage(frames[1], frames[2]))
    assert {(proof.move.dx, proof.move.dy) for proof in found} == {(10, 6), (-20, 20)}


def test_a_window_that_has_come_to_rest_is_not_looked_for_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody types in it."""
    finder, before = begun((100, 100), (109, 96))
    now = before.copy()
    now[300:316, 300:308] ^= 1
    assert finder.predict(before, now, Rect(256, 256, 64, 64)) is None
    monkeypatch.setattr(moves, "track", no_vote)
    assert finder.predict(before, now, Rect(256, 256, 64, 64)) is None


def test_what_a_window_has_uncovered_is_not_put_to_a_vote(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was hidden by it: nothing of it can be copied from anywhere."""
    votes = []
    true = vote

    def counting(before: Words, samples: Samples, reach: int, voters: int) -> list[Vector]:
        votes.append(reach)
        return true(before, samples, reach, voters)

    monkeypatch.setattr(moves, "vote", counting)
    before, now = desk((300, 200)), desk((330, 240))
    mask, region = damage(before, now)
    [proof] = MoveFinder().find_all(before, now, mask, region)
    assert np.count_nonzero(proof.mask) > MIN_REST * np.count_nonzero(mask)
    assert len(votes) == 1


def test_motion_on_a_page_that_scrolls_is_no_reason_to_look_further(monkeypatch: pytest.MonkeyPatch) -> None:
    """What plays there explains itself: the one move is found, and nothing else is looked for."""
    before, now = [frame.copy() for frame in scenes.scroll(37)]
    motion = Rect(300, 200, 900, 600)
    before[motion.slices], now[motion.slices] = picture("noise")[:600, :900], picture("photo")[:600, :900]
    mask, region = damage(before, now)
    [proof] = MoveFinder().find_all(before, now, mask, region, motion=[motion])
    assert (proof.move.dx, proof.move.dy) == (0, -37)
    assert proof.move.source.contains(motion.moved(0, 37))
    monkeypatch.setattr(moves, "vertical", lambda *_: pytest.fail("it was looked further"))
    assert len(MoveFinder().find_all(before, now, mask, region, motion=[motion])) == 1
