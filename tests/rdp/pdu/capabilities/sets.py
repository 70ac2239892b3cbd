"""Capability sets in their envelope, as the rows of this folder write them down."""

from pyrdpmux.rdp.pdu.capabilities import CapabilitySet
from pyrdpmux.rdp.pdu.capabilities.envelope import read_capability, write_capability
from pyrdpmux.wire import Reader, Writer


def decode_capability(data: bytes) -> CapabilitySet:
    r = Reader(data, "CapabilitySet")
    item = read_capability(r)
    r.finish("")
    return item


def encode_capability(item: CapabilitySet) -> bytes:
    w = Writer("CapabilitySet")
    write_capability(w, item, "capabilityData")
    return w.getvalue()
