"""The dissector beyond what the recorded sessions show (tests/replay): its refusals and its text."""

from pathlib import Path

import pytest

from pyrdpmux.harness.capture.describe import describe
from pyrdpmux.harness.capture.dissect import Dissector
from pyrdpmux.harness.capture.errors import CaptureError
from pyrdpmux.harness.capture.fixture import dissect_fixture
from pyrdpmux.harness.capture.rsa_key import load_rsa_key
from pyrdpmux.harness.capture.stop import Direction
from pyrdpmux.harness.capture.unit import Unit, UnitKind
from pyrdpmux.rdp.mcs.domain import SendDataIndication
from pyrdpmux.rdp.nla.ts_request import TSRequest
from pyrdpmux.rdp.pdu.input import KeyboardEvent, KeyboardFlags
from pyrdpmux.rdp.x224.negotiation import FailureCode, NegotiationFailure
from pyrdpmux.rdp.x224.tpdu import ConnectionConfirm
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


@pytest.mark.parametrize("text", ["", "modulus zz\n", "modulus 10\npublic_exponent 3\n"])
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
