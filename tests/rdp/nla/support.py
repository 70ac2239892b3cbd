"""What several tests here need: fixed time and entropy, recorded units, annotated messages."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from pyrdpmux.rdp.crypto.md4 import nt_hash
from pyrdpmux.rdp.nla.accounts import Accounts
from pyrdpmux.rdp.nla.ntlm import OFFERED_FLAGS, NtlmClient, NtlmServer, ServerNames
from pyrdpmux.rdp.nla.ntlm_messages import NegotiateFlags

VECTORS = Path(__file__).resolve().parents[4] / "shared" / "vectors"
NOW = 0x01DA0000_00000000
NAMES = ServerNames("CONSOLE", "WORKGROUP", "console.example", "example")
ACCOUNTS = Accounts().with_password("alice", "", "Pa\u00dfword")
PASSWORD = "Pa\u00dfword"


def counting_entropy() -> Callable[[int], bytes]:
    """Different bytes on each call, the same in each run."""
    calls = 0

    def entropy(size: int) -> bytes:
        nonlocal calls
        calls += 1
        return bytes([(calls * 37 + i) & 0xFF for i in range(size)])

    return entropy


def ntlm_server(channel_bindings: bytes | None = None) -> NtlmServer:
    return NtlmServer(NAMES, ACCOUNTS, NOW, counting_entropy(), channel_bindings)


def ntlm_client(
    password: str = PASSWORD,
    user: str = "alice",
    domain: str = "CONSOLE",
    *,
    channel_bindings: bytes = bytes(16),
    without: int = 0,
) -> NtlmClient:
    flags = NegotiateFlags(OFFERED_FLAGS & (without ^ 0xFFFFFFFF))
    return NtlmClient(
        user,
        domain,
        nt_hash(password),
        NOW,
        counting_entropy(),
        workstation="VIEWER",
        target_name="TERMSRV/console",
        channel_bindings=channel_bindings,
        flags=flags,
    )


def recorded_units(kind: str) -> list[tuple[str, bytes]]:
    """(name, bytes) of every recorded mstsc unit of a kind; skips where the vectors are absent."""
    folder = VECTORS / "mstsc"
    if not folder.is_dir():
        pytest.skip(f"{folder} is absent")
    units = []
    for path in sorted(folder.glob("*.jsonl")):
        for line in path.read_text().splitlines():
            unit = json.loads(line)
            if unit["kind"] == kind:
                units.append((f"{path.stem} #{unit['i']} {unit['dir']}", bytes.fromhex(unit["hex"])))
    return units
