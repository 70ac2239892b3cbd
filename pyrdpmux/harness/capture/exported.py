"""Messages that Wireshark exported ("Export PDUs to File"): out of TCP and TLS, behind a list of tags."""

from ipaddress import ip_address
from typing import Final

from pyrdpmux.harness.capture.frame import FLAG_ACK, Segment
from pyrdpmux.harness.capture.packet import Packet
from pyrdpmux.wire import OpenIntEnum, Reader

#: What the exporting dissector hands over is RDP's if one of these is its name.
PROTOCOLS: Final = frozenset({b"tpkt", b"x224", b"rdp", b"cotp", b"t125", b"credssp"})
MAXIMUM_TAGS: Final = 64


class Tag(OpenIntEnum):
    """EXP_PDU_TAG_ values of Wireshark's wsutil/exported_pdu_tlvs.h."""

    END_OF_OPTIONS = 0
    DISSECTOR_NAME = 12
    IPV4_SOURCE = 20
    IPV4_DESTINATION = 21
    IPV6_SOURCE = 22
    IPV6_DESTINATION = 23
    SOURCE_PORT = 25
    DESTINATION_PORT = 26


def decode_exported(packet: Packet) -> Segment | None:
    """The message and its addresses; None if it is of no protocol that RDP is made of.

    Its sequence number is 0: such messages follow each other as they stand in the file.
    """
    r = Reader(packet.data, "ExportedPdu")
    tags: dict[Tag, bytes] = {}
    for _ in range(MAXIMUM_TAGS):
        tag = Tag(r.u16_be("exp_tag"))
        value = r.raw("exp_tag_data", r.u16_be("exp_tag_len"))
        if tag == Tag.END_OF_OPTIONS:
            break
        tags[tag] = value
    if tags.get(Tag.DISSECTOR_NAME, b"").rstrip(b"\0") not in PROTOCOLS:
        return None
    source = _address(r, tags, Tag.IPV4_SOURCE, Tag.IPV6_SOURCE), _port(tags, Tag.SOURCE_PORT)
    there = _address(r, tags, Tag.IPV4_DESTINATION, Tag.IPV6_DESTINATION), _port(tags, Tag.DESTINATION_PORT)
    return Segment(packet.time, source, there, 0, 0, FLAG_ACK, r.rest("data"), packet.missing_size)


def _address(r: Reader, tags: dict[Tag, bytes], ipv4: Tag, ipv6: Tag) -> str:
    address = tags.get(ipv4) or tags.get(ipv6) or b""
    if len(address) not in (4, 16):
        raise r.error("exp_tag", f"no {ipv4.name} and no {ipv6.name}")
    return str(ip_address(address))


def _port(tags: dict[Tag, bytes], tag: Tag) -> int:
    value = tags.get(tag, b"")
    return Reader(value, tag.name.lower()).uint_be("port", len(value))
