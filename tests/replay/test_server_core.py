"""Recorded clients drive our server core to Active, and it hears what they said.

All sessions are replayed from MCS connect on over a connection without security (NLA binds to the recorded
server's key and nonces, which no other server can answer). Those under standard RDP security are replayed
byte for byte as well, encrypted as they were: our server gets the recorded server's key and random.
"""

from collections.abc import Callable
from functools import cache
from itertools import chain
from pathlib import Path

import pytest

from pyrdpmux.harness.capture.fixture import dissect_fixture
from pyrdpmux.harness.capture.layer import ChannelMessage, Dissected
from pyrdpmux.harness.capture.rsa_key import load_rsa_key
from pyrdpmux.harness.capture.stop import Direction
from pyrdpmux.harness.capture.unit import TLS_KINDS, UnitKind
from pyrdpmux.rdp.connection.events import (
    Activated,
    ChannelDataReceived,
    ClientIntroduced,
    Disconnected,
    LoggedOn,
)
from pyrdpmux.rdp.connection.server.config import SecurityPolicy, ServerConfig, StandardSecurityOptions
from pyrdpmux.rdp.mcs.client_data import EncryptionMethod
from pyrdpmux.rdp.mcs.gcc import ConferenceCreateResponse
from pyrdpmux.rdp.mcs.server_data import EncryptionLevel, ServerSecurityData
from pyrdpmux.rdp.pdu.activation import ConfirmActive
from pyrdpmux.rdp.pdu.client_info import ClientInfo
from pyrdpmux.rdp.pdu.input import InputEvent, InputEvents, SynchronizeEvent, ToggleFlags
from pyrdpmux.rdp.pdu.share import ShareControl, ShareData
from tests.pair.linked import rdp_policy, server_config
from tests.replay.replayed import Replay, original_frames, plain_frames, replay

FOLDER = Path(__file__).resolve().parents[2] / "fixtures" / "pcaps"
RESIZED = FOLDER / "xfreerdp-pyrdpmux-tls-16-resize.pcap"
PCAPS = sorted(set(FOLDER.glob("*.pcap")) - {RESIZED})
#: xrdp asks for a license; xfreerdp's answer is encrypted and cannot be left out of a cipher stream.
ENCRYPTED = [p for p in PCAPS if p.with_suffix(".rsakey").exists() and "xfreerdp-xrdp" not in p.stem]


@cache
def dissected(pcap: Path) -> list[Dissected]:
    return dissect_fixture(pcap)


def said(units: list[Dissected]) -> list[object]:
    """What the client said, envelopes off."""
    values = chain.from_iterable(unit.values for unit in units if unit.unit.direction is Direction.CLIENT)
    return [
        value.body.body if isinstance(value, ShareControl) and isinstance(value.body, ShareData) else value
        for value in values
    ]


def said_inputs(units: list[Dissected]) -> list[InputEvent]:
    """Every input event, fast path and slow path alike."""
    found: list[InputEvent] = []
    for value in said(units):
        if isinstance(value, tuple):
            found += value
        elif isinstance(value, InputEvents):
            found += value.events
    return found


def said_messages(units: list[Dissected]) -> list[bytes]:
    """Whole messages on static virtual channels."""
    layers = chain.from_iterable(unit.layers for unit in units if unit.unit.direction is Direction.CLIENT)
    return [layer.value.data for layer in layers if isinstance(layer.value, ChannelMessage)]


def plain_config() -> ServerConfig:
    return server_config(rdp_policy(level=EncryptionLevel.NONE), width=640, height=480)


def check(run: Replay, units: list[Dissected]) -> None:
    """The server was led to Active and heard everything."""
    assert run.of(Activated), f"{run.server!r}: {run.events[-1:]}"
    (activated,) = run.of(Activated)
    assert (activated.width, activated.height) == (640, 480)
    (introduced,) = run.of(ClientIntroduced)
    assert introduced.client_name == "vm"
    (logged_on,) = run.of(LoggedOn)
    (info,) = [value for value in said(units) if isinstance(value, ClientInfo)]
    assert logged_on == LoggedOn(info.user_name, info.domain, is_authenticated=False, is_reconnect=False)
    inputs = said_inputs(units)
    # rdesktop synchronizes its lock keys before it is Active, when there is nobody to hear it.
    early = inputs[: len(inputs) - len(run.inputs)]
    assert early in ([], [SynchronizeEvent(ToggleFlags(0))])
    assert run.inputs == inputs[len(early) :]
    assert len(run.inputs) > 30
    assert [event.data for event in run.of(ChannelDataReceived)] == said_messages(units)
    (end,) = run.of(Disconnected)
    assert end.error is None, str(end.error)
    assert end.by_peer


@pytest.mark.parametrize("pcap", PCAPS, ids=lambda path: path.stem)
def test_a_recorded_client_reaches_active(pcap: Path) -> None:
    units = dissected(pcap)
    check(replay(plain_config(), plain_frames(units)), units)


def test_a_recorded_client_follows_a_resize() -> None:
    """The server changes its size where the recorded one did: before the client's second Confirm Active."""
    units = dissected(RESIZED)
    confirms = [
        number
        for number, frame in enumerate(client_units(units))
        if any(isinstance(v, ShareControl) and isinstance(v.body, ConfirmActive) for v in frame.values)
    ]
    assert len(confirms) == 2
    run = replay(plain_config(), plain_frames(units), resize_before=confirms[1])
    first, second = run.of(Activated)
    assert not first.is_reactivation
    assert second.is_reactivation
    assert (second.width, second.height) == (800, 600)
    (end,) = run.of(Disconnected)
    assert end.error is None, str(end.error)
    # What was typed between the two pictures is for neither.
    inputs = iter(said_inputs(units))
    assert all(event in inputs for event in run.inputs)
    assert len(run.inputs) > 30


def client_units(units: list[Dissected]) -> list[Dissected]:
    """Those that become a frame of the replay, after its own first one."""
    client = [unit for unit in units if unit.unit.direction is Direction.CLIENT]
    return [unit for unit in client if unit.unit.kind not in (UnitKind.TS_REQUEST, *TLS_KINDS)]


@pytest.mark.parametrize("chunk_size", [1, 7, 1460])
def test_chunks_do_not_matter(chunk_size: int) -> None:
    units = dissected(FOLDER / "xfreerdp-shadow-tls-32.pcap")
    frames = plain_frames(units)
    whole, cut = (replay(plain_config(), frames, size) for size in (0, chunk_size))
    assert cut.events == whole.events
    assert cut.sent == whole.sent


def recorded_security(units: list[Dissected]) -> ServerSecurityData:
    for unit in units:
        for value in unit.values:
            if isinstance(value, ConferenceCreateResponse):
                block = value.first(ServerSecurityData)
                assert block is not None
                return block
    raise AssertionError("no server security data")


def entropy_of(random: bytes) -> Callable[[int], bytes]:
    """The recorded server's random first; afterwards nothing that matters."""
    draws = iter([random])
    return lambda size: next(draws, bytes(size))


def encrypted_config(pcap: Path, units: list[Dissected]) -> ServerConfig:
    block = recorded_security(units)
    method = block.encryption_method
    level = EncryptionLevel.FIPS if method == EncryptionMethod.FIPS else EncryptionLevel.CLIENT_COMPATIBLE
    options = StandardSecurityOptions(
        key=load_rsa_key(pcap.with_suffix(".rsakey")), level=level, methods=EncryptionMethod(method)
    )
    assert block.server_random is not None
    policy = SecurityPolicy(standard=options)
    return server_config(policy, width=640, height=480, entropy=entropy_of(block.server_random))


@pytest.mark.parametrize("pcap", ENCRYPTED, ids=lambda path: path.stem)
def test_a_recorded_client_reaches_active_encrypted(pcap: Path) -> None:
    units = dissected(pcap)
    check(replay(encrypted_config(pcap, units), original_frames(units)), units)
