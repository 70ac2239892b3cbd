"""The envelope of every capability set, and the table of all of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Self, TypeVar, get_args

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
from pyrdpmux.rdp.pdu.capabilities.types import CapabilitySetType
from pyrdpmux.wire import Reader, Writer, decode, encode

HEADER_SIZE: Final = 4


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

CAPABILITY_TYPES: Final[dict[int, type[Capability]]] = {cls.TYPE: cls for cls in get_args(Capability)}


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


@dataclass(frozen=True, slots=True)
class _Enveloped:
    """MS-RDPBCGR 2.2.1.13.1.1.1 Capability Set (TS_CAPS_SET)."""

    item: CapabilitySet

    @classmethod
    def read(cls, r: Reader) -> Self:
        return cls(read_capability(r))

    def write(self, w: Writer) -> None:
        write_capability(w, self.item, type(self.item).__name__)


def decode_capability(data: bytes) -> CapabilitySet:
    """Whichever capability set ``data`` is, with its envelope."""
    return decode(_Enveloped, data).item


def encode_capability(item: CapabilitySet) -> bytes:
    """The bytes of one capability set with its envelope."""
    return encode(_Enveloped(item))


def write_capability(w: Writer, item: CapabilitySet, field: str) -> None:
    """One capability set with its envelope."""
    capability = item.capability if isinstance(item, LongCapability) else item
    number = capability.type if isinstance(capability, UnknownCapability) else capability.TYPE
    w.u16_le("capabilitySetType", number)
    with w.length_u16_le("lengthCapability", extra=HEADER_SIZE):
        if isinstance(capability, UnknownCapability):
            w.raw("capabilityData", capability.data)
        else:
            w.structure(capability, field)
        if isinstance(item, LongCapability):
            w.raw("extra", item.extra)
