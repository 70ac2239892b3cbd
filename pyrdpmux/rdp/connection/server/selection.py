"""One port for several desktops: what a client says about the one it wants, and who decides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from pyrdpmux.rdp.preconnection import Preconnection

if TYPE_CHECKING:
    from pyrdpmux.rdp.connection.server.config import DoorConfig, ServerConfig


@dataclass(frozen=True, slots=True)
class Destination:
    """What is known before the client proves who it is; all of it may be missing."""

    preconnection: Preconnection | None = None
    #: the whole routing line of the X.224 Connection Request: a token, or a cookie
    routing: bytes | None = None
    #: the identifier of ``Cookie: mstshash=``: mostly a user's name
    cookie: bytes | None = None


class Selector(Protocol):
    """Part of a gateway's configuration. Asked once per connection, before security begins."""

    def select(self, destination: Destination) -> ServerConfig:
        """The configuration to go on with; its ``selector`` is not asked again."""
        ...


class DoorSelector(Protocol):
    """The same for a door by itself: whoever it asks keeps the session's half."""

    def select(self, destination: Destination) -> DoorConfig: ...
