"""The first half of a server connection: X.224, TLS and NLA, which end in one value, ``Secured``.

From then on the door only passes bytes on: plain ones to the session, and its frames to the client. It has
the keys of TLS and asks whether a password is right; the session has neither. So either half can be in a
process of its own, and what lies between them is ``Secured``, bytes and frames.
"""

from __future__ import annotations

from collections.abc import Iterable

from pyrdpmux.errors import TlsFailed
from pyrdpmux.rdp.connection.machine import CUT, Ended, forget_frames
from pyrdpmux.rdp.connection.server.config import DoorConfig
from pyrdpmux.rdp.connection.server.door_link import DoorLink
from pyrdpmux.rdp.connection.server.gateway import GatewayInitiation
from pyrdpmux.rdp.connection.server.initiation import ConnectionInitiation
from pyrdpmux.rdp.connection.server.security import NetworkLevelAuthentication
from pyrdpmux.rdp.nla.logon import Proof


class ServerDoor(DoorLink):
    """Feed it as any connection until ``secured`` is there, or it ends with ``Disconnected``.

    Then what it is fed comes out of ``take_plain``, and ``fault`` and ``is_eof`` tell what ends the stream
    behind that; the session's frames go into ``send_frames``. It ends with ``close``, without another event.
    """

    def __init__(self, config: DoorConfig, now: float) -> None:
        super().__init__(config, now)
        self._enter(GatewayInitiation(self) if config.selector is not None else ConnectionInitiation(self))

    # -- until it is secured ---------------------------------------------------------------------

    @property
    def awaits_answer(self) -> bool:
        """A ``LogonRequested`` has not been answered yet."""
        return isinstance(self._phase, NetworkLevelAuthentication) and self._phase.awaits_answer

    def answer_logon(self, proof: Proof | None, now: float) -> None:
        """Whether the logon that was asked about is right. Does nothing where no answer is awaited."""
        phase = self._phase
        if not isinstance(phase, NetworkLevelAuthentication) or not phase.awaits_answer:
            return

        def go_on() -> None:
            self._enter(phase.on_answer(proof))
            self._advance()

        self._guarded(now, go_on)

    def disconnect(self, reason: str, now: float) -> None:
        """End it before it is secured; there is nothing yet in which a client can be told why."""
        if not self.should_close:
            self.now = now
            self._enter(self.end(reason, by_peer=False))

    # -- afterwards ------------------------------------------------------------------------------

    def take_plain(self) -> bytes:
        """What the client has sent to the session since the last call; empty before that begins."""
        if self.secured is None:
            return b""
        plain, self._incoming = bytes(self._incoming), bytearray()
        return plain

    def send_frames(self, frames: Iterable[bytes]) -> None:
        """Queue what the session says; under TLS every frame becomes a record of its own."""
        for frame in frames:
            if frame == CUT:
                self.cut_output()
                continue
            try:
                is_sent = self._transmit(frame)
            except TlsFailed as error:
                self._fault = error
                forget_frames(error)
                return
            if not is_sent:
                self.note(f"{len(frame)} bytes dropped: TLS is down")

    def close(self) -> None:
        """The session is over: end TLS in order, behind all that was sent."""
        if self._tls is not None:
            self._tls.close()
        self._enter(Ended())
