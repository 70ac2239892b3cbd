"""What a viewer looks at: the console of a VM, or the list of VMs at the gateway."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from pyrdpmux.mux.admission.logon_desk import Resolver
from pyrdpmux.mux.admission.ticket import Ticket
from pyrdpmux.mux.picture.display import Display
from pyrdpmux.mux.settings.access import Principal
from pyrdpmux.rdp.pdu.input import InputEvent

if TYPE_CHECKING:
    from pyrdpmux.mux.console.viewer import Viewer


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
    def frame_seconds(self) -> float:
        """Least time between two frames of one viewer."""

    def entrance(self, claimed: Principal, ticket: Ticket | None) -> "tuple[Stage, Principal]":
        """Where somebody who has just logged on at this port goes, and by what name; not yet let in there."""

    def bars(self, principal: Principal, ticket: Ticket | None) -> str:
        """Why nothing of it, not even its size, may be told to this principal; or nothing."""

    def join(self, viewer: "Viewer") -> None:
        """The viewer comes; it need not be active yet."""

    def leave(self, viewer: "Viewer") -> None:
        """The viewer is gone, or goes on to another stage."""

    def refuse(self, viewer: "Viewer") -> str:
        """Why the viewer, active now, may not stay; nothing if it may."""

    def listens_to(self, viewer: "Viewer") -> bool:
        """Whether what the viewer's user does means anything here."""

    def take_input(self, viewer: "Viewer", events: Sequence[InputEvent], now: float) -> None:
        """What the viewer's user has done."""

    def place_pointer(self, viewer: "Viewer", x: int, y: int) -> bool:
        """The guest has moved its pointer; False if the viewer's is not to follow."""

    def request_size(self, viewer: "Viewer", width: int, height: int) -> None:
        """The viewer would like this desktop size."""
