"""Captures of others, opened as they were recorded: mstsc with Windows Server 2016, and Zeek's.

They are data only and lie beside the project, not in it: see INDEX.md there.
"""

from collections import Counter
from pathlib import Path

import pytest

from pyrdpmux.harness.capture import Connection, DynamicChannelMessage, StopLayer, open_capture
from pyrdpmux.rdp.channels.graphics.capabilities import CapsAdvertise
from pyrdpmux.rdp.channels.graphics.pdu import GRAPHICS_TYPES, UnknownGraphics
from pyrdpmux.rdp.x224.negotiation import SecurityProtocol

VECTORS = Path("/work/shared/vectors")

pytestmark = pytest.mark.skipif(not VECTORS.exists(), reason=f"{VECTORS} is absent: captures of others")

DOMAIN = "mstsc/Example_1_Win10_X64_WS2016_X64_Domain"
WORKGROUP = "mstsc/Example_1_Win2016RS1_x64_Win10RS4_x64"
CLIPBOARD = "mstsc/Example_4_Win10RS3_x64_WS2016RS1_X64_Domain"


def rdp(name: str) -> tuple[Connection, ...]:
    capture = open_capture(VECTORS / f"{name}.pcap")
    assert capture.stops == ()
    return capture.rdp


def kinds(connection: Connection) -> dict[str, int]:
    return dict(Counter(unit.unit.kind.value for unit in connection.units))


def layers(connection: Connection) -> Counter[str]:
    return Counter(type(layer.value).__name__ for unit in connection.units for layer in unit.layers)


@pytest.mark.parametrize(
    ("name", "ciphertexts"), [(DOMAIN, 557), (WORKGROUP, 47), (CLIPBOARD, 299)], ids=lambda value: str(value)
)
def test_mstsc_as_it_was_encrypted(name: str, ciphertexts: int) -> None:
    """No key is there: X.224, the hellos and the certificate are read, and every record is counted."""
    (connection,) = rdp(f"{name}.encrypted")
    assert connection.protocol == SecurityProtocol.HYBRID_EX
    assert kinds(connection) == {"x224": 2, "tls": 5, "cipher": ciphertexts}
    found = layers(connection)
    assert found["ClientHello"] == found["ServerHello"] == found["CertificateMessage"] == 1
    assert connection.stops[0].reason == "no keys are there for what is encrypted"
    assert all(stop.layer in (StopLayer.TCP, StopLayer.TLS) for stop in connection.stops)
    assert len(connection.stops) > 50 if name == CLIPBOARD else len(connection.stops) == 1


@pytest.mark.parametrize(
    ("name", "units", "expected"),
    [
        (
            DOMAIN,
            488,
            {
                "ChannelPdu": 220,
                "ChannelMessage": 220,
                "CreateRequest": 14,
                "CreateResponse": 14,
                "DynamicChannelMessage": 61,
                "CapsAdvertise": 1,
                "CapsConfirm": 1,
                "ResetGraphics": 1,
                "WireToSurface1": 6,
                "CacheToSurface": 576,
                "FrameAcknowledge": 12,
                "ShareControl": 16,
                "Heartbeat": 9,
                "RttMeasureRequest": 68,
                "LicensingPdu": 3,
                "ConferenceCreateResponse": 1,
                "ClientInfo": 1,
            },
        ),
        (
            WORKGROUP,
            39,
            {"ShareControl": 11, "ChannelMessage": 2, "CreateRequest": 1, "LicensingPdu": 3, "ClientInfo": 1},
        ),
        (
            CLIPBOARD,
            292,
            {"ShareControl": 22, "ChannelMessage": 73, "LicensingPdu": 5, "Heartbeat": 13, "ClientInfo": 1},
        ),
    ],
    ids=[DOMAIN, WORKGROUP, CLIPBOARD],
)
def test_mstsc_as_it_was_exported(name: str, units: int, expected: dict[str, int]) -> None:
    (connection,) = rdp(f"{name}.exported")
    assert connection.protocol == SecurityProtocol.HYBRID_EX
    assert len(connection.units) == units
    found = layers(connection)
    assert {kind: found[kind] for kind in expected} == expected


def test_the_dynamic_channels_of_mstsc() -> None:
    (connection,) = rdp(f"{DOMAIN}.exported")
    values = [layer.value for unit in connection.units for layer in unit.layers]
    messages = Counter(value.channel for value in values if isinstance(value, DynamicChannelMessage))
    assert set(messages) == {
        "Microsoft::Windows::RDS::Graphics",
        "XPSRD",
        "Microsoft::Windows::RDS::DisplayControl",
    }
    # Message Analyzer exported some blocks in another order than they were sent in.
    assert {stop.layer for stop in connection.stops} == {StopLayer.CHANNEL}


def test_the_graphics_of_mstsc() -> None:
    """Every message is one of those that we know, and is written as it was read."""
    (connection,) = rdp(f"{DOMAIN}.exported")
    known = tuple(GRAPHICS_TYPES.values())
    layers = [layer for unit in connection.units for layer in unit.layers if isinstance(layer.value, known)]
    assert len(layers) == 631
    assert not any(
        isinstance(layer.value, UnknownGraphics) for unit in connection.units for layer in unit.layers
    )
    assert [layer.value for layer in layers if layer.encoded != layer.data] == []
    (advertised,) = [layer.value for layer in layers if isinstance(layer.value, CapsAdvertise)]
    versions = [item.version.name for item in advertised.sets]
    assert versions == ["VERSION_10_2", "VERSION_10", "VERSION_8_1", "VERSION_8"]
    assert all(item.is_known for item in advertised.sets)


def test_zeek_nla() -> None:
    first, second = rdp("zeek/nla_win7_win2k8r2")
    assert kinds(first) == {"x224": 2, "tls": 5, "cipher": 6}
    assert kinds(second) == {"x224": 2, "tls": 5, "cipher": 442}


def test_zeek_standard_security_under_unknown_keys() -> None:
    """The first connection ends with a negotiation failure."""
    refused, connection = rdp("zeek/rdp-proprietary-encryption")
    assert kinds(refused) == {"x224": 2}
    assert kinds(connection) == {"x224": 2, "tpkt": 72, "fp": 243}
    found = layers(connection)
    assert found["Ciphertext"] == 296
    assert found["NonFipsSecurityHeader"] == 53
    assert found["SendDataRequest"] + found["SendDataIndication"] == 54
    (stop,) = connection.stops
    assert (stop.layer, stop.number) == (StopLayer.SECURITY, 32)


def test_zeek_certificate() -> None:
    (connection,) = rdp("zeek/rdp-x509")
    assert kinds(connection) == {"x224": 2, "tpkt": 2}
    assert layers(connection)["ServerCertificate"] == 1
    assert connection.stops == ()


def test_zeek_invalid_length() -> None:
    """Nothing behind X.224 is right; what is wrong is said, and nothing raises."""
    (connection,) = rdp("zeek/rdp-invalid-length")
    assert connection.protocol is not None
    assert {stop.layer for stop in connection.stops} == {StopLayer.FRAMING, StopLayer.RDP}
    assert connection.stops[-1].reason == "437 bytes passed over: bytes that are no frame"
