"""What a client's capability sets come to (MS-RDPEGFX 2.2.3, 3.3.1.4)."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self

from pyrdpmux.rdp.channels.graphics.capabilities import (
    CapabilityVersion,
    GraphicsCapabilitySet,
    GraphicsFlags,
)

#: 3.3.1.4: slots and bytes of a small cache
SMALL_CACHE_SLOTS: Final = 4096
SMALL_CACHE_BYTES: Final = 16 << 20
#: the same, of any other. QUIRK(FreeRDP 3): it never has more slots than that, whatever it says, and closes
#: the channel at slot 4,097; so nobody is taken to have the 25,600 of the specification
CACHE_SLOTS: Final = SMALL_CACHE_SLOTS
CACHE_BYTES: Final = 100 << 20

_IS_SMALL: Final = GraphicsFlags.SMALL_CACHE | GraphicsFlags.THINCLIENT


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphicsAbilities:
    """What a server may send on a graphics channel."""

    version: CapabilityVersion
    #: H.264, alone
    has_avc420: bool = False
    #: H.264 in full color: the first way (codecId AVC444), and the better one (AVC444V2)
    has_avc444: bool = False
    has_avc444v2: bool = False
    #: H.264 may share a frame with other codecs
    can_mix_avc: bool = False
    #: H.264 in full color is what the client likes best
    prefers_avc444: bool = False
    #: RemoteFX Progressive; plain RemoteFX otherwise
    has_progressive: bool = True
    #: Map Surface to Scaled Output and to Scaled Window
    can_scale: bool = False
    #: the client may start anew by another CAPS_ADVERTISE
    may_restart: bool = False
    is_small_cache: bool = False

    @property
    def cache_slots(self) -> int:
        """Slots 1 to this one may be used."""
        return SMALL_CACHE_SLOTS if self.is_small_cache else CACHE_SLOTS

    @property
    def cache_bytes(self) -> int:
        """All slots together, at four bytes a pixel."""
        return SMALL_CACHE_BYTES if self.is_small_cache else CACHE_BYTES

    @classmethod
    def of(cls, chosen: GraphicsCapabilitySet, advertised: Iterable[GraphicsCapabilitySet] = ()) -> Self:
        """What ``chosen`` says; the cache is as small as any of those ``advertised`` beside it says.

        QUIRK(FreeRDP 3): its own settings decide how large its cache is, not the set that is confirmed.
        """
        version, flags = chosen.version, chosen.flags
        advertised = tuple(advertised)
        is_10 = version >= CapabilityVersion.VERSION_10
        has_avc444 = is_10 and not flags & GraphicsFlags.AVC_DISABLED
        is_8_1 = version == CapabilityVersion.VERSION_8_1
        versions = {version, *[item.version for item in advertised]}
        return cls(
            version=version,
            has_avc420=has_avc444 or (is_8_1 and bool(flags & GraphicsFlags.AVC420_ENABLED)),
            has_avc444=has_avc444,
            # 1.7: implied by 10.1, which is not chosen, but is behind all that came later
            has_avc444v2=has_avc444
            and (version > CapabilityVersion.VERSION_10 or CapabilityVersion.VERSION_10_1 in versions),
            can_mix_avc=has_avc444 and version >= CapabilityVersion.VERSION_10_4,
            prefers_avc444=has_avc444 and bool(flags & GraphicsFlags.AVC_THINCLIENT),
            has_progressive=is_10 or not flags & GraphicsFlags.THINCLIENT,
            can_scale=version >= CapabilityVersion.VERSION_10_7
            and not flags & GraphicsFlags.SCALEDMAP_DISABLE,
            may_restart=version >= CapabilityVersion.VERSION_10_3,
            is_small_cache=version == CapabilityVersion.VERSION_10_3
            or any(item.flags & _IS_SMALL for item in (chosen, *advertised)),
        )


def choose(advertised: Iterable[GraphicsCapabilitySet]) -> GraphicsCapabilitySet | None:
    """The newest set that is known and has flags; None where there is none.

    10.1 has no flags, so that nobody knows what it allows; versions of a future are passed over.
    """
    usable = [item for item in advertised if item.is_known and item.version != CapabilityVersion.VERSION_10_1]
    return max(usable, key=lambda item: item.version, default=None)
