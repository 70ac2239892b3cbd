"""The dissector beyond what the recorded sessions show (tests/replay): its refusals and its text."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyrdpmux.codec.bulk.packet import CompressionType, PacketFlags
from pyrdpmux.codec.bulk.packets import compressor
from pyrdpmux.errors import DecodeError
from pyrdpmux.harness.capture.describe import as_json, describe
from pyrdpmux.harness.capture.dissect import Dissector, dissect, dissect_all
from pyrdpmux.harness.capture.errors import CaptureError
from pyrdpmux.harness.capture.fixture import dissect_fixture, open_fixture
from pyrdpmux.harness.capture.layer import Ciphertext
from pyrdpmux.harness.capture.rsa_key import load_rsa_key
from pyrdpmux.harness.capture.session import Session
from pyrdpmux.harness.capture.stop import MAXIMUM_STOPS, Direction, StopLayer
from pyrdpmux.harness.capture.unit import Unit, UnitKind
from pyrdpmux.rdp.fastpath.header import FastPathPdu
from pyrdpmux.rdp.fastpath.update import FastPathUpdate, UpdateCode, encode_update
from pyrdpmux.rdp.mcs.domain import SendDataIndication
from pyrdpmux.rdp.nla.ts_request import TSRequest
from pyrdpmux.rdp.pdu.input import KeyboardEvent, KeyboardFlags
from pyrdpmux.rdp.pdu.share import (
    CompressedShareData,
    CompressionFlags,
    PduType2,
    ShareControl,
    ShareData,
    UnknownShareData,
)
from pyrdpmux.rdp.pdu.update import BitmapData, BitmapFlags, BitmapUpdate
from pyrdpmux.rdp.x224.negotiation import FailureCode, NegotiationFailure
from pyrdpmux.rdp.x224.tpdu import ConnectionConfirm, Data
from pyrdpmux.rdp.x224.tpkt import Tpkt
from pyrdpmux.wire import encode
from pyrdpmux.wire.secret import Secret

FOLDER = Path(__file__).resolve().parents[3] / "fixtures" / "pcaps"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"\x01\x02", "<01 02>"),
        (bytes(100), "<100 bytes, crc 9988c6ca>"),
        (KeyboardFlags.RELEASE | KeyboardFlags.EXTENDED, "EXTENDED+RELEASE"),
        (KeyboardFlags(0), "0"),
        (FailureCode(77), "UNKNOWN_0x4d"),
        ((1, "a"), "[1, 'a']"),
        (1 << 64, "<65 bits>"),
        (Secret("mellon"), "***"),
        (KeyboardEvent(KeyboardFlags(0), 30), "KeyboardEvent(flags=0, key_code=30)"),
        (ConnectionConfirm(), "ConnectionConfirm()"),
        (
            ConnectionConfirm(NegotiationFailure(FailureCode.SSL_REQUIRED_BY_SERVER)),
            "ConnectionConfirm(negotiation=NegotiationFailure(failure_code=SSL_REQUIRED_BY_SERVER))",
        ),
    ],
)
def test_descriptions_are_short(value: object, text: str) -> None:
    assert describe(value) == text


def test_credssp_units_are_read() -> None:
    data = encode(TSRequest(6, (b"token",)))
    (layer,) = Dissector().read(Unit(Direction.CLIENT, UnitKind.TS_REQUEST, data)).layers
    assert layer.value == TSRequest(6, (b"token",))
    assert layer.encoded == data
    unit = Dissector().read(Unit(Direction.SERVER, UnitKind.EARLY_USER_AUTH, bytes(4)))
    assert describe(unit.values[0]) == "EarlyUserAuthResult(result=SUCCESS)"


def test_envelopes_are_layers_but_say_nothing() -> None:
    data = encode(Tpkt(encode(ConnectionConfirm())))
    unit = Dissector().read(Unit(Direction.SERVER, UnitKind.X224, data))
    assert [type(layer.value) for layer in unit.layers] == [Tpkt, ConnectionConfirm]
    assert unit.values == (ConnectionConfirm(),)


def test_standard_security_without_the_key_is_said_so(tmp_path: Path) -> None:
    pcap = tmp_path / "locked.pcap"
    pcap.write_bytes((FOLDER / "xfreerdp-shadow-rdp-16.pcap").read_bytes())
    with pytest.raises(CaptureError, match="the server's RSA key is not there"):
        dissect_fixture(pcap)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "modulus zz\n",
        "modulus 10\npublic_exponent 3\n",
        "modulus 0\npublic_exponent 3\nprivate_exponent 3\n",
    ],
)
def test_a_broken_key_file_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.rsakey"
    path.write_text(text, encoding="ascii")
    with pytest.raises(CaptureError, match=r"x\.rsakey: not a key file"):
        load_rsa_key(path)


def test_a_wrong_key_does_not_decrypt(tmp_path: Path) -> None:
    """The signature of the first encrypted PDU tells."""
    pcap = tmp_path / "swapped.pcap"
    pcap.write_bytes((FOLDER / "xfreerdp-shadow-rdp-16.pcap").read_bytes())
    pcap.with_suffix(".rsakey").write_bytes((FOLDER / "xfreerdp-shadow-rdp-24.rsakey").read_bytes())
    with pytest.raises(Exception, match=r"not encrypted with our public key|signature does not match"):
        dissect_fixture(pcap)


def test_send_data_is_an_envelope() -> None:
    unit = dissect_fixture(FOLDER / "xfreerdp-shadow-tls-16.pcap")[-1]
    assert not any(isinstance(value, SendDataIndication) for value in unit.values)


# -- what does not decode ----------------------------------------------------------------------------


def test_a_unit_that_does_not_decode_is_a_stop_and_its_layers_are_kept() -> None:
    garbage = encode(Tpkt(encode(Data(b"\x68\x00\x01\x03\xeb\x70\x03\x00\x00\x01"))))
    good = encode(Tpkt(encode(ConnectionConfirm())))
    units = (
        Unit(Direction.SERVER, UnitKind.X224, good, 1, 1.0),
        Unit(Direction.SERVER, UnitKind.TPKT, garbage, 2, 2.0),
        Unit(Direction.SERVER, UnitKind.X224, good, 3, 3.0),
    )
    session = Session("made up", None, units)
    found, stops = dissect_all(session)
    assert [len(unit.layers) for unit in found] == [2, 3, 2]
    (stop,) = stops
    assert (stop.layer, stop.number, stop.time, stop.direction) == (StopLayer.RDP, 2, 2.0, Direction.SERVER)
    with pytest.raises(DecodeError):
        list(dissect(session))


def test_a_signature_that_does_not_match_costs_the_rest_of_its_direction() -> None:
    pcap = FOLDER / "xfreerdp-shadow-rdp-32.pcap"
    session = open_fixture(pcap)
    at = next(
        at
        for at, unit in enumerate(session.units)
        if unit.kind is UnitKind.FAST_PATH and unit.direction is Direction.CLIENT
    )
    broken = replace(session.units[at], data=session.units[at].data[:-1] + b"\xff")
    units = (*session.units[:at], broken, *session.units[at + 1 :])
    found, stops = dissect_all(replace(session, units=units), load_rsa_key(pcap.with_suffix(".rsakey")))
    (stop,) = stops
    assert (stop.layer, stop.number) == (StopLayer.SECURITY, broken.number)
    later = [unit for unit in found[at + 1 :] if unit.unit.direction is Direction.CLIENT]
    assert any(isinstance(value, Ciphertext) for unit in later for value in unit.values)
    server = [unit for unit in found if unit.unit.direction is Direction.SERVER]
    assert not any(isinstance(value, Ciphertext) for unit in server for value in unit.values)


def fast_path(update: FastPathUpdate) -> Unit:
    return Unit(Direction.SERVER, UnitKind.FAST_PATH, encode(FastPathPdu(encode(update))), 1, 1.0)


def test_compressed_updates_are_decompressed() -> None:
    history = compressor(CompressionType.K64)
    body = encode_update(
        BitmapUpdate((BitmapData(0, 0, 15, 15, 16, 16, 16, BitmapFlags(0), bytes(512)),))
    ).data
    dissector = Dissector()
    for _ in range(3):
        packed = history.compress(body)
        assert packed.flags & PacketFlags.COMPRESSED
        update = FastPathUpdate(UpdateCode.BITMAP, packed.data, compression_flags=packed.flags)
        (value,) = dissector.read(fast_path(update)).values
        assert isinstance(value, BitmapUpdate)
    dissector.read(Unit(Direction.SERVER, UnitKind.GAP, b""))
    packed = history.compress(body)
    update = FastPathUpdate(UpdateCode.BITMAP, packed.data, compression_flags=packed.flags)
    with pytest.raises(DecodeError, match="not known behind what is missing"):
        dissector.read(fast_path(update))


def test_compressed_share_data_is_decompressed() -> None:
    body = b"the same again, " * 6
    packed = compressor(CompressionType.K8).compress(body)
    flags = CompressionFlags(packed.flags)
    data = ShareData(1, CompressedShareData(PduType2(0x7F), packed.data), compressed_type=flags)
    frame = encode(Tpkt(encode(Data(encode(SendDataIndication(1002, 1003, encode(ShareControl(1, data))))))))
    unit = Dissector().read(Unit(Direction.SERVER, UnitKind.TPKT, frame))
    assert unit.values[-1] == UnknownShareData(PduType2(0x7F), body)


TPKT_START = b"\x03\0\0\x30\x02\xf0\x80"


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(Direction),
            st.sampled_from(UnitKind),
            st.sampled_from([b"", TPKT_START, TPKT_START + b"\x64\0\1\3\xeb\x70"]),
            st.binary(max_size=50),
        ),
        max_size=6,
    )
)
def test_garbage_becomes_stops(units: list[tuple[Direction, UnitKind, bytes, bytes]]) -> None:
    made = tuple(Unit(d, kind, start + rest, n, 1.0) for n, (d, kind, start, rest) in enumerate(units, 1))
    found, stops = dissect_all(Session("noise", None, made))
    assert len(found) == len(made)
    assert len(stops) <= len(made)
    for unit in found:
        json.dumps([as_json(layer.value) for layer in unit.layers])
        assert all(describe(value) for value in unit.values)


def test_only_so_many_stops_are_listed() -> None:
    units = tuple(Unit(Direction.CLIENT, UnitKind.TPKT, b"\3", n, 1.0) for n in range(1, 1001))
    _, stops = dissect_all(Session("noise", None, units))
    assert len(stops) == MAXIMUM_STOPS + 1
    assert stops[-1].reason == f"{1000 - MAXIMUM_STOPS} more are not listed"


def test_as_json_has_every_field() -> None:
    assert as_json(KeyboardEvent(KeyboardFlags(0), 30)) == {
        "type": "KeyboardEvent",
        "flags": "0",
        "key_code": 30,
    }
    assert as_json((Secret("mellon"), b"\xab", None, 1.5)) == ["***", "ab", None, 1.5]
