"""Where reading stops: who sent what could not be read, in which packet, on which layer, and why."""

from dataclasses import dataclass
from enum import Enum
from typing import Final

#: More of them are counted, not kept.
MAXIMUM_STOPS: Final = 200


class Direction(Enum):
    """Who sent it."""

    CLIENT = ">"
    SERVER = "<"


class StopLayer(Enum):
    """The layer that could not be read."""

    FILE = "file"
    FRAME = "frame"
    TCP = "TCP"
    TLS = "TLS"
    FRAMING = "framing"
    SECURITY = "security"
    RDP = "RDP"
    CHANNEL = "channel"


@dataclass(frozen=True, slots=True)
class Stop:
    """Something that could not be read. What came before it was, and what follows is where possible.

    ``number`` is the captured packet's, from 1; 0 where no packet is to blame. ``time`` is in seconds
    since 1970. ``is_end``: the capture ended in a message, which says nothing against its bytes.
    """

    layer: StopLayer
    reason: str
    number: int = 0
    time: float = 0.0
    direction: Direction | None = None
    is_end: bool = False

    def __str__(self) -> str:
        place = f"packet {self.number}, " if self.number else ""
        moment = f"{self.time:.6f} s, " if self.time else ""
        side = f"{self.direction.value} " if self.direction else ""
        return f"{place}{moment}{side}{self.layer.value}: {self.reason}"


class Stops:
    """A bounded list of them."""

    def __init__(self) -> None:
        self._kept: list[Stop] = []
        self._omitted = 0

    def add(self, stop: Stop) -> None:
        if len(self._kept) < MAXIMUM_STOPS:
            self._kept.append(stop)
        else:
            self._omitted += 1

    def extend(self, stops: "tuple[Stop, ...] | Stops") -> None:
        for stop in stops if isinstance(stops, tuple) else stops.all():
            self.add(stop)

    def all(self) -> tuple[Stop, ...]:
        """In the order of their packets, those of none first."""
        found = sorted(self._kept, key=lambda stop: stop.number)
        if self._omitted:
            found.append(Stop(StopLayer.FILE, f"{self._omitted} more are not listed"))
        return tuple(found)
