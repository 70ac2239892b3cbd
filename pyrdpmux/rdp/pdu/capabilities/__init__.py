"""The capability sets of MS-RDPBCGR 2.2.7 (and of MS-RDPEGDI, MS-RDPERP, MS-RDPRFX), a module per subject.

The envelope (capabilitySetType, lengthCapability) is written once, in ``envelope``; a set is only its data.
"""

from pyrdpmux.rdp.pdu.capabilities.envelope import (
    CAPABILITY_TYPES,
    Capability,
    CapabilitySet,
    LongCapability,
    UnknownCapability,
    decode_capability,
    encode_capability,
    find_capability,
)
from pyrdpmux.rdp.pdu.capabilities.types import CapabilitySetType

__all__ = [
    "CAPABILITY_TYPES",
    "Capability",
    "CapabilitySet",
    "CapabilitySetType",
    "LongCapability",
    "UnknownCapability",
    "decode_capability",
    "encode_capability",
    "find_capability",
]
