"""One port for several desktops: what a client says about the one it wants."""

from dataclasses import dataclass

from pyrdpmux.rdp.preconnection import Preconnection


@dataclass(frozen=True, slots=True)
class Destination:
    """What is known before the client proves who it is; all of it may be missing."""

    preconnection: Preconnection | None = None
    #: the whole routing line of the X.224 Connection Request: a token, or a cookie
    routing: bytes | None = None
    #: the identifier of ``Cookie: mstshash=``: mostly a user's name
    cookie: bytes | None = None
