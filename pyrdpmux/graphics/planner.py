"""What is to be sent: the difference between a surface and what clients show of it, as commands.

The cheapest first: what clients have somewhere (moved pixels, what a window had covered, tiles of their
cache), then one color, then text exactly, then pictures nearly, which are made exact when they rest. Without
clock and network; deterministic.

INVARIANT: after a plan, the commands of all plans so far make every pixel of MAIN what the surface had when
it was looked at, but for lossy marks, and for what the allotment leaves to the next plans.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from pyrdpmux.codec.color import Words
from pyrdpmux.geometry import Rect, bounding_box
from pyrdpmux.graphics.allotment import Allotment, Way
from pyrdpmux.graphics.boxes import MIN_PIXELS, Boxes, grouped
from pyrdpmux.graphics.cached_tiles import CachedTiles
from pyrdpmux.graphics.classify import Kind, classify, flat_color, kinds_of
from pyrdpmux.graphics.client_picture import Layer
from pyrdpmux.graphics.commands import (
    MAIN,
    Abilities,
    BoxFrame,
    CloseBox,
    Command,
    Copy,
    Exact,
    Fill,
    Lossy,
    Quality,
)
from pyrdpmux.graphics.moves import MoveFinder
from pyrdpmux.graphics.pictures import Pictures
from pyrdpmux.graphics.predictions import MIN_CHANGED
from pyrdpmux.graphics.proofs import Move
from pyrdpmux.graphics.refinement import overdue_parts
from pyrdpmux.graphics.residual import Mask, rects_around
from pyrdpmux.graphics.rows import WIDE
from pyrdpmux.graphics.save_under import SaveUnder
from pyrdpmux.graphics.snapshot import Prediction
from pyrdpmux.graphics.surface import Surface, tile_rects
from pyrdpmux.graphics.videos import Videos

MIN_CACHED: Final = 100_000
"""Pixels to be painted, from which on tiles are looked for in the cache, and kept there."""

FEW_RECTS: Final = 4
"""So many are searched for changed pixels one by one, more of them together."""

PICTURE_REST: Final = 1.0
"""Seconds without a change, after which what was sent lossy is made exact."""

MOTION: Final = 0.25
"""Seconds since a picture was shown nearly, within which the next one in its place belongs to a video."""

FINE_PIXELS: Final = 65_536
"""Made exact with one frame, at most: some 12 ms."""

_QUALITIES: Final = {Way.LOSSY: Quality.GOOD, Way.MOVING: Quality.MOVING, Way.COARSE: Quality.COARSE}


class Planner:
    """The plans for one stream of a surface of ``width`` x ``height``."""

    def __init__(self, width: int, height: int, abilities: Abilities) -> None:
        self.abilities = abilities
        self.rect = Rect(0, 0, width, height)
        self._pictures = Pictures(width, height)
        self._saved: SaveUnder | None = None
        self._tiles = self._cached_tiles()
        #: pixels to be painted, from which on the cache is asked
        self._cached_from = min(MIN_CACHED, width * height)
        self._boxes = Boxes(width, height)
        self._moves = MoveFinder()
        self._changed = self._pictures.changed
        self._videos = Videos(self._boxes, self.main, self._pictures.snapshot)
        #: moves are looked for before videos are shown
        self._moves_first = False
        self._surface: Surface | None = None
        self._seen = 0
        self._now = 0.0
        self._commands: list[Command] = []
        #: the last plan has found nothing that has changed
        self.has_rested = True
        #: that were made exact by the last plan
        self.fine_pixels = 0
        #: what the next plan begins with
        self._before: list[Command] = []
        self.allotment = Allotment(width, height, abilities.text_cost)

    @property
    def main(self) -> Layer:
        """What clients show."""
        return self._pictures.main

    @property
    def current(self) -> Words:
        """What the surface had when it was looked at, masked."""
        return self._pictures.current

    def begin_epoch(self, abilities: Abilities) -> None:
        """Nothing may refer to back surface, cache or boxes as they were.

        The caller has closed the boxes with :meth:`close_boxes` before. ``abilities``: of all clients from
        now on, whose cache may be smaller.
        """
        self._saved = None
        if abilities != self.abilities:
            self.abilities = abilities
            self._tiles = self._cached_tiles()
        self._tiles.forget(self._now)

    def _cached_tiles(self) -> CachedTiles:
        slots, most = self.abilities.cache_slots, self.abilities.cache_bytes
        return CachedTiles(self.rect.width, self.rect.height, slots, most)

    def import_cache(self, entries: Sequence[tuple[int, int]]) -> tuple[int, ...]:
        """Clients have these bitmaps from before: key and bytes. Returns a slot for each, 0 for none."""
        return self._tiles.take_over(entries)

    def close_boxes(self) -> list[Command]:
        """What ends all boxes."""
        commands, self._before = self._before, []
        return commands + self._boxes.close_all()

    def clone(self) -> "Planner":
        """One for clients that show the same, whose next commands refer to nothing but that."""
        other = Planner(self.rect.width, self.rect.height, self.abilities)
        other._pictures = self._pictures.clone()
        other._changed = other._pictures.changed
        other._videos = Videos(other._boxes, other.main, other._pictures.snapshot)
        other._surface, other._seen = self._surface, self._seen
        other.allotment = self.allotment.clone()
        other._before = [*self._before, *[CloseBox(number) for number in self._boxes.numbers]]
        return other

    def invalidate(self, rects: Sequence[Rect]) -> None:
        """What clients show there is to be painted again."""
        self._pictures.forget([rect.intersection(self.rect) for rect in rects])
        self._surface = None if rects else self._surface

    def next_due(self) -> float | None:
        """When there is something to do although nothing changes."""
        if self.allotment.is_behind:
            return self._now
        times = (self.main.next_due(), self._boxes.next_rest(), self._tiles.next_rest())
        return min([time for time in times if time is not None], default=None)

    def plan(
        self, surface: Surface, now: float, fine_pixels: int = FINE_PIXELS, room: int | None = None
    ) -> list[Command]:
        """Commands that bring clients up to date with ``surface``, of this planner's size.

        ``fine_pixels``: as many may be made exact that rest, or a whole tile; 0: none. ``room``: bytes that
        the frame should not exceed; None: whatever it takes. Pixels of commands are those of ``current``.
        """
        self._now = now
        self._pictures.begin()
        self.allotment.begin(room)
        self._commands, self._before = self._before, []
        hints, rects = self._look(surface)
        begun = len(self._commands)
        predicted, changed = self._take_over(surface, rects)
        if changed:
            self._tiles.changed(changed, now)
            if self._moves_first:
                changed = self._find_moves(changed, hints)
                self._show_videos(changed, now)
            else:
                self._show_videos(changed, now)
                changed = changed if predicted is not None else self._find_moves(changed, hints)
            self._show_changes(changed, now, predicted.lines if predicted is not None else None)
        self._pictures.finish()
        self.has_rested = len(self._commands) == begun
        self._commands += self._boxes.rest(now)
        self.fine_pixels = 0
        if fine_pixels and not self.allotment.is_behind:
            self._refine(now, fine_pixels)
        self._commands += self._tiles.store_rested(self.main, self.current, now)
        commands, self._commands = self._commands, []
        return commands

    # -- looking ---------------------------------------------------------------------------------

    def _look(self, surface: Surface) -> tuple[list[tuple[int, int]], list[Rect]]:
        """Proposed moves, and where to look."""
        if surface is not self._surface:
            self._surface, self._seen = surface, -1
        version = surface.version
        tiles = surface.newer(self._seen) if self._seen >= 0 else np.ones(surface.versions.shape, np.bool_)
        tiles = tiles | self.allotment.resume()
        hints = surface.proposals(self._seen)
        self._seen = version
        # What lies beside a video is not looked at with each of its pictures.
        is_narrow = self._moves.drags or self._boxes.videos(self._now)
        if np.count_nonzero(tiles) * WIDE >= tiles.shape[1] and not is_narrow:
            tiles[np.count_nonzero(tiles, axis=1) * WIDE >= tiles.shape[1]] = True
        rects = tile_rects(tiles, self.rect.width, self.rect.height)
        return hints, rects

    def _take_over(self, surface: Surface, rects: list[Rect]) -> tuple[Prediction | None, list[Rect]]:
        """What the surface has there: what of it is as was predicted, and where something differs."""
        surface.readers.add(self)
        try:
            predicted = self._predict(surface, rects) if self.abilities.can_copy else None
            return predicted, predicted.places if predicted is not None else self._compare(surface, rects)
        finally:
            surface.readers.discard(self)

    def _compare(self, surface: Surface, rects: list[Rect]) -> list[Rect]:
        """Where something differs in them, but for videos, which are shown."""
        self._moves_first = False
        if not self._boxes.videos(self._now):
            return self._pictures.take_and_compare(surface.words, rects)
        self._pictures.take(surface.words, rects)
        self._moves_first = self.abilities.can_copy and self._videos.may_have_moved(rects, self._now)
        if not self._moves_first:
            rects = self._without_videos(rects, self._now)
        return self._pictures.compare(rects)

    # -- showing ---------------------------------------------------------------------------------

    def _show_changes(self, rects: Sequence[Rect], now: float, lines: Mask | None = None) -> None:
        """Whatever ``_changed`` has in these rectangles; ``lines`` (height,) bool: of one, in which rows."""
        box = bounding_box(rects)
        count = int(np.count_nonzero(self._changed[box.slices] if lines is None else lines))
        if not count:
            return
        self._pictures.settle()
        # One search in one box for many pixels; typing has a glyph here and a cursor there.
        is_one = count >= MIN_CHANGED and len(rects) > FEW_RECTS
        painted = rects_around(self._changed, [box] if is_one else rects, lines)
        if self._saved is not None:
            copies, painted = self._saved.uncover(
                painted, self.main, self.current, self._changed, now + PICTURE_REST
            )
            self._commands += copies
        is_large = sum(rect.pixels for rect in painted) >= self._cached_from
        if is_large:
            restored = self._tiles.restore(box, self.main, self.current, self._changed)
            if restored:
                self._commands += restored
                painted = rects_around(self._changed, [box])
        self._paint(painted, now)
        if is_large and not self.abilities.keeps_what_rests:
            self._commands += self._tiles.store(box, self.main, self.current)

    def _without_videos(self, rects: list[Rect], now: float) -> list[Rect]:
        """Show videos that go on; the rest of these rectangles."""
        for box in self._videos.going_on(rects, now):
            self._show_box(self._boxes.frame(box, [box.area], now, self.allotment.for_video), now)
            rects = [piece for rect in rects for piece in rect.without(box.area)]
        return rects

    def _show_videos(self, rects: Sequence[Rect], now: float) -> None:
        """All else that has changed in videos goes through their boxes, too."""
        for box, changed in self._videos.changes(rects, now):
            self._show_box(self._boxes.frame(box, changed, now, self.allotment.for_video), now)

    def _show_box(self, frame: BoxFrame, now: float) -> None:
        self._commands.append(frame)
        self._tiles.changed(frame.changed, now)
        for rect in frame.changed:
            self._pictures.show_lossy(rect, now + PICTURE_REST)

    def _predict(self, surface: Surface, rects: list[Rect]) -> Prediction | None:
        """What moved goes on as it did: where something has changed then; None if that is to be found out."""
        box = bounding_box(rects)
        if box.pixels < MIN_CHANGED or any(v.place.overlaps(box) for v in self._boxes.videos(self._now)):
            return None
        move = self._moves.predict(self.main.words, surface.words, box)
        if move is None:
            return None
        self._copy_moved(move)
        due = self._now + PICTURE_REST
        return self._pictures.take_predicted(surface.words, rects, move, self._moves.drags, due)

    def _find_moves(self, rects: Sequence[Rect], hints: Sequence[tuple[int, int]]) -> list[Rect]:
        """Copy what has moved; disjoint rectangles around what is wrong then."""
        if not self.abilities.can_copy:
            return list(rects)
        # A clock in the corner is no reason to look at all that lies between it and a window.
        region = bounding_box([rect for rect in rects if rect.pixels >= MIN_CHANGED] or rects)
        changed = self._changed[region.slices]
        if np.count_nonzero(changed) < MIN_CHANGED:
            return list(rects)
        self._pictures.catch_up()
        motion = self._videos.within(region, self._now)
        proofs = self._moves.find_all(self.main.words, self.current, changed, region, hints, motion=motion)
        if not proofs:
            return list(rects)
        *moves, last = [proof.move for proof in proofs]
        due = self._now + PICTURE_REST
        for move in moves:
            self._copy_moved(move)
            self.main.copy(self.main, move.source, move.x, move.y, due)
        self._copy_moved(last)
        # What is wrong after the last move is painted from ``current`` anyway.
        self._pictures.settle([move.destination for move in moves])
        self.main.copy_marks(self.main, last.source, last.x, last.y, due)
        changed[:] = proofs[-1].mask
        self._videos.follow([proof.move for proof in proofs], changed, region, self._now)
        return [region, *[piece for rect in rects for piece in rect.without(region)]]

    def _copy_moved(self, move: Move) -> None:
        """Have it copied, and what it covers kept."""
        if self.abilities.has_back:
            if self._saved is None:
                self._saved = SaveUnder(self.rect.width, self.rect.height)
            self._commands += self._saved.save(
                self.main, move.source, move.destination, self._now + PICTURE_REST
            )
        self._commands.append(Copy(MAIN, move.source, MAIN, move.x, move.y))

    # -- painting --------------------------------------------------------------------------------

    def _paint(self, rects: Sequence[Rect], now: float) -> None:
        """Everything in these rectangles, each part as befits its kind."""
        fills: dict[int, list[Rect]] = {}
        pictures: list[Rect] = []
        others: list[Rect] = []
        for rect, kind in kinds_of(self.current, rects):
            color = flat_color(self.current[rect.slices]) if kind is Kind.FLAT else None
            if color is not None and self.abilities.can_fill:
                fills.setdefault(color, []).append(rect)
                self.main.paint(rect, self.current)
            elif kind is Kind.PICTURE:
                pictures.append(rect)
            else:
                others.append(rect)
        self._commands += [Fill(color, tuple(places)) for color, places in fills.items()]
        for rect in self._taken(others, Way.TEXT):
            self._paint_exactly(rect, Kind.TEXT)
        self._paint_pictures(pictures, now)

    def _paint_exactly(self, rect: Rect, kind: Kind, *, is_hasty: bool = False) -> None:
        self._commands.append(Exact(rect, kind, is_hasty))
        self.main.paint(rect, self.current)

    def _paint_pictures(self, rects: Sequence[Rect], now: float) -> None:
        """Nearly if they are large, and clients know how; exactly otherwise."""
        if self.abilities.has_boxes:
            groups, rects = grouped(rects)
            for command in self._boxes.show(groups, now, self.allotment.for_video):
                if isinstance(command, BoxFrame):
                    self._show_box(command, now)
                else:
                    self._commands.append(command)
        elif self.abilities.has_lossy and sum(rect.pixels for rect in rects) >= MIN_PIXELS:
            way = Way.MOVING if self._are_moving(rects, now) else Way.LOSSY
            way = way if self.allotment.fits(rects, way, self.current) else Way.COARSE
            rects = self._taken(rects, way)
            self._commands.append(Lossy(tuple(rects), _QUALITIES[way]))
            for rect in rects:
                self.main.paint_lossy(rect, self.current, now + PICTURE_REST)
            return
        for rect in self._taken(rects, Way.PICTURE):
            self._paint_exactly(rect, Kind.PICTURE)

    def _are_moving(self, rects: Sequence[Rect], now: float) -> bool:
        """Most of them have been shown nearly just now: they are about to change again."""
        due = now - MOTION + PICTURE_REST
        moving = sum([rect.pixels for rect in rects if self.main.is_due_after(rect, due)])
        return 2 * moving > sum([rect.pixels for rect in rects])

    def _taken(self, rects: Sequence[Rect], way: Way) -> list[Rect]:
        """Those that are painted now. Of the others nobody knows what clients show: some targets paint more
        than they are told, as it looks at the end.
        """
        taken, later = self.allotment.take(rects, way, self.current, self._changed)
        self._pictures.forget(later)
        return taken

    def _refine(self, now: float, pixels: int) -> None:
        """Make exact what has rested long enough, so much of it."""
        is_hasty = self.allotment.is_ample and self.has_rested
        for rect in overdue_parts(self.main.overdue(now), self.rect, pixels):
            self.fine_pixels += rect.pixels
            self._paint_exactly(rect, classify(self.current[rect.slices]), is_hasty=is_hasty)
