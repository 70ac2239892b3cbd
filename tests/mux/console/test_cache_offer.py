"""A client that may have bitmaps of earlier sessions is waited for a little, and heard once."""

from typing import cast

import pytest

from pyrdpmux.mux.console.cache_offer import MAX_OFFER_SECONDS, OFFER_SECONDS, CacheOffer
from pyrdpmux.rdp.channels.graphics.cache import CacheEntry
from pyrdpmux.rdp.connection.events import GraphicsCacheOffered
from pyrdpmux.rdp.connection.facts import ServerFacts
from pyrdpmux.rdp.connection.server.connection import ServerConnection
from pyrdpmux.rdp.pdu.capabilities import CapabilitySet
from pyrdpmux.rdp.pdu.capabilities.bitmap_cache import BitmapCacheRev2Capability, CacheFlags, CellCacheInfo


class Connection:
    def __init__(self, *capabilities: CapabilitySet) -> None:
        self.facts = ServerFacts()
        self.facts.capabilities = capabilities


def caches(flags: CacheFlags) -> BitmapCacheRev2Capability:
    return BitmapCacheRev2Capability(flags, 1, (CellCacheInfo(100),) * 5)


def opened(*capabilities: CapabilitySet, round_trip: float | None = 0.05) -> CacheOffer:
    offer = CacheOffer()
    offer.opened(cast(ServerConnection, Connection(*capabilities)), 10.0, round_trip)
    return offer


OFFERED = GraphicsCacheOffered((CacheEntry(7, 16384), CacheEntry(8, 99)))


@pytest.mark.parametrize(
    ("capabilities", "at"),
    [
        ((), 0.0),
        ((caches(CacheFlags(0)),), 0.0),
        ((caches(CacheFlags.PERSISTENT_KEYS_EXPECTED),), 10.0 + 0.05 + OFFER_SECONDS),
    ],
)
def test_who_keeps_bitmaps_is_waited_for(capabilities: tuple[CapabilitySet, ...], at: float) -> None:
    offer = opened(*capabilities)
    assert offer.begins_at == at
    assert offer.came(OFFERED), "whoever offers is heard"
    assert offer.entries == [(7, 16384), (8, 99)]
    assert offer.begins_at == 0.0


@pytest.mark.parametrize(("has_keys", "is_waited_for"), [(None, True), (True, True), (False, False)])
def test_who_lists_no_bitmaps_is_not_waited_for(has_keys: bool | None, is_waited_for: bool) -> None:
    """A client that sends no list at all may still offer: not every one keeps both caches together."""
    connection = Connection(caches(CacheFlags.PERSISTENT_KEYS_EXPECTED))
    connection.facts.has_persistent_keys = has_keys
    offer = CacheOffer()
    offer.opened(cast(ServerConnection, connection), 10.0, 0.05)
    assert (offer.begins_at > 0.0) is is_waited_for
    assert offer.came(OFFERED), "whoever offers is heard"


@pytest.mark.parametrize(
    ("round_trip", "seconds"),
    [(0.0, OFFER_SECONDS), (0.08, 0.08 + OFFER_SECONDS), (5.0, MAX_OFFER_SECONDS), (None, MAX_OFFER_SECONDS)],
)
def test_it_is_waited_for_as_long_as_its_link_is(round_trip: float | None, seconds: float) -> None:
    offer = opened(caches(CacheFlags.PERSISTENT_KEYS_EXPECTED), round_trip=round_trip)
    assert offer.begins_at == pytest.approx(10.0 + seconds)


def test_once_each_time_that_it_begins() -> None:
    offer = CacheOffer()
    assert not offer.came(OFFERED)
    offer = opened()
    assert offer.came(OFFERED)
    assert not offer.came(GraphicsCacheOffered(()))
    assert offer.entries == [(7, 16384), (8, 99)]
    offer.opened(cast(ServerConnection, Connection()), 20.0, None)
    assert offer.entries is None
    assert offer.came(GraphicsCacheOffered(()))
