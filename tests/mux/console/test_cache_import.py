"""Who was here before, and has its cache still, is shown the same for a few bytes (MS-RDPEGFX 2.2.2.16)."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
import pytest

from pyrdpmux.codec.color import Pixels, pixels_of
from pyrdpmux.harness import Client, connect
from pyrdpmux.harness.peers.codecs import GRAPHICS_WITH_AVC
from pyrdpmux.harness.peers.graphics_cache import PersistentCache
from pyrdpmux.mux.admission.connection_factory import ConnectionFactory
from pyrdpmux.mux.console import cache_offer
from pyrdpmux.mux.console.console import Console
from pyrdpmux.rdp.channels.graphics.cache import CacheImportReply, CacheToSurface
from pyrdpmux.rdp.channels.graphics.capabilities import GraphicsCapabilitySet
from pyrdpmux.rdp.channels.graphics.header import CHANNEL_NAME
from pyrdpmux.rdp.channels.graphics.pdu import GraphicsPdu
from pyrdpmux.rdp.connection.client.channels.graphics import DEFAULT_SETS
from pyrdpmux.rdp.connection.events import Event, GraphicsCommandsReceived, GraphicsConfirmed
from tests.graphics.drawings import photo, text
from tests.mux.rdp_client import eventually
from tests.mux.serving import run, served, show

WIDTH, HEIGHT = 800, 600
TILES = 13 * 10
CHEAP = 10_000
"""Bytes."""


def desktop() -> Pixels:
    """Text, and a photo in the middle of it."""
    words = text(WIDTH, HEIGHT)
    words[100:420, 150:600] = photo(450, 320)
    return pixels_of(words)


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a client that takes its time to offer, on a busy machine."""
    monkeypatch.setattr(cache_offer, "OFFER_SECONDS", 5.0)
    monkeypatch.setattr(cache_offer, "MAX_OFFER_SECONDS", 5.0)


class Visit:
    """One session, and what the server has sent in it."""

    def __init__(self) -> None:
        self.pdus: list[GraphicsPdu] = []
        self.client: Client

    def observe(self, event: Event) -> None:
        if isinstance(event, GraphicsCommandsReceived):
            self.pdus += event.pdus

    def offer(self, cache: PersistentCache) -> None:
        graphics = self.client.renderer.graphics
        assert graphics is not None
        graphics.offered = cache.bitmaps
        self.client.connection.offer_graphics_cache(cache.entries)
        self.client.flush()

    def count(self, kind: type[GraphicsPdu]) -> int:
        return len([pdu for pdu in self.pdus if isinstance(pdu, kind)])


@asynccontextmanager
async def visiting(
    console: Console,
    cache: PersistentCache | None,
    sets: tuple[GraphicsCapabilitySet, ...] = DEFAULT_SETS,
    **config: Any,
) -> AsyncIterator[Visit]:
    found = Visit()
    async with connect(
        "127.0.0.1", port=console.port, user="alice", password="x", size=(WIDTH, HEIGHT),
        observer=found.observe, graphics_cache=cache, dynamic_channels=(CHANNEL_NAME,), graphics=sets,
        **config,
    ) as found.client:  # fmt: skip
        yield found


async def seen_and_kept(visit: Visit, console: Console, cache: PersistentCache, tiles: int = TILES) -> None:
    await visit.client.until_shows(console.screen.pixels)
    await visit.client.until(lambda: len(cache) == tiles, what="tiles in the cache")


@pytest.mark.parametrize("sets", [DEFAULT_SETS, GRAPHICS_WITH_AVC], ids=["progressive", "video"])
def test_an_unchanged_picture_costs_little(
    factory: ConnectionFactory, sets: tuple[GraphicsCapabilitySet, ...]
) -> None:
    async def scenario() -> None:
        async with served(factory) as console:
            show(console, desktop())
            cache = PersistentCache()
            async with visiting(console, cache, sets) as first:
                await seen_and_kept(first, console, cache)
                assert first.client.bytes_received > 20 * CHEAP
            async with visiting(console, cache, sets) as again:
                await again.client.until_shows(console.screen.pixels)
                # The logon included.
                assert again.client.bytes_received < CHEAP
                assert again.count(CacheToSurface) == TILES
            # It has taken over what the session before had, and is good for the next one.
            assert len(cache) == TILES

    run(scenario)


def test_who_may_have_something_is_waited_for(
    factory: ConnectionFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache_offer, "OFFER_SECONDS", 1000.0)
    monkeypatch.setattr(cache_offer, "MAX_OFFER_SECONDS", 1000.0)

    async def scenario() -> None:
        async with served(factory) as console:
            show(console, desktop())
            cache = PersistentCache()
            async with visiting(console, cache, keeps_bitmaps=False) as first:
                await seen_and_kept(first, console, cache)
            async with visiting(console, None, keeps_bitmaps=True) as again:
                await again.client.until(lambda: bool(again.client.seen(GraphicsConfirmed)))
                again.offer(cache)
                await again.client.until_shows(console.screen.pixels)
                assert again.count(CacheToSurface) == TILES

    run(scenario)


def test_an_offer_that_comes_late_serves_what_follows(factory: ConnectionFactory) -> None:
    async def scenario() -> None:
        async with served(factory) as console:
            show(console, desktop())
            cache = PersistentCache()
            async with visiting(console, cache) as first:
                await seen_and_kept(first, console, cache)
            show(console, np.zeros_like(desktop()))
            # Nobody waits for who does not say that it has something.
            async with visiting(console, None) as again:
                await again.client.until(lambda: again.client.renderer.graphics is not None)
                await again.client.until_shows(console.screen.pixels)
                again.offer(cache)
                await again.client.until(lambda: again.count(CacheImportReply) == 1, what="a reply")
                again.offer(cache)
                before = again.client.bytes_received
                show(console, desktop())
                await again.client.until_shows(console.screen.pixels)
                assert again.count(CacheToSurface) == TILES
                assert again.client.bytes_received - before < CHEAP
                assert again.count(CacheImportReply) == 1, "one for each time that the client begins"

    run(scenario)


def test_what_is_said_to_all_is_not_answered_to_one(factory: ConnectionFactory) -> None:
    async def scenario() -> None:
        async with served(factory) as console:
            show(console, desktop())
            cache = PersistentCache()
            async with visiting(console, cache) as first, visiting(console, None) as second:
                await seen_and_kept(first, console, cache)
                await second.client.until_shows(console.screen.pixels)
                await eventually(lambda: len(console.streams.live) == 1)
                second.offer(cache)
                show(console, desktop()[::-1].copy())
                for one in (first, second):
                    await one.client.until_shows(console.screen.pixels)
                    assert one.count(CacheImportReply) == 0

    run(scenario)
