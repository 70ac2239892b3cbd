"""One connection at the gateway: where it wants to go, whose password counts, and the list meanwhile."""

import asyncio
import logging
from collections.abc import Hashable, Iterator, Sequence
from typing import Final

from pyrdpmux.geometry import Rect
from pyrdpmux.mux.admission.connection_factory import ConnectionFactory
from pyrdpmux.mux.admission.logon_desk import LogonTarget
from pyrdpmux.mux.admission.ticket import Ticket
from pyrdpmux.mux.console.console import Console
from pyrdpmux.mux.console.stage import Stage, StageViewer
from pyrdpmux.mux.gateway.picker import Entry, Picker, Strip, draw
from pyrdpmux.mux.gateway.routing import asked_for, wish_of
from pyrdpmux.mux.log.connection_log import printable
from pyrdpmux.mux.picture.display import Display
from pyrdpmux.mux.picture.heads import Monitor
from pyrdpmux.mux.picture.screen import Screen
from pyrdpmux.mux.registry import Registry
from pyrdpmux.mux.settings.access import Claimed, Principal
from pyrdpmux.mux.streaming.streams import Streams
from pyrdpmux.rdp.connection.server.config import ServerConfig
from pyrdpmux.rdp.connection.server.destination import Destination
from pyrdpmux.rdp.nla.logon import Proof
from pyrdpmux.rdp.pdu.error_info import ErrorInfo
from pyrdpmux.rdp.pdu.input import InputEvent

logger = logging.getLogger("pyrdpmux.mux")

NAME: Final = "(gateway)"
SIZE: Final = (1024, 768)
MIN_SIZE: Final = (480, 320)
MAX_SIZE: Final = (2560, 1600)
REFRESH_SECONDS: Final = 1.0
FRAME_SECONDS: Final = 1 / 30

LIMIT: Final = 8
"""Lists that one user has at a time: each may be 16 MB, and is looked through every second."""


class PickerViewers:
    """All who look at the list at one gateway, each at a picture of its own: not too many of one user."""

    def __init__(self, limit: int = LIMIT) -> None:
        self.limit = limit
        self._viewers: dict[Hashable, dict[StageViewer, None]] = {}

    def enter(self, viewer: StageViewer) -> None:
        """Counted by account, or by network for who has proved nothing; one too many ends the oldest."""
        viewers = self._viewers.setdefault(self._whose(viewer), {})
        while len(viewers) >= self.limit:
            oldest = next(iter(viewers))
            del viewers[oldest]
            oldest.disconnect(ErrorInfo.DISCONNECTED_BY_OTHERCONNECTION, "the same user came again")
        viewers[viewer] = None

    def leave(self, viewer: StageViewer) -> None:
        whose = self._whose(viewer)
        viewers = self._viewers.get(whose, {})
        viewers.pop(viewer, None)
        if not viewers:
            self._viewers.pop(whose, None)

    def _whose(self, viewer: StageViewer) -> Hashable:
        if viewer.ticket is not None:
            return viewer.ticket.accounts.source, viewer.principal
        return viewer.origin.narrow


class GatewaySession:
    """A :class:`~.stage.Stage` of its own for each, until it is known which VM's console comes next.

    It is also what the connection asks: which configuration (a ``Selector``), and what a name means that
    somebody logs on with. INVARIANT: who asks for a VM that is not there has no password, so that from
    outside it looks like a wrong one. There is no picture before it is shown to somebody.
    """

    def __init__(
        self, registry: Registry, factory: ConnectionFactory, picker_viewers: PickerViewers | None = None
    ) -> None:
        self.name = NAME
        self._picker_viewers = picker_viewers or PickerViewers()
        self.leds: int | None = None
        self._registry = registry
        self._factory = factory
        self._destination = Destination()
        self._picker = Picker()
        self._display: Display | None = None
        self._streams: Streams | None = None
        self._viewer: StageViewer | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._painting: asyncio.Task[None] | None = None
        self._is_dirty = False
        #: what each row of the picture shows already, by its top
        self._painted: dict[int, Strip] = {}
        self._painted_size = (0, 0)

    # -- before the logon ------------------------------------------------------------------------

    def select(self, destination: Destination) -> ServerConfig:
        """The VM's own configuration where one is asked for; the passwords go through us in any case."""
        self._destination = destination
        name = asked_for(destination)
        console = self._registry.find(name) if name is not None else None
        if name is not None and console is None:
            logger.debug("The gateway is asked for VM %s, which is not there", printable(name))
        if console is None:
            return self._factory.gateway_config(None, SIZE, self.authorize)
        size = console.display.width, console.display.height
        return self._factory.gateway_config(console.name, size, self.authorize)

    def resolve(self, user: str, domain: str) -> LogonTarget | None:
        """INVARIANT: nowhere else is a name taken apart that is to be proved; the ticket keeps the result."""
        wish = wish_of(self._destination, user, domain, self._exists)
        if wish.vm is None:
            book = self._factory.accounts
            return LogonTarget(wish.user, wish.domain, book.common, book.source(None), None)
        console = self._registry.find(wish.vm)
        return console.resolve(wish.user, wish.domain) if console is not None else None

    def authorize(self, proof: Proof) -> bool:
        """Whether somebody who has logged on sees anything at all."""
        ticket = proof.ticket
        return isinstance(ticket, Ticket) and bool(self._open_to(ticket.principal, ticket))

    def _exists(self, name: str) -> bool:
        """A name that is a VM's; what is a domain of the common accounts is none.

        VMs may choose how they are called: one of them must not get everybody's logons of a domain.
        """
        return self._registry.find(name) is not None and not self._factory.accounts.is_domain(name)

    def _open_to(self, principal: Principal, ticket: Ticket | None) -> list[Console]:
        """Every console that this principal may enter now."""
        return [console for console in self._registry.consoles if console.admits(principal, ticket)]

    # -- the stage -------------------------------------------------------------------------------

    @property
    def display(self) -> Display:
        if self._display is None:
            self._display = Display(Screen(*SIZE))
        return self._display

    @property
    def screen(self) -> Screen:
        return self.display.screen

    @property
    def streams(self) -> Streams:
        if self._streams is None:
            self._streams = Streams(self.display, self._factory.workers, NAME)
        return self._streams

    def identify(self, claimed: Principal, ticket: Ticket | None) -> tuple[Stage, Principal]:
        """The VM that is meant, or the only one that this principal may enter; otherwise the list."""
        if isinstance(claimed, Claimed):
            return self._identify_by_name(claimed)
        if ticket is not None and ticket.console is not None:
            console = self._registry.by_serial(ticket.console)
            return console or self, claimed
        return self._only_one(claimed, ticket) or self, claimed

    def _identify_by_name(self, claimed: Claimed) -> tuple[Stage, Principal]:
        wish = wish_of(self._destination, claimed.user, claimed.domain, self._exists)
        who = Claimed(wish.user, wish.domain)
        if wish.vm is not None:
            return self._registry.find(wish.vm) or self, who
        return self._only_one(who, None) or self, who

    def _only_one(self, principal: Principal, ticket: Ticket | None) -> Console | None:
        if asked_for(self._destination) is not None:
            return None
        choices = self._open_to(principal, ticket)
        return choices[0] if len(choices) == 1 else None

    def objection(self, principal: Principal, ticket: Ticket | None) -> str | None:
        return None

    def join(self, viewer: StageViewer) -> None:
        self._viewer = viewer

    def leave(self, viewer: StageViewer) -> None:
        """The picture goes, too: it is made again for who comes back."""
        self._picker_viewers.leave(viewer)
        if self._display is not None:
            self._display.close()
        self._viewer = self._display = self._streams = None
        self._painted_size = (0, 0)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def watched_changed(self) -> None:
        """The list is painted for who is there, whether it looks or not."""

    def admit(self, viewer: StageViewer) -> str | None:
        if name := asked_for(self._destination):
            return f"no VM {printable(name)}"
        if viewer.ticket is not None and viewer.ticket.console is not None:
            return "the VM that was meant is gone"
        if not self._open_to(viewer.principal, viewer.ticket):
            return "no VM that this user may see"
        self._picker_viewers.enter(viewer)
        self._refresh()
        return None

    def listens_to(self, viewer: StageViewer) -> bool:
        return True

    def take_input(self, viewer: StageViewer, events: Sequence[InputEvent], now: float) -> Stage | None:
        for event in events:
            name = self._picker.take(event)
            if name is not None:
                return self._chosen(viewer, name)
        self._paint()
        return None

    def place_pointer(self, viewer: StageViewer, x: int, y: int) -> bool:
        return False

    def request_monitors(self, viewer: StageViewer, monitors: Sequence[Monitor]) -> None:
        """The list is as large as the client's window, or main monitor."""
        _, _, width, height = monitors[0].area
        width = min(max(width, MIN_SIZE[0]), MAX_SIZE[0])
        height = min(max(height, MIN_SIZE[1]), MAX_SIZE[1])
        self.screen.resize(width, height)
        self._paint()

    # -- the list --------------------------------------------------------------------------------

    def _chosen(self, viewer: StageViewer, name: str) -> Console | None:
        console = self._registry.find(name)
        if console is not None and console.admits(viewer.principal, viewer.ticket):
            return console
        return None

    def _refresh(self) -> None:
        """List the VMs as they are now, and again after :data:`REFRESH_SECONDS`."""
        if self._viewer is None:
            return
        choices = self._open_to(self._viewer.principal, self._viewer.ticket)
        choices.sort(key=lambda console: console.name.casefold())
        if self._picker.show([Entry(printable(console.name), _detail(console)) for console in choices]):
            self._paint()
        self._timer = asyncio.get_running_loop().call_later(REFRESH_SECONDS, self._refresh)

    def _paint(self) -> None:
        """Have it painted soon, in turns of the viewer's share of the loop."""
        self._is_dirty = True
        if self._viewer is not None and self._painting is None:
            self._painting = self._viewer.begin(self._paint_until_clean())

    async def _paint_until_clean(self) -> None:
        try:
            while self._is_dirty and self._viewer is not None:
                self._is_dirty = False
                await self._viewer.work(self._paint_in_steps())
                await asyncio.sleep(FRAME_SECONDS)
        finally:
            self._painting = None

    def _paint_in_steps(self) -> Iterator[None]:
        """Draw the rows that have changed; a yield after each."""
        screen, width = self.screen, self.screen.width
        self._picker.resize(screen.height)
        if self._painted_size != (width, screen.height):
            self._painted_size = (width, screen.height)
            self._painted.clear()
        for strip in tuple(self._picker.strips(screen.height)):
            if self._painted.get(strip.top) != strip:
                self._painted[strip.top] = strip
                screen.write(Rect(0, strip.top, width, strip.height), draw(strip, width))
                yield


def _detail(console: Console) -> str:
    size = f"{console.screen.width}x{console.screen.height}"
    others = len(console.viewers)
    return f"{console.status.value}, {size}" + (f", {others} looking" if others else "")
