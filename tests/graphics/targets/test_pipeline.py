"""Streams of the graphics pipeline, before a client that decodes them: every frame, pixel by pixel."""

import subprocess
import sys
from dataclasses import replace
from itertools import count

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrdpmux.codec.bulk.zgfx import ZgfxCompressor
from pyrdpmux.codec.color import Words
from pyrdpmux.geometry import Rect
from pyrdpmux.graphics.classify import Kind
from pyrdpmux.graphics.client_picture import UNKNOWN
from pyrdpmux.graphics.commands import BoxFrame, Exact, Lossy, Quality, Store
from pyrdpmux.graphics.joining import join
from pyrdpmux.graphics.stream import Frame, Stream
from pyrdpmux.graphics.surface import Surface
from pyrdpmux.graphics.tally import Step
from pyrdpmux.graphics.targets.pipeline import NOTHING, Pipeline, PipelineFormat, PipelineState
from pyrdpmux.rdp.mcs.client_data import MonitorDefinition, MonitorFlags
from tests.graphics.drawings import DRAWINGS, ROOMS, drawn, photo, text
from tests.graphics.model import part
from tests.graphics.pictures_on_a_link import noise as sensed
from tests.graphics.pipeline_client import PipelineClient

VIDEO = PipelineFormat(has_avc=True, cache_slots=4096, cache_bytes=16 << 20)
PROGRESSIVE = PipelineFormat(cache_slots=4096, cache_bytes=16 << 20)
EXACT = PipelineFormat(has_progressive=False)
FORMATS = pytest.mark.parametrize("format", [VIDEO, PROGRESSIVE, EXACT])

NEAR = 24
"""By which a channel of a lossy pixel of these pictures may be off, in the mean of them."""


class Session:
    """A surface, a stream of it and a client."""

    def __init__(self, width: int, height: int, format: PipelineFormat = VIDEO) -> None:
        self.surface = Surface(width, height)
        self.stream: Stream[bytes] = Stream(width, height, Pipeline(width, height, format))
        self.client = PipelineClient()
        self.client.take(self.stream.opening())
        self.now = 50.0
        self.monitors = format.monitors
        #: noise has been drawn, which a lossy codec turns into something else
        self.is_noisy = False
        #: bytes of a frame
        self.room: int | None = None

    def write(self, rect: Rect, words: Words) -> None:
        self.surface.words[part(rect)] = words
        self.surface.touch([rect])

    def show(self, seconds: float = 1 / 60) -> Frame[bytes] | None:
        self.now += seconds
        frame = self.stream.render(self.surface, self.now, room=self.room)
        self.client.take_frame(frame)
        self.check()
        return frame

    def check(self) -> None:
        is_known = self.stream.planner.main.words != UNKNOWN
        differs = (self.client.shown != self.wanted) & is_known & self.on_monitors
        assert not (differs & ~self.stream.planner.main.lossy).any()
        if differs.any() and not self.is_noisy:
            off = np.abs(channels(self.client.shown)[differs] - channels(self.wanted)[differs])
            assert off.mean() < NEAR

    def rest(self) -> None:
        for _ in range(400):
            due = self.stream.next_due()
            if due is None:
                break
            self.show(max(due - self.now, 0.0) + 0.001)
        assert (self.client.shown == self.wanted)[self.on_monitors].all()

    @property
    def on_monitors(self) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        """(h, w): what a client can show; what lies between monitors is nowhere to be seen."""
        mask = np.zeros((self.surface.height, self.surface.width), np.bool_)
        for area in self.monitors or (self.surface.rect,):
            mask[part(area)] = True
        return mask

    @property
    def wanted(self) -> Words:
        result: Words = self.surface.words & np.uint32(0xFFFFFF)
        return result


def channels(words: Words) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """(h, w, 3)"""
    return np.stack([words >> 16 & 0xFF, words >> 8 & 0xFF, words & 0xFF], axis=-1).astype(np.int64)


@FORMATS
def test_text_and_pictures_are_shown_and_made_exact(format: PipelineFormat) -> None:
    session = Session(640, 400, format)
    session.write(Rect(0, 0, 640, 400), text(640, 400))
    session.show()
    assert (session.client.shown == session.wanted).all()
    session.write(Rect(100, 50, 320, 240), photo(320, 240))
    frame = session.show()
    assert frame is not None
    is_lossy = any(isinstance(command, BoxFrame | Lossy) for command in frame.commands)
    assert is_lossy is (format is not EXACT)
    session.rest()


@pytest.mark.parametrize(("width", "height"), [(1, 1), (641, 479), (319, 16), (50, 500)])
def test_sizes_that_fit_no_block(width: int, height: int) -> None:
    session = Session(width, height)
    for seed in range(3):
        session.write(Rect(0, 0, width, height), photo(width, height, seed))
        session.show()
    session.rest()


def test_a_video_at_the_edges_of_the_picture() -> None:
    session = Session(333, 251)
    session.write(Rect(0, 0, 333, 251), text(333, 251))
    session.show()
    place = Rect(13, 9, 320, 242)
    for seed in range(6):
        session.write(place, photo(320, 242, seed))
        session.show(1 / 30)
    session.rest()


def test_text_beside_a_video_stays_exact_while_it_plays() -> None:
    session = Session(640, 400)
    session.write(Rect(0, 0, 640, 400), text(640, 400))
    session.show()
    place = Rect(103, 55, 321, 243)
    around = np.ones((400, 640), np.bool_)
    around[part(place)] = False
    videos = 0
    for seed in range(8):
        session.write(place, photo(place.width, place.height, seed))
        frame = session.show(1 / 30)
        assert frame is not None
        videos += any(isinstance(command, BoxFrame) for command in frame.commands)
        assert (session.client.shown == session.wanted)[around].all()
    assert videos == 8
    session.rest()


def test_scrolling_and_going_back_costs_little() -> None:
    session = Session(640, 480)
    page = text(640, 900)
    session.write(Rect(0, 0, 640, 480), page[:480])
    session.show()
    before = session.client.bytes
    for top in (16, 32, 48, 64, 48, 32, 16, 0):
        session.write(Rect(0, 0, 640, 480), page[top : top + 480])
        session.show()
    assert session.client.bytes - before < 6000


@pytest.mark.parametrize(("side", "messages"), [(10, 1), (40, 0)])
def test_small_pictures_are_messages_of_clearcodec(side: int, messages: int) -> None:
    # which keeps them as glyphs, and takes a third of planar's time
    session = Session(200, 100, EXACT)
    session.show()
    before = session.stream.target.state.clear_sequence
    session.write(Rect(20, 30, side, side), photo(side, side))
    frame = session.show()
    assert frame is not None
    assert [command.kind for command in frame.commands if isinstance(command, Exact)] == [Kind.PICTURE]
    assert session.stream.target.state.clear_sequence - before == messages


@pytest.mark.parametrize(
    ("format", "loaded"),
    [("has_avc=True", "'av' in sys.modules"), ("", "bool(rlgr_tables.run_tables.cache_info().currsize)")],
)
def test_what_takes_long_is_loaded_when_it_is_prepared(format: str, loaded: str) -> None:
    program = f"""
import sys
from pyrdpmux.codec.rfx import rlgr_tables
from pyrdpmux.graphics import Pipeline, PipelineFormat
target = Pipeline(64, 64, PipelineFormat({format}))
before = {loaded}
target.prepare()
print(before, {loaded})
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]


def test_a_client_that_had_a_stream_before_gets_rid_of_its_surfaces() -> None:
    session = Session(320, 200)
    for seed in range(3):
        session.write(Rect(0, 0, 320, 200), photo(320, 200, seed))
        frame = session.show()
    assert frame is not None
    assert len(session.client.renderer.surfaces) == 3
    other: Stream[bytes] = Stream(320, 240, Pipeline(320, 240, VIDEO, frame.state), frame_id=frame.frame_id)
    session.stream, session.surface = other, Surface(320, 240)
    session.client.take(other.opening())
    assert len(session.client.renderer.surfaces) == 2
    session.write(Rect(0, 0, 320, 240), text(320, 240))
    session.show()
    session.rest()


def test_a_client_that_began_anew_gets_other_numbers() -> None:
    state = PipelineState((1, 2), 17)
    pipeline = Pipeline(64, 64, VIDEO, state, deletes=False)
    client = PipelineClient()
    client.take(pipeline.opening())
    assert not {1, 2} & set(client.renderer.surfaces)


def test_numbers_of_surfaces_come_again() -> None:
    state = NOTHING
    numbers = set()
    for _ in range(100):
        state = Pipeline(8, 8, VIDEO, state).state
        numbers.add(state.surfaces)
    assert max(max(pair) for pair in numbers) < 0xFFFF - 2048
    assert len(numbers) > 20


@FORMATS
@given(drawings=DRAWINGS, width=st.integers(1, 330), height=st.integers(1, 250), room=ROOMS)
@settings(max_examples=15, deadline=None)
def test_whatever_is_drawn_is_shown(
    format: PipelineFormat,
    drawings: list[tuple[str, Rect, int, int, float]],
    width: int,
    height: int,
    room: int | None,
) -> None:
    session = Session(width, height, format)
    session.room = room
    for kind, rect, by, seed, seconds in drawings:
        rect = rect.clip(width, height)
        session.is_noisy = session.is_noisy or kind == "noise"
        if not rect.is_empty:
            session.write(rect, drawn(session.surface.words, kind, rect, by, seed))
        session.show(seconds)
    session.rest()


LAYOUT = (Rect(200, 0, 130, 250), Rect(0, 30, 200, 170))
"""Of 330x250: the primary monitor is on the right, and there is nothing above and below the other one."""


@FORMATS
@given(drawings=DRAWINGS, column=st.integers(1, 329), heights=st.tuples(*[st.integers(1, 250)] * 2))
@settings(max_examples=15, deadline=None)
def test_whatever_is_drawn_is_shown_on_several_monitors(
    format: PipelineFormat,
    drawings: list[tuple[str, Rect, int, int, float]],
    column: int,
    heights: tuple[int, int],
) -> None:
    areas = (Rect(0, 0, column, heights[0]), Rect(column, 250 - heights[1], 330 - column, heights[1]))
    session = Session(330, 250, replace(format, monitors=areas))
    for kind, rect, by, seed, seconds in drawings:
        rect = rect.clip(330, 250)
        session.is_noisy = session.is_noisy or kind == "noise"
        if not rect.is_empty:
            session.write(rect, drawn(session.surface.words, kind, rect, by, seed))
        session.show(seconds)
    session.rest()


def test_each_monitor_has_a_mapped_surface_and_main_has_none() -> None:
    session = Session(330, 250, replace(EXACT, monitors=LAYOUT))
    surfaces = session.client.renderer.surfaces
    mapped = [surface.mapping.target for surface in surfaces.values() if surface.mapping is not None]
    assert mapped == list(LAYOUT)
    assert [surface.size for surface in surfaces.values() if surface.mapping is None] == [(330, 250)] * 2
    assert session.client.renderer.monitors == (
        MonitorDefinition(0, 0, 129, 249, MonitorFlags.PRIMARY),
        MonitorDefinition(-200, 30, -1, 199),
    )


def test_what_moves_from_one_monitor_to_another_is_a_copy() -> None:
    session = Session(640, 240, replace(EXACT, monitors=(Rect(0, 0, 320, 240), Rect(320, 0, 320, 240))))
    window = photo(160, 120)
    session.write(Rect(100, 60, 160, 120), window)
    session.show()
    before = session.client.bytes
    session.write(Rect(100, 60, 160, 120), np.zeros((120, 160), np.uint32))
    session.write(Rect(228, 60, 160, 120), window)
    session.surface.propose_move(128, 0)
    session.show()
    assert session.client.bytes - before < 1500
    session.rest()


def test_another_layout_gets_rid_of_the_surfaces_of_the_last() -> None:
    session = Session(330, 250, replace(EXACT, monitors=LAYOUT))
    session.write(session.surface.rect, text(330, 250))
    frame = session.show()
    assert frame is not None
    pipeline = Pipeline(330, 250, EXACT, frame.state)
    session.stream, session.monitors = Stream(330, 250, pipeline, frame_id=frame.frame_id), ()
    session.client.take(session.stream.opening())
    assert set(session.client.renderer.surfaces) == set(pipeline.state.surfaces)
    assert len(pipeline.state.surfaces) == 2
    session.show()
    session.rest()


def test_clients_of_other_monitors_share_nothing() -> None:
    one, other = Pipeline(330, 250, EXACT), Pipeline(330, 250, replace(EXACT, monitors=LAYOUT))
    assert one.sharing_key != other.sharing_key
    assert other.clone().sharing_key == other.sharing_key


def test_clients_with_caches_of_other_sizes_share_the_smaller_one() -> None:
    """A client that is told to store in a slot that it has not closes the channel."""
    many, few = 4096, 20
    host = Session(640, 400, replace(EXACT, cache_slots=many, cache_bytes=16 << 20))
    guest = Session(640, 400, replace(EXACT, cache_slots=few, cache_bytes=16 << 20))
    for session in (host, guest):
        session.write(session.surface.rect, text(640, 400))
        session.show()
        session.rest()
    assert host.stream.target.sharing_key == guest.stream.target.sharing_key
    assert host.stream.planner.abilities.cache_slots == many
    for frame in join(host.stream, guest.stream, 100.0).of_guest:
        guest.client.take_frame(frame)
    guest.stream, guest.now = host.stream, 100.0
    slots = set[int]()
    for seed in range(2, 5):
        guest.write(guest.surface.rect, text(640, 400, seed))
        guest.show()
        stored = guest.show(1.0)
        assert stored is not None
        slots |= {command.slot for command in stored.commands if isinstance(command, Store)}
    guest.rest()
    assert max(slots) == few
    assert guest.stream.clone().planner.abilities.cache_slots == few


def test_numbers_of_sixteen_monitors_come_again() -> None:
    areas = tuple(Rect(8 * at, 0, 8, 8) for at in range(16))
    state = NOTHING
    for _ in range(100):
        before, state = set(state.surfaces), Pipeline(128, 8, replace(VIDEO, monitors=areas), state).state
        assert not before & set(state.surfaces)
        assert max(state.surfaces) < 0xFFFF


@FORMATS
def test_counts_what_frames_are_made_of(format: PipelineFormat) -> None:
    session = Session(640, 400, format)
    tally = session.stream.target.tally
    ticks = count()
    tally.clock = lambda: float(next(ticks))
    session.write(Rect(0, 0, 640, 400), text(640, 400))
    session.show()
    session.write(Rect(100, 50, 320, 240), photo(320, 240))
    session.show()
    session.rest()
    figures = tally.figures()
    lossy = {Step.VIDEO} if format.has_avc else {Step.LOSSY} if format.has_progressive else set()
    assert figures.keys() >= {Step.FIND, Step.TEXT, Step.PICTURE, Step.COMPRESS} | lossy
    assert all(step.seconds > 0 for step in figures.values())
    assert tally.bytes == figures[Step.COMPRESS].bytes == session.client.bytes
    shown = sum(figures[step].pixels for step in {Step.TEXT, Step.PICTURE} | lossy)
    assert shown >= 640 * 400 + 320 * 240
    assert figures[Step.TEXT].bytes > figures[Step.TEXT].count
    lossy_codecs = ("AVC420",) if format.has_avc else ("progressive",) if format.has_progressive else ()
    assert session.stream.target.codecs == (*lossy_codecs, "ClearCodec", "planar")


def test_a_picture_is_made_exact_in_haste_where_the_link_takes_more_bytes() -> None:
    """What has been sent before, twice the same half here, is not searched then."""
    rng = np.random.default_rng(2)
    half = np.add.outer(np.arange(480) // 8, np.arange(320) // 8)[..., None] + rng.integers(
        0, 4, (480, 320, 4)
    )
    picture = np.tile(half, (1, 2, 1)).astype(np.uint8).view(np.uint32)[..., 0]
    sizes = {}
    for room in (100_000, 10 << 20):
        session = Session(640, 480)
        session.room = room
        session.write(Rect(0, 0, 640, 480), picture)
        session.show()
        frame = session.show(1.1)
        assert frame is not None
        assert frame.is_refinement
        sizes[room] = len(frame.output)
        session.rest()
    assert sizes[100_000] < 0.9 * sizes[10 << 20]


@pytest.mark.parametrize("plays", [False, True])
def test_there_is_no_haste_beside_a_video(plays: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Which takes its time of the link, too."""
    haste = []
    compress = ZgfxCompressor.compress

    def noted(compressor: ZgfxCompressor, data: bytes, **how: bool) -> bytes:
        haste.append(how["is_hasty"])
        return compress(compressor, data, **how)

    session = Session(640, 480)
    session.is_noisy = True
    session.write(Rect(0, 0, 640, 480), photo(640, 480))
    session.show()
    monkeypatch.setattr(ZgfxCompressor, "compress", noted)
    rng = np.random.default_rng(3)
    fine_pixels = 0
    for _ in range(40):
        if plays:
            session.write(Rect(160, 160, 320, 160), rng.integers(0, 1 << 24, (160, 320), np.uint32))
        session.show(1 / 30)
        fine_pixels += session.stream.planner.fine_pixels
    assert fine_pixels > 100_000
    assert any(haste) == (not plays)


def test_a_copy_of_a_stream_counts_for_itself() -> None:
    session = Session(64, 64)
    session.write(Rect(0, 0, 64, 64), text(64, 64))
    session.show()
    assert session.stream.clone().target.tally.figures() == {}
    assert session.stream.target.tally.figures()[Step.FIND].count == 1


def qualities(frame: Frame[bytes] | None) -> set[Quality]:
    assert frame is not None
    return {command.quality for command in frame.commands if isinstance(command, Lossy)}


def test_pictures_that_change_again_at_once_have_half_the_bytes() -> None:
    session = Session(640, 400, PROGRESSIVE)
    area = Rect(0, 0, 640, 400)

    def next_picture(seed: int, seconds: float) -> Frame[bytes] | None:
        session.write(area, photo(640, 400, seed))
        return session.show(seconds)

    first, *others = [next_picture(seed, 1 / 30) for seed in range(5)]
    assert qualities(first) == {Quality.GOOD}
    assert first is not None
    for frame in others:
        assert qualities(frame) == {Quality.MOVING}
        assert frame is not None
        assert len(frame.output) < 0.6 * len(first.output)
    session.rest()
    assert qualities(next_picture(5, 0.0)) == {Quality.GOOD}
    for seed in (6, 7):
        assert qualities(next_picture(seed, 0.5)) == {Quality.GOOD}, "slides"


def test_of_pictures_that_appear_a_few_that_move_are_no_video() -> None:
    session = Session(640, 400, PROGRESSIVE)
    session.write(Rect(0, 0, 192, 128), photo(192, 128, 1))
    session.show()
    session.write(Rect(0, 0, 640, 400), photo(640, 400, 2))
    assert qualities(session.show(1 / 30)) == {Quality.GOOD}


def test_pictures_are_coarse_where_the_link_does_not_take_better_ones() -> None:
    session = Session(640, 400, PROGRESSIVE)
    session.write(Rect(0, 0, 640, 400), sensed(640, 400, 1))
    session.room, session.is_noisy = 20_000, True
    frames = [session.show() for _ in range(20)]
    assert not session.stream.is_behind
    coarse = [
        command.quality is Quality.COARSE
        for frame in frames
        if frame is not None
        for command in frame.commands
        if isinstance(command, Lossy)
    ]
    assert coarse
    assert all(coarse)
    assert max(len(frame.output) for frame in frames[1:] if frame is not None) < 2 * session.room
    session.rest()
