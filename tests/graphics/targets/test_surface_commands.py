"""Streams with pictures by RemoteFX and NSCodec, before a client that decodes them: every frame."""

from dataclasses import replace
from itertools import count

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrdpmux.codec.rfx.headers import Entropy, Sync
from pyrdpmux.codec.rfx.message import TileSet, decode_messages
from pyrdpmux.geometry import Rect
from pyrdpmux.graphics.commands import Exact, Lossy, Quality
from pyrdpmux.graphics.tally import Step
from pyrdpmux.graphics.targets.surface_commands import SurfaceCommandsFormat
from pyrdpmux.rdp.connection.output_format import OutputFormat, SurfaceFormat
from pyrdpmux.rdp.fastpath.surface import SetSurfaceBits
from pyrdpmux.rdp.pdu.orders.primary import ScrBlt
from tests.graphics.bitmap_session import (
    NSCODEC_FORMAT,
    REMOTEFX_FORMAT,
    BitmapSession,
    output_format,
    surface_format,
)
from tests.graphics.drawings import DRAWINGS, ROOMS, drawn, photo, text

REMOTEFX = surface_format(remotefx=REMOTEFX_FORMAT)
NSCODEC = surface_format(nscodec=NSCODEC_FORMAT)
CODECS = pytest.mark.parametrize("surface", [REMOTEFX, NSCODEC], ids=["remotefx", "nscodec"])


def output(width: int, height: int, surface: SurfaceFormat, *, has_orders: bool = True) -> OutputFormat:
    return output_format(width, height, has_orders=has_orders, surface=surface)


def commands(session: BitmapSession) -> list[SetSurfaceBits]:
    """Of the last frame."""
    return [piece for piece in session.client.pieces if isinstance(piece, SetSurfaceBits)]


@CODECS
def test_pictures_are_lossy_and_become_exact(surface: SurfaceFormat) -> None:
    session = BitmapSession(output(643, 401, surface))
    session.write(Rect(0, 0, 643, 401), text(643, 401))
    session.show()
    assert not commands(session)
    session.write(Rect(101, 53, 320, 240), photo(320, 240))
    session.show()
    assert commands(session)
    session.rest()
    assert not commands(session)


def test_remotefx_is_coarse_where_the_link_does_not_take_better_ones() -> None:
    """In a frame of 20 kB there is no room for a tenth of it otherwise."""
    sizes = {}
    for room in (None, 20_000):
        session = BitmapSession(output(640, 400, REMOTEFX))
        session.room = room
        session.write(Rect(0, 0, 640, 400), photo(640, 400))
        frame = session.show()
        assert frame is not None
        quality = Quality.GOOD if room is None else Quality.COARSE
        assert {item.quality for item in frame.commands if isinstance(item, Lossy)} == {quality}
        shown = sum(rect.pixels for item in frame.commands if isinstance(item, Lossy) for rect in item.rects)
        sizes[room] = sum(len(command.bitmap.data) for command in commands(session)) / shown
        session.rest()
    assert sizes[20_000] < sizes[None] / 5


def test_remotefx_has_half_the_bytes_while_a_video_plays() -> None:
    session = BitmapSession(output(640, 400, REMOTEFX))
    sizes = []
    for seed in range(3):
        session.write(Rect(0, 0, 640, 400), photo(640, 400, seed))
        session.show()
        sizes.append(sum(len(command.bitmap.data) for command in commands(session)))
    assert max(sizes[1:]) < 0.6 * sizes[0]
    session.rest()


@CODECS
@pytest.mark.parametrize("has_orders", [True, False], ids=["orders", "bitmaps only"])
def test_a_picture_that_moves_takes_its_losses_along(surface: SurfaceFormat, has_orders: bool) -> None:
    session = BitmapSession(output(640, 400, surface, has_orders=has_orders))
    picture = photo(320, 240)
    for x in (11, 40, 90):
        session.write(Rect(0, 0, 640, 400), text(640, 400))
        session.write(Rect(x, 53, 320, 240), picture)
        session.show()
        assert isinstance(session.client.pieces[0], ScrBlt) == (has_orders and x > 11)
    session.rest()


@CODECS
def test_what_is_made_exact_is_so_where_a_picture_goes_on_in_the_same_frame(surface: SurfaceFormat) -> None:
    """The rim rests, and is refined in rectangles that reach into the middle, which moves."""
    session = BitmapSession(output(320, 256, surface))
    session.write(Rect(0, 0, 320, 256), photo(320, 256))
    session.show()
    middle = Rect(24, 24, 272, 208)
    for seed, seconds in ((2, 0.5), (3, 0.4), (4, 0.2)):
        session.write(middle, photo(272, 208, seed))
        frame = session.show(seconds)
    assert frame is not None
    assert {Exact, Lossy} <= set(map(type, frame.commands))
    session.rest()


@pytest.mark.parametrize(("width", "height"), [(150, 151), (641, 479)])
@CODECS
def test_sizes_that_fit_no_tile(surface: SurfaceFormat, width: int, height: int) -> None:
    session = BitmapSession(output(width, height, surface))
    for seed in range(3):
        session.write(Rect(0, 0, width, height), photo(width, height, seed))
        session.show()
    session.rest()


def test_remotefx_of_image_mode_has_its_headers_in_every_frame() -> None:
    """Line 17 of the breakages: and the coder is one that the client has offered."""
    for has_rlgr1, has_rlgr3 in ((True, True), (False, True), (True, False)):
        format = replace(REMOTEFX_FORMAT, has_rlgr1=has_rlgr1, has_rlgr3=has_rlgr3)
        session = BitmapSession(output(320, 256, surface_format(remotefx=format)))
        for seed in range(3):
            session.write(Rect(0, 0, 320, 256), photo(320, 256, seed))
            session.show()
            for command in commands(session):
                messages = decode_messages(command.bitmap.data)
                assert isinstance(messages[0], Sync)
                entropy = Entropy.RLGR1 if has_rlgr1 else Entropy.RLGR3
                tilesets = [message for message in messages if isinstance(message, TileSet)]
                assert [tileset.properties.entropy for tileset in tilesets] == [entropy]


def test_a_client_of_nscodec_only_sees_pixels() -> None:
    """Line 20 of the breakages."""
    session = BitmapSession(output(320, 256, NSCODEC, has_orders=False))
    session.write(Rect(0, 0, 320, 256), photo(320, 256))
    session.show()
    assert {command.bitmap.codec_id for command in commands(session)} == {NSCODEC_FORMAT.codec_id}
    session.rest()


@CODECS
def test_noise_fits_the_smallest_updates(surface: SurfaceFormat) -> None:
    """Line 14 of the breakages; the client of the session checks sizes."""
    if surface.nscodec is not None:
        properties = replace(surface.nscodec.properties, allow_subsampling=0, color_loss_level=0)
        surface = replace(surface, nscodec=replace(surface.nscodec, properties=properties))
    small = replace(output(320, 256, surface), max_request_size=0)
    session = BitmapSession(small)
    session.is_noisy = True
    rng = np.random.default_rng(5)
    session.write(Rect(0, 0, 320, 256), rng.integers(0, 1 << 24, (256, 320), dtype=np.uint32))
    session.show()
    assert commands(session)
    session.rest()


def test_who_gets_surface_commands() -> None:
    both = surface_format(remotefx=REMOTEFX_FORMAT, nscodec=NSCODEC_FORMAT)
    format = SurfaceCommandsFormat.of(output(640, 480, both))
    assert format is not None
    assert format.codec == REMOTEFX_FORMAT
    for other in (
        replace(output(640, 480, both), bits_per_pixel=15),
        replace(output(640, 480, NSCODEC), bits_per_pixel=16),
        output(640, 480, surface_format()),
        output(640, 480, replace(both, may_set=False)),
        output_format(640, 480),
    ):
        assert SurfaceCommandsFormat.of(other) is None


def test_a_browser_gets_pictures_by_remotefx_and_all_else_at_16_bits() -> None:
    """QUIRK(IronRDP)"""
    session = BitmapSession(replace(output(330, 256, REMOTEFX, has_orders=False), bits_per_pixel=16))
    for seed in range(3):
        session.write(Rect(0, 0, 320, 240), photo(320, 240, seed))
        session.show()
        assert commands(session)
    session.write(Rect(4, 0, 320, 100), text(320, 100))
    session.show()
    session.rest()


def test_only_what_counts_keeps_clients_apart() -> None:
    one = output(640, 480, REMOTEFX)
    format = SurfaceCommandsFormat.of(one)
    alike = replace(REMOTEFX, has_markers=False, max_unacknowledged_frames=None)
    assert SurfaceCommandsFormat.of(replace(one, surface=alike, max_pointer_side=96)) == format
    rlgr3 = replace(REMOTEFX_FORMAT, has_rlgr1=False)
    for other in (
        replace(one, surface=surface_format(remotefx=rlgr3)),
        replace(one, surface=NSCODEC),
        replace(one, max_request_size=0),
        replace(one, can_copy=False),
    ):
        assert SurfaceCommandsFormat.of(other) != format


@CODECS
@given(
    drawings=DRAWINGS,
    width=st.integers(1, 330),
    height=st.integers(1, 250),
    has_orders=st.booleans(),
    room=ROOMS,
)
@settings(max_examples=30, deadline=None)
def test_whatever_is_drawn_is_shown(
    surface: SurfaceFormat,
    drawings: list[tuple[str, Rect, int, int, float]],
    width: int,
    height: int,
    has_orders: bool,
    room: int | None,
) -> None:
    session = BitmapSession(output(width, height, surface, has_orders=has_orders))
    session.room = room
    for kind, rect, by, seed, seconds in drawings:
        rect = rect.clip(width, height)
        session.is_noisy = session.is_noisy or kind == "noise"
        if not rect.is_empty:
            session.write(rect, drawn(session.surface.words, kind, rect, by, seed))
        session.show(seconds)
    session.rest()


@CODECS
def test_a_late_joiner_follows_from_the_epoch_on(surface: SurfaceFormat) -> None:
    host, guest = (BitmapSession(output(330, 250, surface)) for _ in range(2))
    guest.surface = host.surface
    place = Rect(30, 20, 250, 200)
    for seed in range(3):
        host.write(place, photo(250, 200, seed))
        host.show()
    guest.show()
    guest.now = host.now
    host.joined_by(guest)
    for seed in (3, 1, 3):
        host.write(place, photo(250, 200, seed))
        frame = host.show()
        guest.client.take(frame)
        host.check(guest.client)
    for _ in range(400):
        due = host.stream.next_due()
        if due is None:
            break
        guest.client.take(host.show(max(due - host.now, 0.0) + 0.001))
    assert (guest.client.shown == host.wanted).all()
    assert (host.client.shown == host.wanted).all()


@CODECS
def test_counts_pictures_and_exact_bitmaps(surface: SurfaceFormat) -> None:
    session = BitmapSession(output(640, 400, surface))
    tally = session.stream.target.tally
    ticks = count()
    tally.clock = lambda: float(next(ticks))
    session.write(Rect(0, 0, 640, 400), text(640, 400))
    session.show()
    assert tally.figures().keys() == {Step.FIND, Step.BITMAPS}
    session.write(Rect(101, 53, 320, 240), photo(320, 240))
    session.show()
    figures = tally.figures()
    assert figures[Step.LOSSY].pixels >= 300 * 200
    assert figures[Step.LOSSY].seconds > 0
    assert tally.bytes == figures[Step.LOSSY].bytes + figures[Step.BITMAPS].bytes
    lossy = "RemoteFX" if surface.remotefx is not None else "NSCodec"
    assert (session.stream.target.way, session.stream.target.codecs) == ("surface", (lossy, "planar"))
