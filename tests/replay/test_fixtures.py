"""Every recorded session decodes end to end by our own code, to the text beside it, and encodes back.

The transcripts were written by ``scripts/capture-sessions`` and read by a person; the captures' other
witness is tshark, see fixtures/pcaps/README.md.
"""

from functools import cache
from pathlib import Path

import pytest

from pyrdpmux.harness.capture.fixture import dissect_fixture, expected_path, transcript
from pyrdpmux.harness.capture.layer import Dissected, Layer
from pyrdpmux.rdp.fastpath.update import decode_update, encode_update
from pyrdpmux.rdp.mcs.domain import ErectDomainRequest
from pyrdpmux.rdp.mcs.gcc import ConferenceCreateResponse
from pyrdpmux.rdp.pdu.activation import ConfirmActive, DemandActive
from pyrdpmux.rdp.pdu.pointer import NewPointer, PointerUpdate
from pyrdpmux.rdp.pdu.share import ShareControl, ShareData, ShareSequence
from pyrdpmux.wire import decode, encode

FOLDER = Path(__file__).resolve().parents[2] / "fixtures" / "pcaps"
PCAPS = sorted(FOLDER.glob("*.pcap"))

each_capture = pytest.mark.parametrize("pcap", PCAPS, ids=lambda path: path.stem)


@cache
def dissected(pcap: Path) -> list[Dissected]:
    return dissect_fixture(pcap)


def allowed_difference(layer: Layer) -> str | None:
    """Why this layer may be written in other bytes than it was read from; None if it may not."""
    match layer.value:
        case ErectDomainRequest():
            return "rdesktop writes its two integers in the other order of length and value"
        case ConferenceCreateResponse():
            return "xrdp writes a PER length below 128 in two bytes"
        case NewPointer():
            return "the pad byte behind a pointer's masks"
        case ShareSequence(pdus=(ShareControl(body=ConfirmActive() | DemandActive()),)):
            return "pad fields of capability sets, which xrdp and FreeRDP fill"
        case ShareSequence(pdus=(ShareControl(body=ShareData(body=PointerUpdate())),)):
            return "the pad byte behind a pointer's masks"
        case _:
            return None


def written_again(layer: Layer) -> object:
    """The value that the layer's new bytes decode to."""
    if isinstance(layer.value, NewPointer):
        return decode_update(encode_update(layer.value))
    kind: type = type(layer.value)
    value: object = decode(kind, layer.encoded)
    return value


def test_the_captures_are_there() -> None:
    names = {pcap.stem for pcap in PCAPS}
    for security in ("tls", "nla", "rdp"):
        for depth in (32, 24, 16):
            assert f"xfreerdp-shadow-{security}-{depth}" in names
            if security != "nla":
                assert f"xfreerdp-xrdp-{security}-{depth}" in names


@each_capture
def test_decodes_to_the_expected_text(pcap: Path) -> None:
    assert transcript(dissected(pcap)) == expected_path(pcap).read_text(encoding="utf-8")


@each_capture
def test_encodes_back_to_the_captured_bytes(pcap: Path) -> None:
    for unit in dissected(pcap):
        for layer in unit.layers:
            if layer.encoded == layer.data:
                continue
            reason = allowed_difference(layer)
            assert reason is not None, (
                f"packet {unit.unit.number}: {type(layer.value).__name__} was {layer.data.hex()}, "
                f"written as {layer.encoded.hex()}"
            )
            assert abs(len(layer.data) - len(layer.encoded)) <= 1
            assert written_again(layer) == layer.value


@each_capture
def test_every_unit_of_both_sides_says_something(pcap: Path) -> None:
    units = dissected(pcap)
    assert {unit.unit.direction.value for unit in units} == {">", "<"}
    assert all(unit.values for unit in units)
    assert len(units) > 60, "a session with a play of keys and mouse has more"


def test_the_differences_are_the_known_ones() -> None:
    """An allowance that nothing needs any more is to be removed."""
    used = {
        allowed_difference(layer)
        for pcap in PCAPS
        for unit in dissected(pcap)
        for layer in unit.layers
        if layer.encoded != layer.data
    }
    assert len(used) == 4


def test_encode_is_what_the_layers_use() -> None:
    """The outermost layer of a TPKT unit is the unit itself."""
    unit = dissected(PCAPS[0])[0]
    assert unit.layers[0].data == unit.unit.data
    first = unit.layers[0].value
    assert encode(first) == unit.unit.data  # type: ignore[arg-type]  # a Tpkt
