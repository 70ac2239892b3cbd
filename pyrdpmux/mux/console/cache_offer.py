"""Bitmaps that a client has kept from earlier sessions, and offers to whoever draws (MS-RDPEGFX 3.2.5.16).

A client may offer once, each time that it begins the graphics pipeline. Nothing of the pipeline says whether
it will; the older caches have a flag for it.
"""

from typing import Final

from pyrdpmux.rdp.connection.events import GraphicsCacheOffered
from pyrdpmux.rdp.connection.server.connection import ServerConnection
from pyrdpmux.rdp.pdu.capabilities.bitmap_cache import BitmapCacheRev2Capability, CacheFlags

OFFER_SECONDS: Final = 0.3
"""That the first frame of a client waits for its offer, if it keeps bitmaps."""

Entries = list[tuple[int, int]]
"""Keys, and bytes at four a pixel."""


class CacheOffer:
    """One client's."""

    def __init__(self) -> None:
        #: no frame before that, while the client may still offer
        self.begins_at = 0.0
        self._may_come = False
        self._entries: Entries | None = None

    def opened(self, connection: ServerConnection, now: float) -> None:
        """The client has begun the pipeline."""
        self._may_come, self._entries = True, None
        self.begins_at = now + OFFER_SECONDS if _keeps_bitmaps(connection) else 0.0

    def came(self, event: GraphicsCacheOffered) -> bool:
        """Take note of it; False if it is one too many."""
        if not self._may_come:
            return False
        self._may_come, self.begins_at = False, 0.0
        self._entries = [(entry.key, entry.length) for entry in event.entries]
        return True

    def take(self) -> Entries | None:
        """What has been offered and no stream was told."""
        entries, self._entries = self._entries, None
        return entries


def _keeps_bitmaps(connection: ServerConnection) -> bool:
    caches = connection.facts.capability(BitmapCacheRev2Capability)
    return caches is not None and bool(caches.cache_flags & CacheFlags.PERSISTENT_KEYS_EXPECTED)
