"""Control, activation, share, font and virtual channel sets."""

from hypothesis import strategies as st

from pyrdpmux.rdp.pdu.capabilities.session import (
    ControlCapability,
    FontCapability,
    ShareCapability,
    VirtualChannelCapability,
    VirtualChannelFlags,
    WindowActivationCapability,
)
from tests.rdp.pdu.capabilities.sets import decode_capability, encode_capability
from tests.rdp.pdu.properties import property_tests, structure, u16, u32
from tests.rows import Row, row_tests

ROWS = [
    Row(
        "share (Windows Server 2016, shared/vectors Example_1)",
        ShareCapability(node_id=1002),
        """0900  # capabilitySetType
           0800  # lengthCapability
           ea03  # nodeID
           0000  # pad2octets""",
        decode=decode_capability,
        encode=encode_capability,
    ),
    Row(
        "virtual channel (Windows Server 2016, shared/vectors Example_1)",
        VirtualChannelCapability(flags=VirtualChannelFlags.COMPR_CS_8K, chunk_size=1600),
        """1400  # capabilitySetType
           0c00  # lengthCapability
           02000000  # flags
           40060000  # VCChunkSize""",
        decode=decode_capability,
        encode=encode_capability,
    ),
    Row(
        "font (Windows Server 2016, shared/vectors Example_1)",
        FontCapability(),
        """0e00  # capabilitySetType
           0800  # lengthCapability
           0100  # fontSupportFlags
           0000  # pad2octets""",
        decode=decode_capability,
        encode=encode_capability,
    ),
    Row(
        "window activation (mstsc, shared/vectors Example_1)",
        WindowActivationCapability(),
        """0700  # capabilitySetType
           0c00  # lengthCapability
           0000  # helpKeyFlag
           0000  # helpKeyIndexFlag
           0000  # helpExtendedKeyFlag
           0000  # windowManagerKeyFlag""",
        decode=decode_capability,
        encode=encode_capability,
    ),
    Row(
        "control (mstsc, shared/vectors Example_1)",
        ControlCapability(),
        """0500  # capabilitySetType
           0c00  # lengthCapability
           0000  # controlFlags
           0000  # remoteDetachFlag
           0200  # controlInterest
           0200  # detachInterest""",
        decode=decode_capability,
        encode=encode_capability,
    ),
    Row(
        "share (mstsc, shared/vectors Example_1)",
        ShareCapability(),
        """0900  # capabilitySetType
           0800  # lengthCapability
           0000  # nodeID
           0000  # pad2octets""",
        decode=decode_capability,
        encode=encode_capability,
    ),
    Row(
        "font (mstsc, shared/vectors Example_1)",
        FontCapability(),
        """0e00  # capabilitySetType
           0800  # lengthCapability
           0100  # fontSupportFlags
           0000  # pad2octets""",
        decode=decode_capability,
        encode=encode_capability,
    ),
    Row(
        "virtual channel (mstsc, shared/vectors Example_1)",
        VirtualChannelCapability(flags=VirtualChannelFlags.COMPR_SC, chunk_size=0),
        """1400  # capabilitySetType
           0c00  # lengthCapability
           01000000  # flags
           00000000  # VCChunkSize""",
        decode=decode_capability,
        encode=encode_capability,
    ),
    Row(
        "font without data (2.2.7.2.5, old Windows servers, constructed)",
        FontCapability(None),
        "0e00 0400",
        decode=decode_capability,
        encode=encode_capability,
    ),
    Row(
        "virtual channel without chunk size (constructed)",
        VirtualChannelCapability(VirtualChannelFlags.COMPR_SC),
        "1400 0800 01000000",
        decode=decode_capability,
        encode=encode_capability,
    ),
]

TestRows = row_tests(ROWS)

CASES = {
    "control": structure(ControlCapability, u16, u16, u16, u16),
    "activation": structure(WindowActivationCapability, u16, u16, u16, u16),
    "share": structure(ShareCapability, u16),
    "font": structure(FontCapability, st.none() | u16),
    "channel": structure(VirtualChannelCapability, u32.map(VirtualChannelFlags), st.none() | u32),
}

TestProperties = property_tests(CASES)
