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


#: Where a hello is missing, whose secrets these are is found by trying.
MAXIMUM_CANDIDATES: Final = 8
#: Longer files are no key log of a capture.
MAXIMUM_SIZE: Final = 64 * 1024 * 1024


class KeyLog:
    """Secrets by label and client random."""

    def __init__(self, text: str = "", name: str = "key log") -> None:
        self.name = name
        self._secrets: dict[tuple[str, bytes], bytes] = {}
        self.add(text, name)

    def __bool__(self) -> bool:
        return bool(self._secrets)

    def add(self, text: str, name: str) -> None:
        """More lines; CaptureError names one that is none, and what is before it counts."""
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
        return cls(read_key_file(path), str(path))

    def secrets(self, label: str) -> list[bytes]:
        """All of a kind, the latest of MAXIMUM_CANDIDATES connections."""
        found = [secret for (kind, _), secret in self._secrets.items() if kind == label]
        return found[-MAXIMUM_CANDIDATES:]

    def secret(self, label: str, client_random: bytes) -> bytes:
        found = self._secrets.get((label, client_random))
        if found is None:
            raise CaptureError(f"{self.name}: no {label} for client random {client_random.hex()}")
        return found


def read_key_file(path: Path) -> str:
    """The text of a file of keys. CaptureError if it is none."""
    try:
        with path.open(encoding="ascii") as file:
            text = file.read(MAXIMUM_SIZE + 1)
    except (OSError, UnicodeDecodeError) as error:
        raise CaptureError(f"{path}: {error}") from None
    if len(text) > MAXIMUM_SIZE:
        raise CaptureError(f"{path}: more than {MAXIMUM_SIZE} bytes")
    return text
