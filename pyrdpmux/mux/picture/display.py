"""What the viewers of a VM see: its screen, or a card over it while its status is not RUNNING.

The VM's own picture goes on underneath, so nothing is lost, and nothing has to be asked for
when the card goes.
"""

from collections.abc import Callable

from pyrdpmux.codec.color import Pixels
from pyrdpmux.geometry import Rect
from pyrdpmux.graphics.surface import Surface
from pyrdpmux.mux.picture.cursor import AnyCursor, CursorState
from pyrdpmux.mux.picture.screen import Observable, Screen
from pyrdpmux.mux.picture.status_card import status_picture


class Display(Observable):
    """A screen that can be covered. Listeners hear of it what they would of a screen."""

    def __init__(self, screen: Screen) -> None:
        super().__init__()
        #: the VM's picture, whatever covers it
        self.screen = screen
        #: what viewers see where the VM's pointer has no shape; two pointers would be one too many
        self._undefined: AnyCursor = CursorState.HIDDEN
        self._card: tuple[str, str] | None = None
        #: the card over what the screen showed when somebody looked first; without viewers nobody does
        self._covered: Surface | None = None
        self._unsubscribe: Callable[[], None] | None = screen.subscribe(self)

    def close(self) -> None:
        """Hear nothing of the screen any more: until then, each of the two keeps the other."""
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None

    @property
    def surface(self) -> Surface:
        """What is to be seen now: the screen's, or the card's."""
        if self._card is None:
            return self.screen.surface
        if self._covered is None:
            self._covered = Surface(self.width, self.height)
            self._covered.write(self._covered.rect, status_picture(self.screen.pixels, *self._card))
        return self._covered

    @property
    def pixels(self) -> Pixels:
        """The same, (height, width, 4) uint8."""
        return self.surface.pixels

    @property
    def width(self) -> int:
        return self.screen.width

    @property
    def height(self) -> int:
        return self.screen.height

    @property
    def heads(self) -> tuple[Rect, ...]:
        """The VM's displays: see :attr:`.screen.Screen.heads`."""
        return self.screen.heads

    @property
    def cursor(self) -> AnyCursor:
        """The VM's pointer; over a card the client's own."""
        if self._card is not None:
            return CursorState.DEFAULT
        return self._undefined if self.screen.cursor is CursorState.UNDEFINED else self.screen.cursor

    def set_undefined_cursor(self, cursor: AnyCursor) -> None:
        """What viewers see until the VM's pointer has a shape."""
        if cursor == self._undefined:
            return
        self._undefined = cursor
        if self.screen.cursor is CursorState.UNDEFINED:
            self.cursor_changed()

    @property
    def is_covered(self) -> bool:
        return self._card is not None

    def cover(self, title: str, detail: str = "") -> None:
        """Show a card until :meth:`uncover`; another one takes its place."""
        if self._card == (title, detail):
            return
        had_card = self.is_covered
        self._card = (title, detail)
        self._covered = None
        self._tell_changed()
        if not had_card and self.screen.cursor is not CursorState.DEFAULT:
            self._tell_cursor()

    def uncover(self) -> None:
        """Show the VM's picture again."""
        if self._card is None:
            return
        self._card = self._covered = None
        self._tell_changed()
        if self.screen.cursor is not CursorState.DEFAULT:
            self._tell_cursor()

    def released(self) -> None:
        """Nobody looks: a card is drawn again for who comes next."""
        self._covered = None

    # -- the screen's side -----------------------------------------------------------------------

    def screen_changed(self) -> None:
        if self._card is None:
            self._tell_changed()

    def screen_resized(self, width: int, height: int) -> None:
        self._covered = None
        self.tell(lambda listener: listener.screen_resized(width, height))

    def cursor_changed(self) -> None:
        if self._card is None:
            self._tell_cursor()

    def cursor_moved(self, x: int, y: int) -> None:
        if self._card is None:
            self.tell(lambda listener: listener.cursor_moved(x, y))

    def _tell_changed(self) -> None:
        self.tell(lambda listener: listener.screen_changed())

    def _tell_cursor(self) -> None:
        self.tell(lambda listener: listener.cursor_changed())
