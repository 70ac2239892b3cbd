"""What only moved: rectangles that a client can copy within its own picture, found and proved.

Where to look is proposed by votes, by the last frame and by whoever draws, and none of them is trusted: a
move comes with the mask of what is still wrong after it. A wrong guess can be costly, never incorrect.
"""

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from pyrdpmux.codec.color import Words
from pyrdpmux.geometry import Rect
from pyrdpmux.graphics.predictions import GOOD, MIN_CHANGED, MIN_REST, dragged_on, scrolled_on
from pyrdpmux.graphics.proofs import DOUBTFUL, Move, Proof, prove, prove_again
from pyrdpmux.graphics.residual import Mask
from pyrdpmux.graphics.tracking import track
from pyrdpmux.graphics.votes import ROWS, Samples, Vector, agreement, around, take_samples, vertical, vote

WHOLE_PAGE: Final = 0.97
"""Of the pixels that change where a page scrolls: with less, it was not all of it that was found before."""

MIN_AGREEMENT: Final = 0.55
"""Of the samples, for the vector of the last frame. With 0.4, one that was off by a line was once taken."""

HINT_AGREEMENT: Final = 0.25
"""For who draws: the proposal is most likely true, and half the change may be background that it exposed."""

_NEAR: Final = 3
"""A window's speed changes by a few pixels from frame to frame."""

_REACH: Final = 64
_VOTERS: Final = 16
_WIDE: Final = ((128, 16), (256, 32))
"""Reach and voters of the votes on large changes that nothing explains yet: milliseconds each."""

_WIDE_CHANGE: Final = 40_000
_MANY_ROWS: Final = 48
_MAX_PAUSE: Final = 31
"""Frames for which the wide votes are left out, when they have found nothing for long: a video goes on."""

_FEWEST_SAMPLES: Final = 4
_MAX_AGAIN: Final = 8
"""Frames in a row in which a window is taken to be as large as before: it may have been found too small."""
_MOST_LINES: Final = 8
"""By which a page is looked for that scrolls by one at a time: so many frames may have been left out."""


class MoveFinder:
    """Finds the moves of one stream of frames; what moved last is likely to move on."""

    def __init__(self) -> None:
        self._vectors: list[Vector] = []
        """Of the last frame in which anything moved, the largest move first."""
        self._last: Move | None = None
        """The largest of the last frame in which anything moved."""
        self._again = 0
        """For how many frames it has been as large."""
        self._steady: Move | None = None
        """The only move of the last frame."""
        self._window: Rect | None = None
        """Of a window that was dragged in the last frame: where it is, perhaps beyond the picture's edge."""
        self._line = 0
        """The least step of what scrolls, in pixels; 0: not known."""
        self._pause = 0
        self._rest = 0

    @property
    def drags(self) -> bool:
        """Whether the last frame's move was that of a window, not of a page that scrolls."""
        return self._window is not None

    def find(
        self, before: Words, now: Words, changed: Mask, region: Rect, hints: Sequence[Vector] = ()
    ) -> Proof | None:
        """The move that explains the change best, if any pays.

        Arguments are those of :func:`prove`; ``hints`` are vectors that whoever draws has proposed.
        """
        proofs = self.find_all(before, now, changed, region, hints, maximum=1)
        return proofs[0] if proofs else None

    def find_all(
        self,
        before: Words,
        now: Words,
        changed: Mask,
        region: Rect,
        hints: Sequence[Vector] = (),
        *,
        maximum: int = 3,
        motion: Sequence[Rect] = (),
    ) -> list[Proof]:
        """Moves to be made one after the other; the mask of each is what is wrong after it.

        ``motion`` are places in which no move has to explain what has changed; they may move, too.
        """
        proofs: list[Proof] = []
        places = list(motion)
        unexplained = _outside(changed, region, places)
        rest = int(np.count_nonzero(unexplained))
        least = max(MIN_CHANGED, int(rest * MIN_REST))
        while len(proofs) < maximum and rest >= least:
            last = self._last if self._again < _MAX_AGAIN and not motion else None
            moves = [proof.move for proof in proofs]
            search = _Search(before, now, changed, unexplained, region, moves, last, self.drags)
            for vector in self._proposals(search, hints, first=not proofs):
                search.try_vector(vector)
            if search.best is None:
                break
            proofs.append(search.best)
            changed, move = search.best.mask, search.best.move
            places += [place.moved(move.dx, move.dy) for place in motion]
            unexplained = _outside(changed, region, places)
            # Of what it has uncovered, nothing was to be seen.
            rest = int(np.count_nonzero(_outside(unexplained, region, move.source.without(move.destination))))
        self._remember([proof.move for proof in proofs])
        return proofs

    def predict(self, before: Words, now: Words, region: Rect) -> Move | None:
        """The last frame's only move once more, before anything is compared.

        A page scrolls by as much, or by as many lines more or less as another frame was late; a window that
        is dragged is looked for. ``region`` is what was drawn in; of ``now`` the fourth bytes mean nothing.
        None if every 16th line says otherwise. A move that is not true leaves more to be painted, and is not
        wrong.
        """
        steady = self._steady
        if steady is None:
            return None
        if self._window is not None:
            return self._predict_window(before, now, region, steady, self._window)
        for vector in self._steps((steady.dx, steady.dy)):
            place = steady.room.intersection(steady.room.moved(*vector)).intersection(region)
            if not place.is_empty and place.pixels * 2 >= steady.source.pixels:
                move = scrolled_on(before, now, region, place, vector)
                if move is not None:
                    self._vectors, self._steady = [vector], move
                    return move
        return None

    def _predict_window(
        self, before: Words, now: Words, region: Rect, last: Move, window: Rect
    ) -> Move | None:
        """It keeps its size, but not its speed. Now and then it is searched for its size, too."""
        self._steady = None  # once it rests, it is not looked for with each letter
        height, width = now.shape
        shown = window.clip(width, height)
        if self._again >= _MAX_AGAIN or not region.overlaps(shown):
            return None
        vector = track(before, now, shown, (last.dx, last.dy))
        if vector is None:
            return None
        beyond = shown.moved(*vector)
        places = [beyond.clip(width, height)]
        if places[0] != beyond:  # of a picture that is panned, more comes into sight where that goes
            places.insert(0, last.room.intersection(last.room.moved(*vector)))
        for place in places:
            if place.pixels >= MIN_CHANGED and region.contains(place):
                move = dragged_on(before, now, region, place, vector)
                if move is not None:
                    self._again += 1
                    self._steady = self._last = move
                    self._vectors = [vector]
                    self._window = window.moved(*vector) if place is places[-1] else place
                    return move
        return None

    def _steps(self, last: Vector) -> list[Vector]:
        """By which a page that scrolls may go on: as it did, and by other multiples of its least step."""
        size = abs(sum(last))
        if not self._line or size % self._line:
            self._line = size
        ways = last[0] // size, last[1] // size
        sizes = [self._line * number for number in range(1, _MOST_LINES + 1)]
        others = [(ways[0] * step, ways[1] * step) for step in sizes]
        return list(dict.fromkeys([last, *others]))

    def _proposals(self, search: "_Search", hints: Sequence[Vector], first: bool) -> Iterator[Vector]:
        """Vectors, the likeliest first, as long as none of them is good."""
        before = search.before
        if hints:
            yield from _likely(before, search.samples, hints, HINT_AGREEMENT)
        if first and not search.is_good:
            yield from self._tracked(search)
        if search.is_good or len(search.samples) < _FEWEST_SAMPLES:
            return
        samples = search.samples
        yield from _likely(before, samples, self._vectors, MIN_AGREEMENT)
        if self._vectors and not search.is_good:
            last = self._vectors[0]
            near = around(last, _NEAR) if all(last) else self._steps(last)
            yield from _likely(before, samples, near, MIN_AGREEMENT)
            if first and last[0] == 0 and not search.is_good:
                yield from vertical(before, search.now, search.region, samples)
        if not search.is_good:
            yield from vote(before, samples, _REACH, _VOTERS if first else 2 * _VOTERS)
        if not first:  # what is left is background, most often
            return
        if search.is_doubtful:
            yield from vertical(before, search.now, search.region, samples)
        if search.is_doubtful and np.count_nonzero(search.changed) >= _WIDE_CHANGE:
            yield from self._wide_proposals(search)

    def _tracked(self, search: "_Search") -> Iterator[Vector]:
        """By how much a window was dragged on."""
        if self._window is not None:
            shown = self._window.clip(search.now.shape[1], search.now.shape[0])
            vector = track(search.before, search.now, shown, self._vectors[0])
            if vector is not None:
                yield vector

    def _wide_proposals(self, search: "_Search") -> Iterator[Vector]:
        """Long jumps. The longer they have found nothing, the more seldom are they looked for."""
        if self._rest:
            self._rest -= 1
            return
        samples = take_samples(search.now, search.changed, search.region, _MANY_ROWS)
        for reach, voters in _WIDE:
            yield from vote(search.before, samples, reach, voters)
            if not search.is_doubtful:
                self._pause = 0
                return
        self._pause = min(2 * self._pause + 1, _MAX_PAUSE)
        self._rest = self._pause

    def _remember(self, moves: list[Move]) -> None:
        self._steady = moves[0] if len(moves) == 1 else None
        self._window = None
        if moves:
            goes_on = self._last is not None and moves[0].source == self._last.destination
            if goes_on or (moves[0].dx and moves[0].dy):  # a page that scrolls stays in its place
                self._window = moves[0].destination
            was_again = self._last is not None and self._last.source[2:] == moves[0].source[2:]
            self._again = self._again + 1 if was_again and self._again < _MAX_AGAIN else 0
            self._last = moves[0]
            self._vectors = [(move.dx, move.dy) for move in moves]
            self._pause = self._rest = 0


class _Search:
    """For one move: what was tried, and what is the best so far.

    Proposals come from the picture before all moves, proofs from that after those already made: it is copied
    for the first proposal only.
    """

    def __init__(
        self,
        before: Words,
        now: Words,
        changed: Mask,
        unexplained: Mask,
        region: Rect,
        moves: list[Move],
        last: Move | None,
        is_window: bool,
    ) -> None:
        """``unexplained`` is ``changed`` without motion, ``moves`` are those made already, ``last`` is one of
        the last frame, of a window perhaps."""
        self.before = before
        self.now = now
        self.changed = changed
        self.region = region
        self._moves = moves
        self._last = last if not moves else None
        self._shown: Words | None = None if moves else before
        self._samples: Samples | None = None
        self._unexplained = unexplained
        self._count = int(np.count_nonzero(unexplained))
        self.best: Proof | None = None
        self._is_again = False
        self._is_window = is_window
        self._tried: set[Vector] = {(0, 0)}

    @property
    def samples(self) -> Samples:
        if self._samples is None:
            rows = _MANY_ROWS if self._moves else ROWS
            self._samples = take_samples(self.now, self._unexplained, self.region, rows)
        return self._samples

    @property
    def is_good(self) -> bool:
        return self.best is not None and (self.best.share >= GOOD or self._is_again)

    @property
    def is_doubtful(self) -> bool:
        return self.best is None or self.best.share < DOUBTFUL

    def try_vector(self, vector: Vector) -> None:
        if vector in self._tried or self.is_good:
            return
        self._tried.add(vector)
        if self._shown is None:
            self._shown = _moved(self.before, self._moves)
        if self._last is not None:
            again = prove_again(self._shown, self.now, self.changed, self.region, self._last, vector)
            if again is not None:
                self.best = again
                # Of a page, all is known to scroll, or more of it than the last time may.
                is_window = all(vector) or (self._is_window and again.move.source == self._last.destination)
                self._is_again = again.share >= (0 if is_window else WHOLE_PAGE)
            if self._is_again:
                return
        skim = float(agreement(self._shown, self.samples, [vector])[0]) < MIN_AGREEMENT
        proof = prove(self._shown, self.now, self.changed, self.region, vector, skim=skim, count=self._count)
        if proof and (self.best is None or proof.explained > self.best.explained):
            self.best = proof


def _outside(changed: Mask, region: Rect, places: Sequence[Rect]) -> Mask:
    """``changed``, but in these places of the frame."""
    parts = [place.intersection(region).moved(-region.x, -region.y) for place in places]
    parts = [part for part in parts if not part.is_empty]
    if parts:
        changed = changed.copy()
        for part in parts:
            changed[part.slices] = False
    return changed


def _likely(before: Words, samples: Samples, vectors: Sequence[Vector], least: float) -> list[Vector]:
    """The vector that the samples agree with best, if enough of them do."""
    if not vectors or len(samples) < _FEWEST_SAMPLES:
        return []
    shares = agreement(before, samples, list(vectors))
    best = int(shares.argmax())
    return [vectors[best]] if shares[best] >= least else []


def _moved(picture: Words, moves: list[Move]) -> Words:
    """A copy of the picture, after moves."""
    result = picture.copy()
    for move in moves:  # numpy copies as if by way of another array where these overlap
        result[move.destination.slices] = result[move.source.slices]
    return result
