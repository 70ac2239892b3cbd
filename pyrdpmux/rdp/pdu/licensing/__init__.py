"""Licensing: the Valid Client message that ends the phase at once, and the messages of the long way.

Structures only, after the security header, a module per subject; keys and exchange are `rdp.licensing`'s.
"""

from pyrdpmux.rdp.pdu.licensing.preamble import (
    MESSAGE_TYPES,
    VALID_CLIENT,
    LicensingMessage,
    LicensingPdu,
    MessageType,
    PreambleFlags,
    UnknownLicensingMessage,
)

__all__ = [
    "MESSAGE_TYPES",
    "VALID_CLIENT",
    "LicensingMessage",
    "LicensingPdu",
    "MessageType",
    "PreambleFlags",
    "UnknownLicensingMessage",
]
