"""TLS key logs in NSS format, as Python's ssl, OpenSSL and browsers write them (RFC 9850)."""

import re
from pathlib import Path
from typing import Final

from pyrdpmux.harness.capture.errors import CaptureError

LINE: Final = re.compile(r"(?P<label>[A-Z0-9_]+) (?P<random>[0-9a-fA-F]{64}) (?P<secret>(?:[0-9a-fA-F]{2})+)")

CLIENT_RANDOM: Final = "CLIENT_RANDOM"
CLIENT_HANDSHAKE: Final = "CLIENT_HANDSHAKE_TRAFFIC_SECRET"
SERVER_HANDSHAKE: Final = "SERVER_HANDSHAKE_TRAFFIC_SECRET"
CLIENT_TRAFFIC: Final = "CLIENT_TRAFFIC_SECRET_0"
SERVER_TRAFFIC: Final = "SERVER_TRAFFIC_SECRET_0"


class KeyLog:
    """Secrets by label and client random."""

    def __init__(self, text: str, name: str = "key log") -> None:
        self.name = name
        self._secrets: dict[tuple[str, bytes], bytes] = {}
        for number, line in enumerate(text.splitlines(), 1):
            line = line.strip()
            if not line or line.startswith("#"):
                continue
            parts = LINE.fullmatch(line)
            if parts is None:
                raise CaptureError(f"{name}: line {number} is not LABEL RANDOM SECRET")
            key = parts["label"], bytes.fromhex(parts["random"])
            self._secrets[key] = bytes.fromhex(parts["secret"])

    @classmethod
    def load(cls, path: Path) -> "KeyLog":
        try:
            return cls(path.read_text(encoding="ascii"), str(path))
        except (OSError, UnicodeDecodeError) as error:
            raise CaptureError(f"{path}: {error}") from None

    def secret(self, label: str, client_random: bytes) -> bytes:
        found = self._secrets.get((label, client_random))
        if found is None:
            raise CaptureError(f"{self.name}: no {label} for client random {client_random.hex()}")
        return found
