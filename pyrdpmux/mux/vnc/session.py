"""A connection to a VNC server: what it tells goes to the VM's surface and to the loop, and it is asked.

Without sockets and threads: events and ``now`` are handed in. INVARIANT: no step of :meth:`VncSession.handle`
takes more than a millisecond or so, whatever the server sent.
"""

from collections.abc import Iterator
from typing import Final, Protocol

from pyrdpmux.errors import PeerTimeout
from pyrdpmux.graphics.surface import Surface
from pyrdpmux.mux.picture.cursor import Cursor
from pyrdpmux.mux.vnc.asking import Asking
from pyrdpmux.mux.vnc.desk import News
from pyrdpmux.mux.vnc.painter import Painter
from pyrdpmux.rfb.client import RfbClient
from pyrdpmux.rfb.events import (
    Connected,
    ContinuousUpdatesEnded,
    Copied,
    CursorChanged,
    Event,
    LedsChanged,
    Painted,
    PointerModeChanged,
    ResizeAnswered,
    Resized,
    UpdateFinished,
    UpdateStarted,
)

HANDSHAKE_SECONDS: Final = 10.0


class Loop(Protocol):
    """What the loop does for a session: :class:`~pyrdpmux.mux.vnc.desk.Desk`."""

    def connect(self, event: Connected, *, is_watched: bool) -> Surface: ...

    def resize(self, width: int, height: int) -> Surface: ...

    def tell(self, news: dict[type[News], News], *, has_painted: bool) -> None: ...


class VncSession:
    """Paints, and asks."""

    def __init__(self, loop: Loop, client: RfbClient, now: float, *, is_watched: bool) -> None:
        self._loop = loop
        self._client = client
        self._handshake_deadline = now + HANDSHAKE_SECONDS
        self._asking = Asking(client, is_watched=is_watched)
        self._painter: Painter | None = None
        self._size = (0, 0)
        #: what is worth telling once per update, however often the server changes its mind
        self._news: dict[type[News], News] = {}

    @property
    def is_watched(self) -> bool:
        """Somebody looks."""
        return self._asking.is_watched

    def watch(self, *, is_watched: bool) -> None:
        """Whether somebody looks; :meth:`act` does what follows from it."""
        self._asking.is_watched = is_watched

    def handle(self, event: Event, now: float) -> Iterator[None]:
        """What :meth:`RfbClient.step` returned; a yield after each step."""
        match event:
            case Connected():
                self._start(self._loop.connect(event, is_watched=self.is_watched))
            case UpdateStarted():
                self._asking.update_started()
                self.act(now)
            case UpdateFinished():
                self._show()
            case Painted() if self._painter is not None:
                self._painter.paint(event.x, event.y, event.pixels)
            case Copied() if self._painter is not None:
                yield from self._copy(self._painter, event)
            case Resized():
                self._resize(event.width, event.height)
            case ContinuousUpdatesEnded():
                self._asking.continuous_updates_ended()
            case _:
                self._note(event)
        if self._painter is not None and self._painter.is_due(now):
            self._show()

    def _note(self, event: Event) -> None:
        """For the end of the update."""
        match event:
            case CursorChanged():
                self._news[Cursor] = Cursor(event.image, event.hot_x, event.hot_y)
            case ResizeAnswered() | LedsChanged() | PointerModeChanged():
                self._news[type(event)] = event

    def _start(self, surface: Surface) -> None:
        self._size = surface.width, surface.height
        self._painter = Painter(surface)

    def _resize(self, width: int, height: int) -> None:
        if (width, height) != self._size and width and height:
            self._show()
            self._start(self._loop.resize(width, height))
            self._asking.resized()

    def _copy(self, painter: Painter, event: Copied) -> Iterator[None]:
        try:
            yield from painter.copy(event.source, event.rect.x, event.rect.y)
        except ValueError:
            self._asking.lost()  # of a size that is no more, or nonsense

    def _show(self) -> None:
        has_painted = self._painter is not None and self._painter.show()
        news, self._news = self._news, {}
        self._loop.tell(news, has_painted=has_painted)

    # -- asking for more ---------------------------------------------------------------------------

    @property
    def deadline(self) -> float:
        """When :meth:`act` is to be called if nothing happens before; infinity: never."""
        return self._asking.due if self._client.is_connected else self._handshake_deadline

    def act(self, now: float) -> None:
        """What it is time for. Raises PeerTimeout."""
        if self._painter is not None:
            self._asking.act(now)
        elif now >= self._handshake_deadline:
            raise PeerTimeout("RFB handshake", HANDSHAKE_SECONDS)
