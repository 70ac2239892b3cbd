"""Connections that have not logged on yet: how many there are, and which goes when there is no room.

A newcomer always has a place. At the limit, the oldest connection of the most loaded network gives up its
own: who opens many sockets pushes out its own. A connection counts from its acceptance to its logon, and if
it never logs on until its socket is closed.
"""

import itertools
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from pyrdpmux.mux.admission.networks import Origin

logger = logging.getLogger("pyrdpmux.mux")

DEFAULT_LIMIT: Final = 256

IsSuspect = Callable[[Origin], bool]
"""Whether a network keeps failing: it goes before others."""


@dataclass(eq=False, slots=True)
class Pending:
    """One connection's place."""

    origin: Origin
    is_exempt: bool
    #: closes it at once
    evict: Callable[[], None]
    #: of all, in the order of their coming
    number: int

    @property
    def group(self) -> tuple[str, bool]:
        """One address of a network may be exempt, and its neighbors not."""
        return self.origin.narrow, self.is_exempt


class PendingTable:
    """All of a daemon, whichever port they came to."""

    def __init__(self, limit: int = DEFAULT_LIMIT, is_suspect: IsSuspect = lambda origin: False) -> None:
        self.limit = limit
        #: how many had to go
        self.evicted = 0
        self._is_suspect = is_suspect
        self._count = 0
        self._numbers = itertools.count()
        #: the oldest first
        self._groups: dict[tuple[str, bool], dict[Pending, None]] = {}
        self._narrow: Counter[str] = Counter()
        self._wide: Counter[str] = Counter()

    def __len__(self) -> int:
        return self._count

    def of(self, origin: Origin) -> int:
        """How many come from there."""
        return self._narrow[origin.narrow]

    def enter(self, origin: Origin, evict: Callable[[], None], *, is_exempt: bool = False) -> Pending:
        """A place for one more; ``evict`` is called when another needs it."""
        place = Pending(origin, is_exempt, evict, next(self._numbers))
        self._groups.setdefault(place.group, {})[place] = None
        self._count += 1
        self._narrow[origin.narrow] += 1
        self._wide[origin.wide] += 1
        while self._count > self.limit:
            victim = self._victim()
            self.leave(victim)
            self.evicted += 1
            victim.evict()
        return place

    def leave(self, place: Pending) -> None:
        """It has logged on, or its socket is closed."""
        group = self._groups.get(place.group, {})
        if place not in group:
            return
        del group[place]
        if not group:
            del self._groups[place.group]
        self._count -= 1
        for counter, network in ((self._narrow, place.origin.narrow), (self._wide, place.origin.wide)):
            counter[network] -= 1
            if not counter[network]:
                del counter[network]

    def _victim(self) -> Pending:
        """Of who keeps failing before others, of the most loaded network before others, the oldest."""

        def load(place: Pending) -> tuple[bool, bool, int, int, int]:
            origin = place.origin
            suspect, narrow, wide = (
                self._is_suspect(origin),
                self._narrow[origin.narrow],
                self._wide[origin.wide],
            )
            return not place.is_exempt, suspect, narrow, wide, -place.number

        return max([next(iter(group)) for group in self._groups.values()], key=load)
