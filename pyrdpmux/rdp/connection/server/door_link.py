"""What the phases of a door share: what they have found out, and the way on."""

from __future__ import annotations

from dataclasses import replace

from pyrdpmux.errors import PeerError
from pyrdpmux.rdp.connection.machine import Machine, Phase
from pyrdpmux.rdp.connection.server.config import DoorConfig
from pyrdpmux.rdp.connection.server.destination import Destination
from pyrdpmux.rdp.connection.server.secured import Secured


class Relay(Phase):
    """Behind the door: nothing is read here any more, bytes pass to the session and frames from it."""

    def take_frame(self, buffer: bytearray) -> bytes | None:
        return None


class DoorLink(Machine):
    """The door as its phases see it."""

    def __init__(self, config: DoorConfig, now: float) -> None:
        super().__init__(now, config.tracer)
        self.config = config
        #: as far as it is known by now
        self.found = Secured()
        #: when TLS and NLA have to be done, from the ClientHello on
        self.secure_by: float | None = None

    def select(self, destination: Destination) -> None:
        """The client has said where it wants to go: at a gateway, go on with the configuration for that."""
        self.found = replace(self.found, destination=destination)
        if self.config.selector is not None:
            self.config = self.config.selector.select(destination)

    def secure(self) -> Phase:
        """All is agreed and proved: the session begins."""
        if self.tls is not None:
            self.found = replace(self.found, tls=self.describe_tls())
        return Relay()

    def describe_tls(self) -> str:
        """Protocol version and cipher suite, for logs."""
        return f"{self.tls.version} {self.tls.cipher}" if self.tls is not None else "no TLS"

    @property
    def secured(self) -> Secured | None:
        """What the session is told, once it can begin."""
        return self.found if isinstance(self._phase, Relay) else None

    @property
    def fault(self) -> PeerError | None:
        """What broke the stream, behind all that came before."""
        return self._fault

    def _conclude(self) -> None:
        if not isinstance(self._phase, Relay):  # from there on the session is told what ends the stream
            super()._conclude()


class DoorPhase(Phase):
    """A phase of a door."""

    def __init__(self, link: DoorLink) -> None:
        self.link = link
