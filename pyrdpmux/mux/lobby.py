"""One connection at the gateway: where it wants to go, whose password counts, and the list meanwhile."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

from pyrdpmux.mux.access import Access, Principal
from pyrdpmux.mux.admission.connection_factory import ConnectionFactory
from pyrdpmux.mux.connection_log import printable
from pyrdpmux.mux.display import Display
from pyrdpmux.mux.picker import Entry, Picker
from pyrdpmux.mux.registry import Registry
from pyrdpmux.mux.routing import asked_for, wish_of
from pyrdpmux.mux.screen import Screen
from pyrdpmux.mux.viewer import Viewer
from pyrdpmux.mux.vm import Console
from pyrdpmux.rdp.connection.server.config import ServerConfig
from pyrdpmux.rdp.connection.server.selection import Destination
from pyrdpmux.rdp.pdu.input import InputEvent
from pyrdpmux.rdp.tls.accounts import Account

logger = logging.getLogger("pyrdpmux.mux")

NAME: Final = "(gateway)"
SIZE: Final = (1024, 768)
MIN_SIZE: Final = (480, 320)
MAX_SIZE: Final = (2560, 1600)
REFRESH_SECONDS: Final = 1.0
FRAME_SECONDS: Final = 1 / 30


class Lobby:
    """A :class:`~.stage.Stage` of its own for each, until it is known which VM's console comes next.

    It is also what the connection asks: which configuration (a ``Selector``), and which password (an
    ``AccountSource``). INVARIANT: who asks for a VM that is not there has no password, so that from outside
    it looks like a wrong one.
    """

    def __init__(self, registry: Registry, factory: ConnectionFactory) -> None:
        self.name = NAME
        self.screen = Screen(*SIZE)
        self.display = Display(self.screen)
        self.leds: int | None = None
        self.frame_seconds = FRAME_SECONDS
        self._registry = registry
        self._factory = factory
        self._destination = Destination()
        self._picker = Picker()
        self._viewer: Viewer | None = None
        self._timer: asyncio.TimerHandle | None = None

    # -- before the logon ------------------------------------------------------------------------

    def select(self, destination: Destination) -> ServerConfig:
        """The VM's own configuration where one is asked for; the passwords go through us in any case."""
        self._destination = destination
        name = asked_for(destination)
        console = self._registry.find(name) if name is not None else None
        if name is not None:
            logger.info("The gateway is asked for VM %s%s", printable(name), "" if console else ": not there")
        display = console.display if console is not None else self.display
        return self._factory.gateway_config(self, display, console.name if console is not None else None)

    def nt_hash(self, user: str, domain: str) -> bytes | None:
        """The password of this user, of that VM's accounts."""
        account = self.find(user, domain)
        return account.nt_hash if account is not None else None

    def find(self, user: str, domain: str) -> Account | None:
        """The account that this user would log on to."""
        wish = wish_of(self._destination, user, domain, self._exists)
        if wish.vm is None:
            return self._factory.accounts().find(wish.user, wish.domain)
        console = self._registry.find(wish.vm)
        if console is None:
            return None
        return self._factory.accounts(console.name).find(wish.user, wish.domain)

    def authorize(self, user: str, domain: str) -> bool:
        """Whether somebody who has logged on sees anything at all."""
        console, principal = self._meant(Principal(user, domain, is_authenticated=True))
        if console is not None:
            return console.access_of(principal) is not Access.NONE
        return bool(self._choices(principal))

    def _exists(self, name: str) -> bool:
        return self._registry.find(name) is not None

    def _meant(self, claimed: Principal) -> tuple[Console | None, Principal]:
        """The VM that is asked for, if it is there, and the account."""
        wish = wish_of(self._destination, claimed.user, claimed.domain, self._exists)
        console = self._registry.find(wish.vm) if wish.vm is not None else None
        who = Principal(wish.user, wish.domain, claimed.is_authenticated)
        return console, self._factory.identify(console.name if console is not None else None, who)

    def _choices(self, principal: Principal) -> list[Console]:
        """What may be seen with this password: VMs with accounts of their own want another one."""
        common = self._factory.accounts()
        return [
            console
            for console in self._registry.consoles
            if console.access_of(principal) is not Access.NONE
            and (not principal.is_authenticated or self._factory.accounts(console.name) is common)
        ]

    # -- the stage -------------------------------------------------------------------------------

    def join(self, viewer: Viewer) -> None:
        self._viewer = viewer

    def leave(self, viewer: Viewer) -> None:
        self._viewer = None
        if self._timer is not None:
            self._timer.cancel()

    def identify(self, viewer: Viewer, claimed: Principal) -> Principal:
        """On to the VM that is meant, or to the only one that there is."""
        console, principal = self._meant(claimed)
        if console is None and asked_for(self._destination) is None:
            choices = self._choices(principal)
            console = choices[0] if len(choices) == 1 else None
        if console is not None:
            viewer.enter(console)
        return principal

    def refuse(self, viewer: Viewer) -> str:
        if name := asked_for(self._destination):
            return f"no VM {printable(name)}"
        if not self._choices(viewer.principal):
            return "no VM that this user may see"
        self._refresh()
        return ""

    def take_input(self, viewer: Viewer, events: Sequence[InputEvent], now: float) -> None:
        for event in events:
            name = self._picker.take(event)
            if name is not None:
                self._open(viewer, name)
                return
        self._paint()

    def place_pointer(self, viewer: Viewer, x: int, y: int) -> bool:
        return False

    def request_size(self, viewer: Viewer, width: int, height: int) -> None:
        """The list is as large as the client's window."""
        width = min(max(width, MIN_SIZE[0]), MAX_SIZE[0])
        height = min(max(height, MIN_SIZE[1]), MAX_SIZE[1])
        self.screen.resize(width, height)
        self._paint()

    # -- the list --------------------------------------------------------------------------------

    def _open(self, viewer: Viewer, name: str) -> None:
        console = self._registry.find(name)
        if console is not None and console in self._choices(viewer.principal):
            viewer.enter(console, way_back=self)

    def _refresh(self) -> None:
        """VMs come and go while somebody looks for one."""
        if self._viewer is None:
            return
        choices = sorted(self._choices(self._viewer.principal), key=lambda console: console.name.casefold())
        if self._picker.show([Entry(printable(console.name), _detail(console)) for console in choices]):
            self._paint()
        self._timer = asyncio.get_running_loop().call_later(REFRESH_SECONDS, self._refresh)

    def _paint(self) -> None:
        self._picker.resize(self.screen.height)
        self.screen.write(self.screen.rect, self._picker.paint(self.screen.width, self.screen.height))


def _detail(console: Console) -> str:
    size = f"{console.screen.width}x{console.screen.height}"
    others = len(console.viewers)
    return f"{console.status.value}, {size}" + (f", {others} looking" if others else "")
