"""Which capability set is chosen, and what it comes to."""

from typing import Any

import pytest

from pyrdpmux.rdp.channels.graphics.abilities import GraphicsAbilities, choose
from pyrdpmux.rdp.channels.graphics.capabilities import (
    NO_FLAGS,
    CapabilityVersion,
    GraphicsCapabilitySet,
    GraphicsFlags,
)

V = CapabilityVersion
F = GraphicsFlags


def item(version: CapabilityVersion, flags: GraphicsFlags = NO_FLAGS) -> GraphicsCapabilitySet:
    return GraphicsCapabilitySet.of(version, flags)


#: as FreeRDP 3 advertises them, and as mstsc of Windows 10 does
FREERDP = tuple([item(version, F.SMALL_CACHE) for version in V.__members__.values()])
MSTSC = tuple([item(version, F.SMALL_CACHE) for version in (V.VERSION_10_2, V.VERSION_10, V.VERSION_8)])
FUTURE = GraphicsCapabilitySet(CapabilityVersion(0x000B0000), bytes(4))


@pytest.mark.parametrize(
    ("sets", "expected"),
    [
        (FREERDP, V.VERSION_10_7),
        (FREERDP[::-1], V.VERSION_10_7),
        (MSTSC, V.VERSION_10_2),
        ((item(V.VERSION_8), item(V.VERSION_8_1)), V.VERSION_8_1),
        ((item(V.VERSION_10_1), item(V.VERSION_10)), V.VERSION_10),
        ((item(V.VERSION_10_5), item(V.VERSION_10_6_AT_FIRST)), V.VERSION_10_6_AT_FIRST),
        ((item(V.VERSION_8), FUTURE), V.VERSION_8),
        ((item(V.VERSION_8), GraphicsCapabilitySet(V.VERSION_10_7, bytes(8))), V.VERSION_8),
        ((item(V.VERSION_10_1),), None),
        ((FUTURE,), None),
        ((), None),
    ],
)
def test_the_newest_set_that_has_flags_is_chosen(
    sets: tuple[GraphicsCapabilitySet, ...], expected: CapabilityVersion | None
) -> None:
    chosen = choose(sets)
    assert (chosen and chosen.version) == expected


@pytest.mark.parametrize(
    ("version", "flags", "h264"),
    [
        (V.VERSION_8, F.AVC420_ENABLED, (False, False, False, False)),
        (V.VERSION_8_1, NO_FLAGS, (False, False, False, False)),
        (V.VERSION_8_1, F.AVC420_ENABLED, (True, False, False, False)),
        (V.VERSION_10, NO_FLAGS, (True, True, False, False)),
        (V.VERSION_10, F.AVC_DISABLED, (False, False, False, False)),
        (V.VERSION_10_2, NO_FLAGS, (True, True, True, False)),
        (V.VERSION_10_3, F.AVC_THINCLIENT, (True, True, True, False)),
        (V.VERSION_10_4, NO_FLAGS, (True, True, True, True)),
        (V.VERSION_10_7, F.AVC_DISABLED | F.AVC_THINCLIENT, (False, False, False, False)),
        (V.VERSION_10_7, F.SMALL_CACHE, (True, True, True, True)),
    ],
)
def test_what_h264_may_be_sent(
    version: CapabilityVersion, flags: GraphicsFlags, h264: tuple[bool, ...]
) -> None:
    found = GraphicsAbilities.of(item(version, flags))
    assert (found.has_avc420, found.has_avc444, found.has_avc444v2, found.can_mix_avc) == h264
    assert found.prefers_avc444 == (h264[0] and bool(flags & F.AVC_THINCLIENT))


def test_10_1_beside_another_implies_the_better_h264() -> None:
    """MS-RDPEGFX 1.7."""
    sets = (item(V.VERSION_10), item(V.VERSION_10_1))
    assert GraphicsAbilities.of(sets[0], sets).has_avc444v2


@pytest.mark.parametrize(
    ("chosen", "beside", "is_small"),
    [
        (item(V.VERSION_10_7), (), False),
        (item(V.VERSION_10_7, F.SMALL_CACHE), (), True),
        (item(V.VERSION_10_7), (item(V.VERSION_8, F.THINCLIENT),), True),
        (item(V.VERSION_10_7), (item(V.VERSION_8_1, F.SMALL_CACHE | F.AVC420_ENABLED),), True),
        (item(V.VERSION_10_7), (item(V.VERSION_10_3),), False),
        (item(V.VERSION_10_3), (), True),
        (item(V.VERSION_8), (item(V.VERSION_8_1),), False),
    ],
)
def test_how_large_the_cache_is(
    chosen: GraphicsCapabilitySet, beside: tuple[GraphicsCapabilitySet, ...], is_small: bool
) -> None:
    found = GraphicsAbilities.of(chosen, (chosen, *beside))
    assert found.is_small_cache == is_small
    assert found.cache_slots == 4096
    assert found.cache_bytes == (16 << 20 if is_small else 100 << 20)


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [
        (item(V.VERSION_8, F.THINCLIENT), {"has_progressive": False}),
        (item(V.VERSION_8, F.SMALL_CACHE), {"has_progressive": True}),
        # FreeRDP 2 sets it in other versions, too, where it means nothing
        (item(V.VERSION_10, F.THINCLIENT), {"has_progressive": True}),
        (item(V.VERSION_10_6), {"can_scale": False, "may_restart": True}),
        (item(V.VERSION_10_7), {"can_scale": True, "may_restart": True}),
        (item(V.VERSION_10_7, F.SCALEDMAP_DISABLE), {"can_scale": False}),
        (item(V.VERSION_10_2), {"may_restart": False, "version": V.VERSION_10_2}),
        (item(V.VERSION_10_3), {"may_restart": True}),
    ],
)
def test_what_else_there_is(capabilities: GraphicsCapabilitySet, expected: dict[str, Any]) -> None:
    found = GraphicsAbilities.of(capabilities)
    assert {name: getattr(found, name) for name in expected} == expected
