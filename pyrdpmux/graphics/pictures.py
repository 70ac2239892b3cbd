"""What clients show and what the surface has: two pictures, in the memory of one as often as possible.

Once all that is left to do in a plan is to paint what differs, the one becomes the other, and nothing is
copied from here to there. INVARIANT: between two plans both are equal, but for what clients show as UNKNOWN.
"""

from collections.abc import Sequence

from pyrdpmux.codec.color import Words
from pyrdpmux.geometry import Rect
from pyrdpmux.graphics.client_picture import UNKNOWN, Layer
from pyrdpmux.graphics.proofs import Move
from pyrdpmux.graphics.residual import Mask
from pyrdpmux.graphics.snapshot import Prediction, Snapshot


class Pictures:
    """Those of one stream, ``width`` x ``height``."""

    def __init__(self, width: int, height: int) -> None:
        #: what clients show
        self.main = Layer(width, height)
        #: what the surface has
        self.snapshot = Snapshot(width, height)
        #: in this plan, ``main`` has become what the surface had
        self._is_settled = False
        #: what clients show, but ``main`` does not have yet
        self._unpainted: list[Rect] = []

    def clone(self) -> "Pictures":
        """The same, of their own."""
        other = Pictures(0, 0)
        other.main = self.main.clone()
        other.snapshot = self.snapshot.clone(self.main.words)
        return other

    @property
    def current(self) -> Words:
        """What the surface had when it was looked at, masked."""
        return self.snapshot.words

    @property
    def changed(self) -> Mask:
        """(height, width) bool: where that differed, within what was compared last."""
        return self.snapshot.changed

    def begin(self) -> None:
        """A plan."""
        self._is_settled = False

    def finish(self) -> None:
        """The plan is made."""
        if self._unpainted:
            self.settle()

    # -- what the surface has --------------------------------------------------------------------

    def take(self, source: Words, rects: Sequence[Rect]) -> None:
        """See :meth:`Snapshot.take`, as for what follows."""
        self.snapshot.take(source, self.main.words, rects)

    def compare(self, rects: Sequence[Rect]) -> list[Rect]:
        """Where both differ in these."""
        return self.snapshot.compare(self.main.words, rects)

    def take_and_compare(self, source: Words, rects: Sequence[Rect]) -> list[Rect]:
        """Both at once."""
        return self.snapshot.take_and_compare(source, self.main.words, rects)

    def take_predicted(
        self, source: Words, rects: Sequence[Rect], move: Move, is_window: bool, due: float
    ) -> Prediction:
        """See :meth:`Snapshot.take_predicted`; what is lossy is ``due`` then."""
        prediction = self.snapshot.take_predicted(source, self.main.words, rects, move, is_window)
        self._is_settled = True
        self.main.copy_marks(self.main, move.source, move.x, move.y, due)
        return prediction

    # -- what clients show -----------------------------------------------------------------------

    def settle(self, moved: Sequence[Rect] = ()) -> None:
        """From here on, all in which ``main`` is not what the surface had is painted: it becomes that.

        ``moved``: into which something was copied in this plan.
        """
        if not self._is_settled:
            self.main.words = self.snapshot.become_main(self.main.words, moved)
            self._is_settled = True
            self._unpainted.clear()

    def show_lossy(self, rect: Rect, due: float) -> None:
        """Clients are shown nearly what the surface had there, until it is ``due``.

        ``main`` has it later, perhaps: who looks at it before the plan settles calls :meth:`catch_up`.
        """
        if self._is_settled:
            self.main.paint_lossy(rect, self.current, due)
        else:
            self.main.mark_lossy(rect, due)
            self._unpainted.append(rect)

    def catch_up(self) -> None:
        """``main`` has all that was shown so far."""
        for rect in self._unpainted:
            self.main.words[rect.slices] = self.current[rect.slices]
        self._unpainted.clear()

    def forget(self, rects: Sequence[Rect]) -> None:
        """Nobody knows what clients show there."""
        if rects:
            self.snapshot.part_from(self.main.words)
        for rect in rects:
            self.main.words[rect.slices] = UNKNOWN
