"""What a :class:`~pyrdpmux.rfb.client.RfbClient` tells its owner."""

from dataclasses import dataclass
from typing import TypeAlias

from pyrdpmux.codec.color import Pixels
from pyrdpmux.errors import PeerError
from pyrdpmux.geometry import Rect
from pyrdpmux.rfb.desktop import Screen


@dataclass(frozen=True, slots=True)
class Connected:
    """The handshake is done: this is the desktop."""

    width: int
    height: int
    name: str


@dataclass(frozen=True, slots=True)
class Resized:
    """The desktop has this size (perhaps as before); its picture is to be asked for anew."""

    width: int
    height: int
    #: empty where the server did not tell
    screens: tuple[Screen, ...] = ()


@dataclass(frozen=True, slots=True)
class ResizeAnswered:
    """What the server says of our wish for another size, where it did not just do it."""

    status: int


@dataclass(frozen=True, slots=True, eq=False)
class Painted:
    """New pixels."""

    x: int
    y: int
    pixels: Pixels

    @property
    def rect(self) -> Rect:
        height, width = self.pixels.shape[:2]
        return Rect(self.x, self.y, width, height)


@dataclass(frozen=True, slots=True)
class Copied:
    """Pixels that the viewer has already, now also at another place."""

    source: Rect
    rect: Rect
    """Where they are now, too; of the same size."""


@dataclass(frozen=True, slots=True, eq=False)
class CursorChanged:
    """The pointer's shape, with straight alpha; one clear pixel if it is hidden."""

    image: Pixels
    hot_x: int
    hot_y: int


@dataclass(frozen=True, slots=True)
class LedsChanged:
    """The lock keys of the guest: scroll 1, num 2, caps 4."""

    leds: int


@dataclass(frozen=True, slots=True)
class PointerModeChanged:
    """Whether pointer events carry positions or motion."""

    is_absolute: bool


@dataclass(frozen=True, slots=True)
class ExtendedKeysOffered:
    """The server takes scancodes."""


@dataclass(frozen=True, slots=True)
class FenceReceived:
    """The server measures how fast we are, or puts things in order; what it asked for is answered already."""

    flags: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class ContinuousUpdatesEnded:
    """The server sends no updates unasked: for the first time, this is how it says that it can."""


@dataclass(frozen=True, slots=True)
class UpdateStarted:
    """An update begins to arrive: whoever asks for the next one now loses no time."""


@dataclass(frozen=True, slots=True)
class UpdateFinished:
    """All rectangles of one update have been told."""


@dataclass(frozen=True, slots=True)
class Failed:
    """The connection is over: the server hung up, or did what it may not do. Nothing comes after this."""

    error: PeerError


Event: TypeAlias = (
    Connected
    | Resized
    | ResizeAnswered
    | Painted
    | Copied
    | CursorChanged
    | LedsChanged
    | PointerModeChanged
    | ExtendedKeysOffered
    | FenceReceived
    | ContinuousUpdatesEnded
    | UpdateStarted
    | UpdateFinished
    | Failed
)
