"""Bitmaps that a client has kept from earlier sessions, and offers as soon as its pipeline is open."""

from typing import Final

from pyrdpmux.rdp.connection.events import GraphicsCacheOffered
from pyrdpmux.rdp.connection.server.connection import ServerConnection
from pyrdpmux.rdp.pdu.capabilities.bitmap_cache import BitmapCacheRev2Capability, CacheFlags

OFFER_SECONDS: Final = 0.1
MAX_OFFER_SECONDS: Final = 0.4
"""Beyond a round trip, and altogether, that a client whose cache outlives sessions is waited for before the
first frame, to offer it: it does so as soon as its capabilities are confirmed (MS-RDPEGFX 2.2.2.16). A frame
that did not wait would be sent for nothing; what comes later is used for what is sent then."""


class CacheOffer:
    """Of one client; once each time that it begins."""

    def __init__(self) -> None:
        #: no frame before that, while the client may still offer its cache
        self.begins_at = 0.0
        #: what no stream knows yet: keys and bytes
        self.entries: list[tuple[int, int]] | None = None
        self._may_come = False

    def opened(self, connection: ServerConnection, now: float, round_trip: float | None) -> None:
        """The client begins; ``round_trip`` in seconds, if it is known."""
        self._may_come, self.entries = True, None
        self.begins_at = 0.0
        if _keeps_bitmaps(connection):
            seconds = MAX_OFFER_SECONDS if round_trip is None else round_trip + OFFER_SECONDS
            self.begins_at = now + min(seconds, MAX_OFFER_SECONDS)

    def came(self, event: GraphicsCacheOffered) -> bool:
        """Whether it is to be used."""
        if not self._may_come:
            return False
        self._may_come, self.begins_at = False, 0.0
        self.entries = [(entry.key, entry.length) for entry in event.entries]
        return True


def _keeps_bitmaps(connection: ServerConnection) -> bool:
    """Whether the client may have any: the pipeline has no flag for it, the older caches have.

    QUIRK(FreeRDP 2.11): flags a persistent cache because we offer one, has none, and says so by a list of no
    keys. FreeRDP 3 lists the keys of the bitmaps that it offers.
    """
    facts = connection.facts
    caches = facts.capability(BitmapCacheRev2Capability)
    is_flagged = caches is not None and bool(caches.cache_flags & CacheFlags.PERSISTENT_KEYS_EXPECTED)
    return is_flagged and facts.has_persistent_keys is not False
