"""The envelope of every capability set, and the table of all of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeVar

from pyrdpmux.rdp.pdu.capabilities.bitmap_cache import (
    BitmapCacheCapability,
    BitmapCacheHostSupportCapability,
    BitmapCacheRev2Capability,
    OffscreenCacheCapability,
)
from pyrdpmux.rdp.pdu.capabilities.codecs import BitmapCodecsCapability
from pyrdpmux.rdp.pdu.capabilities.drawing import (
    DrawGdiPlusCapability,
    DrawNineGridCapability,
    RemoteProgramsCapability,
    WindowListCapability,
)
from pyrdpmux.rdp.pdu.capabilities.general import (
    BitmapCapability,
    DesktopCompositionCapability,
    FrameAcknowledgeCapability,
    GeneralCapability,
    MultifragmentUpdateCapability,
    SurfaceCommandsCapability,
)
from pyrdpmux.rdp.pdu.capabilities.input import (
    InputCapability,
    LargePointerCapability,
    PointerCapability,
    SoundCapability,
)
from pyrdpmux.rdp.pdu.capabilities.order import (
    BrushCapability,
    ColorCacheCapability,
    GlyphCacheCapability,
    OrderCapability,
)
from pyrdpmux.rdp.pdu.capabilities.session import (
    ControlCapability,
    FontCapability,
    ShareCapability,
    VirtualChannelCapability,
    WindowActivationCapability,
)
from pyrdpmux.wire import OpenIntEnum, Reader, Writer

HEADER_SIZE: Final = 4


class CapabilitySetType(OpenIntEnum):
    """capabilitySetType of MS-RDPBCGR 2.2.1.13.1.1.1."""

    GENERAL = 0x01
    BITMAP = 0x02
    ORDER = 0x03
    BITMAP_CACHE = 0x04
    CONTROL = 0x05
    ACTIVATION = 0x07
    POINTER = 0x08
    SHARE = 0x09
    COLOR_CACHE = 0x0A
    SOUND = 0x0C
    INPUT = 0x0D
    FONT = 0x0E
    BRUSH = 0x0F
    GLYPH_CACHE = 0x10
    OFFSCREEN_CACHE = 0x11
    BITMAP_CACHE_HOST_SUPPORT = 0x12
    BITMAP_CACHE_REV2 = 0x13
    VIRTUAL_CHANNEL = 0x14
    DRAW_NINE_GRID_CACHE = 0x15
    DRAW_GDI_PLUS = 0x16
    RAIL = 0x17
    WINDOW = 0x18
    DESKTOP_COMPOSITION = 0x19
    MULTIFRAGMENT_UPDATE = 0x1A
    LARGE_POINTER = 0x1B
    SURFACE_COMMANDS = 0x1C
    BITMAP_CODECS = 0x1D
    FRAME_ACKNOWLEDGE = 0x1E


Capability = (
    GeneralCapability
    | BitmapCapability
    | OrderCapability
    | BitmapCacheCapability
    | ControlCapability
    | WindowActivationCapability
    | PointerCapability
    | ShareCapability
    | ColorCacheCapability
    | SoundCapability
    | InputCapability
    | FontCapability
    | BrushCapability
    | GlyphCacheCapability
    | OffscreenCacheCapability
    | BitmapCacheHostSupportCapability
    | BitmapCacheRev2Capability
    | VirtualChannelCapability
    | DrawNineGridCapability
    | DrawGdiPlusCapability
    | RemoteProgramsCapability
    | WindowListCapability
    | DesktopCompositionCapability
    | MultifragmentUpdateCapability
    | LargePointerCapability
    | SurfaceCommandsCapability
    | BitmapCodecsCapability
    | FrameAcknowledgeCapability
)

CAPABILITY_TYPES: Final[dict[CapabilitySetType, type[Capability]]] = {
    CapabilitySetType.GENERAL: GeneralCapability,
    CapabilitySetType.BITMAP: BitmapCapability,
    CapabilitySetType.ORDER: OrderCapability,
    CapabilitySetType.BITMAP_CACHE: BitmapCacheCapability,
    CapabilitySetType.CONTROL: ControlCapability,
    CapabilitySetType.ACTIVATION: WindowActivationCapability,
    CapabilitySetType.POINTER: PointerCapability,
    CapabilitySetType.SHARE: ShareCapability,
    CapabilitySetType.COLOR_CACHE: ColorCacheCapability,
    CapabilitySetType.SOUND: SoundCapability,
    CapabilitySetType.INPUT: InputCapability,
    CapabilitySetType.FONT: FontCapability,
    CapabilitySetType.BRUSH: BrushCapability,
    CapabilitySetType.GLYPH_CACHE: GlyphCacheCapability,
    CapabilitySetType.OFFSCREEN_CACHE: OffscreenCacheCapability,
    CapabilitySetType.BITMAP_CACHE_HOST_SUPPORT: BitmapCacheHostSupportCapability,
    CapabilitySetType.BITMAP_CACHE_REV2: BitmapCacheRev2Capability,
    CapabilitySetType.VIRTUAL_CHANNEL: VirtualChannelCapability,
    CapabilitySetType.DRAW_NINE_GRID_CACHE: DrawNineGridCapability,
    CapabilitySetType.DRAW_GDI_PLUS: DrawGdiPlusCapability,
    CapabilitySetType.RAIL: RemoteProgramsCapability,
    CapabilitySetType.WINDOW: WindowListCapability,
    CapabilitySetType.DESKTOP_COMPOSITION: DesktopCompositionCapability,
    CapabilitySetType.MULTIFRAGMENT_UPDATE: MultifragmentUpdateCapability,
    CapabilitySetType.LARGE_POINTER: LargePointerCapability,
    CapabilitySetType.SURFACE_COMMANDS: SurfaceCommandsCapability,
    CapabilitySetType.BITMAP_CODECS: BitmapCodecsCapability,
    CapabilitySetType.FRAME_ACKNOWLEDGE: FrameAcknowledgeCapability,
}

_TYPE_OF: Final[dict[type, CapabilitySetType]] = {cls: number for number, cls in CAPABILITY_TYPES.items()}


@dataclass(frozen=True, slots=True)
class UnknownCapability:
    """MS-RDPBCGR 2.2.1.13.1.1.1 Capability Set (TS_CAPS_SET) of a type we do not know."""

    type: CapabilitySetType
    data: bytes = b""


@dataclass(frozen=True, slots=True)
class LongCapability:
    """MS-RDPBCGR 2.2.1.13.1.1.1 Capability Set (TS_CAPS_SET) with data behind what we know of it.

    Later revisions of a set grow at its end; what they add is kept, and the known part stays usable.
    """

    capability: Capability
    extra: bytes


CapabilitySet = Capability | UnknownCapability | LongCapability

C = TypeVar("C")


def find_capability(sets: Iterable[CapabilitySet], cls: type[C]) -> C | None:
    """The first set of type ``cls``, also out of a :class:`LongCapability`."""
    for item in sets:
        capability = item.capability if isinstance(item, LongCapability) else item
        if isinstance(capability, cls):
            return capability
    return None


def read_capability(r: Reader) -> CapabilitySet:
    """One capability set with its envelope."""
    number = CapabilitySetType(r.u16_le("capabilitySetType"))
    length = r.u16_le("lengthCapability")
    if length < HEADER_SIZE:
        raise r.error("lengthCapability", f"{length}, at least {HEADER_SIZE} expected")
    cls = CAPABILITY_TYPES.get(number)
    with r.region(cls.__name__ if cls else "capabilityData", length - HEADER_SIZE):
        if cls is None:
            return UnknownCapability(number, r.rest("capabilityData"))
        capability = cls.read(r)
        if r.remaining:
            return LongCapability(capability, r.rest("extra"))
    return capability


def write_capability(w: Writer, item: CapabilitySet, field: str) -> None:
    """One capability set with its envelope."""
    capability = item.capability if isinstance(item, LongCapability) else item
    number = capability.type if isinstance(capability, UnknownCapability) else _TYPE_OF[type(capability)]
    w.u16_le("capabilitySetType", number)
    with w.length_u16_le("lengthCapability", extra=HEADER_SIZE):
        if isinstance(capability, UnknownCapability):
            w.raw("capabilityData", capability.data)
        else:
            w.structure(capability, field)
        if isinstance(item, LongCapability):
            w.raw("extra", item.extra)
