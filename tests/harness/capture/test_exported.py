"""Wireshark's exported PDUs: a whole conversation, and lists of tags that are none."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrdpmux.errors import DecodeError
from pyrdpmux.harness.capture.exported import decode_exported
from pyrdpmux.harness.capture.fixture import dissect_fixture
from pyrdpmux.harness.capture.packet import LinkType, Packet
from pyrdpmux.harness.capture.session import read_session
from pyrdpmux.harness.capture.stop import Direction
from pyrdpmux.harness.capture.tcp import conversations
from pyrdpmux.harness.capture.unit import TLS_KINDS
from tests.harness.capture.obstacles import FOLDER, exported


def packet(data: bytes) -> Packet:
    return Packet(1.0, LinkType.WIRESHARK_UPPER_PDU, data)


def test_a_session_without_its_tcp_and_tls() -> None:
    units = [
        unit.unit
        for unit in dissect_fixture(FOLDER / "xfreerdp-shadow-tls-16.pcap")
        if unit.unit.kind not in TLS_KINDS
    ]
    packets = [packet(exported(unit.direction is Direction.CLIENT, unit.data)) for unit in units]
    (conversation,), stops = conversations(packets)
    assert stops == ()
    session = read_session(conversation, None, "exported")
    assert session.stops == ()
    assert [(u.direction, u.kind, u.data) for u in session.units] == [
        (u.direction, u.kind, u.data) for u in units
    ]
    assert [unit.number for unit in session.units] == list(range(1, len(units) + 1))


def test_other_protocols_are_passed_over() -> None:
    assert decode_exported(packet(exported(True, b"x", name=b"kerberos"))) is None
    found = decode_exported(packet(exported(True, b"x", name=b"tpkt\0\0\0\0", port=3901)))
    assert found is not None
    assert (found.source, found.destination) == (("10.0.0.1", 50000), ("10.0.0.2", 3901))
    assert found.data == b"x"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\0\x0c\0\4tpkt\0\0\0\0", "no IPV4_SOURCE and no IPV6_SOURCE"),
        (b"\0\x0c\0\5tpkt", "exp_tag_data: need 5 bytes, 4 left"),
        (b"", "exp_tag: need 2 bytes, 0 left"),
    ],
)
def test_what_is_no_list_of_tags_is_refused(data: bytes, reason: str) -> None:
    with pytest.raises(DecodeError, match=reason):
        decode_exported(packet(data))


@settings(max_examples=100, deadline=None)
@given(st.sampled_from([b"", b"\0\x0c\0\4tpkt", exported(True, b"")[:-4]]), st.binary(max_size=40))
def test_garbage_raises_decode_errors_only(start: bytes, rest: bytes) -> None:
    with contextlib.suppress(DecodeError):
        decode_exported(packet(start + rest))
