"""What a viewer looks at: the console of a VM, or the list of VMs at the gateway.

A stage knows its viewers as :class:`StageViewer`, and a viewer its stage as :class:`Stage`. Where a viewer
goes on to is returned to it: no stage moves a viewer.
"""

import asyncio
from collections.abc import Coroutine, Hashable, Iterable, Sequence
from typing import Any, Protocol

from pyrdpmux.mux.admission.logon_desk import Resolver
from pyrdpmux.mux.admission.networks import Origin
from pyrdpmux.mux.admission.ticket import Ticket
from pyrdpmux.mux.figures import ViewerFigures
from pyrdpmux.mux.picture.display import Display
from pyrdpmux.mux.picture.heads import Monitor
from pyrdpmux.mux.settings.access import Principal
from pyrdpmux.mux.streaming.streams import Streams
from pyrdpmux.rdp.pdu.error_info import ErrorInfo
from pyrdpmux.rdp.pdu.input import InputEvent


class StageViewer(Hashable, Protocol):
    """A viewer as its stage sees it."""

    @property
    def principal(self) -> Principal: ...

    @property
    def ticket(self) -> Ticket | None:
        """What admission gave it for its password."""

    @property
    def address(self) -> str:
        """Its client's address and port, for the log."""

    @property
    def origin(self) -> Origin:
        """The network that it comes from."""

    @property
    def is_admitted(self) -> bool:
        """A stage has let it in."""

    @property
    def is_active(self) -> bool:
        """Its connection can be sent updates."""

    @property
    def is_suppressed(self) -> bool:
        """The client's window is minimized."""

    @property
    def picture_figures(self) -> ViewerFigures:
        """How its picture comes to it."""

    def show_leds(self) -> None:
        """The stage's lock keys have changed."""

    def begin(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None] | None":
        """Do this, as long as the connection lasts."""

    async def work(self, steps: Iterable[object]) -> None:
        """Take these steps in turns of this viewer's share of the loop."""

    def disconnect(self, error_info: ErrorInfo, reason: str) -> None:
        """Ask the client to go, and tell it why."""


class Stage(Resolver, Protocol):
    """One picture for all viewers that are there; a viewer may go on to another stage.

    At its port, it is asked what the names mean that people log on with.
    """

    @property
    def name(self) -> str:
        """For the log."""

    @property
    def display(self) -> Display: ...

    @property
    def leds(self) -> int | None:
        """The lock keys that viewers' keyboards are to show, if there is anything to show."""

    @property
    def streams(self) -> Streams:
        """Of its display."""

    def identify(self, claimed: Principal, ticket: Ticket | None) -> "tuple[Stage, Principal]":
        """Where somebody who has just logged on at this port goes, and by what name; not yet let in there."""

    def objection(self, principal: Principal, ticket: Ticket | None) -> str | None:
        """Why nothing of it, not even its size, may be told to this principal; None if it may."""

    def join(self, viewer: StageViewer) -> None:
        """The viewer comes; it need not be active yet."""

    def leave(self, viewer: StageViewer) -> None:
        """The viewer is gone, or goes on to another stage."""

    def admit(self, viewer: StageViewer) -> str | None:
        """Let in the viewer, active now; or say why it may not stay."""

    def watched_changed(self) -> None:
        """A viewer has begun to look or does so no more: its window is minimized, or shown again."""

    def listens_to(self, viewer: StageViewer) -> bool:
        """Whether what the viewer's user does means anything here."""

    def take_input(self, viewer: StageViewer, events: Sequence[InputEvent], now: float) -> "Stage | None":
        """What the viewer's user has done; returns the stage to go on to, None to stay."""

    def place_pointer(self, viewer: StageViewer, x: int, y: int) -> bool:
        """The guest has moved its pointer; False if the viewer's is not to follow."""

    def request_monitors(self, viewer: StageViewer, monitors: Sequence[Monitor]) -> None:
        """The viewer would like a desktop of these monitors, one at least, the main one first."""
