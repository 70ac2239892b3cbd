"""What has changed in a guest's framebuffer, put on the surface of its VM: in a thread, band by band.

Whoever has planned a copy goes on meanwhile, and may stop it before its next band. The framebuffer can be
closed at any time: nothing is read from it afterwards.
"""

from collections.abc import Callable, Sequence

from pyrdpmux.errors import BackendError
from pyrdpmux.geometry import Rect
from pyrdpmux.graphics.surface import Surface
from pyrdpmux.mux.librdpmux.shared_memory import Framebuffer
from pyrdpmux.mux.picture.screen import Screen, bands_of


class Copy:
    """Of these rectangles. :meth:`run` it once, in whatever thread, then ask what came of it."""

    def __init__(
        self, screen: Screen, framebuffer: Framebuffer | None, rects: Sequence[Rect], owed: int
    ) -> None:
        """``framebuffer``: None to paint black; ``owed``: acknowledgements that are due when it is done."""
        self.owed = owed
        #: no more bands: what is copied is of no use any more
        self.is_stopped = False
        self.error: BackendError | None = None
        #: that it took, without what it had to wait for
        self.seconds = 0.0
        self._screen = screen
        #: onto this
        self.surface: Surface = screen.surface
        self._framebuffer = framebuffer
        self._rects = rects
        self._written: list[Rect] = []

    @property
    def pixels(self) -> int:
        """To be read or painted: a framebuffer is read in whole rows."""
        if self._framebuffer is None:
            return sum(rect.pixels for rect in self._rects)
        return sum(rect.height for rect in self._rects) * self._framebuffer.surface.width

    def run(self, clock: Callable[[], float]) -> None:
        """Copy; nothing is raised."""
        started = clock()
        try:
            for rect in self._rects:
                self._copy_bands(rect)
        except BackendError as error:
            self.error = error
        self.seconds = clock() - started

    def show(self) -> None:
        """Tell of what was copied, also of a part; on the loop."""
        self._screen.written(self.surface, self._written)

    def _copy_bands(self, rect: Rect) -> None:
        """What was written of it is known, however that ends."""
        bottom = rect.y
        try:
            for band in bands_of(rect):
                if self.is_stopped:
                    break
                self._copy(band)
                bottom = band.bottom
        finally:
            if bottom > rect.y:
                self._written.append(Rect(rect.x, rect.y, rect.width, bottom - rect.y))

    def _copy(self, band: Rect) -> None:
        if self._framebuffer is not None:
            self._framebuffer.put(band, self.surface.words)
        else:
            self.surface.words[band.y : band.bottom, band.x : band.right] = 0
