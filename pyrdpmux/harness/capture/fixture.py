"""A recorded session with the files beside it: NAME.pcap, NAME.keys or NAME.rsakey, NAME.expected.txt."""

from pathlib import Path

from pyrdpmux.harness.capture.describe import describe
from pyrdpmux.harness.capture.dissect import dissect
from pyrdpmux.harness.capture.layer import Dissected
from pyrdpmux.harness.capture.rsa_key import load_rsa_key
from pyrdpmux.harness.capture.session import Session, open_session
from pyrdpmux.harness.capture.unit import TLS_KINDS


def open_fixture(pcap: Path) -> Session:
    """The session, out of TLS if there is a key log beside the capture."""
    keys = pcap.with_suffix(".keys")
    return open_session(pcap, keys if keys.exists() else None)


def dissect_fixture(pcap: Path) -> list[Dissected]:
    """Every unit of the session with its layers."""
    rsa_key = pcap.with_suffix(".rsakey")
    return list(dissect(open_fixture(pcap), load_rsa_key(rsa_key) if rsa_key.exists() else None))


def transcript(dissected: list[Dissected]) -> str:
    """One line for each message of RDP: > from the client, < from the server."""
    return "".join(
        f"{unit.unit.direction.value} {describe(value)}\n"
        for unit in dissected
        for value in unit.values
        if unit.unit.kind not in TLS_KINDS
    )


def expected_path(pcap: Path) -> Path:
    return pcap.with_suffix(".expected.txt")
