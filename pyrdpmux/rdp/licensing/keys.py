"""The keys of one licensing exchange, and what they protect (MS-RDPELE 5.1)."""

import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Final, Self

from pyrdpmux.errors import DecodeError
from pyrdpmux.rdp.crypto.rc4 import rc4
from pyrdpmux.wire import Writer

PRE_MASTER_SECRET_SIZE: Final = 48
KEY_SIZE: Final = 16

_LABELS: Final = (b"A", b"BB", b"CCC")
_PAD1: Final = b"\x36" * 40
_PAD2: Final = b"\x5c" * 48


def _md5(*parts: bytes) -> bytes:
    return hashlib.md5(b"".join(parts), usedforsecurity=False).digest()


def _sha1(*parts: bytes) -> bytes:
    return hashlib.sha1(b"".join(parts), usedforsecurity=False).digest()


def _expanded(secret: bytes, first: bytes, second: bytes) -> bytes:
    """5.1.2 SaltedHash, once for each label: 48 bytes."""
    return b"".join([_md5(secret, _sha1(label, secret, first, second)) for label in _LABELS])


def master_secret(pre_master_secret: bytes, client_random: bytes, server_random: bytes) -> bytes:
    """5.1.2 MasterSecret."""
    return _expanded(pre_master_secret, client_random, server_random)


def session_key_blob(master: bytes, client_random: bytes, server_random: bytes) -> bytes:
    """5.1.2 SessionKeyBlob: here the server's random comes first."""
    return _expanded(master, server_random, client_random)


@dataclass(frozen=True, slots=True)
class LicensingKeys:
    """MS-RDPELE 5.1.2: for the whole exchange, whatever security the connection itself has."""

    mac_salt_key: bytes = field(repr=False)
    encryption_key: bytes = field(repr=False)

    @classmethod
    def derive(cls, pre_master_secret: bytes, client_random: bytes, server_random: bytes) -> Self:
        master = master_secret(pre_master_secret, client_random, server_random)
        blob = session_key_blob(master, client_random, server_random)
        return cls(blob[:KEY_SIZE], _md5(blob[KEY_SIZE : 2 * KEY_SIZE], client_random, server_random))

    def encrypt(self, data: bytes) -> bytes:
        """5.1.3: each field has the key stream from its beginning, as the two of the example in 4.5."""
        return rc4(self.encryption_key).update(data)

    def decrypt(self, data: bytes) -> bytes:
        """5.1.4."""
        return self.encrypt(data)

    def mac(self, *parts: bytes) -> bytes:
        """5.1.5, over the plain ``parts`` one behind the other."""
        data = b"".join(parts)
        w = Writer("MACData")
        w.u32_le("data-length", len(data))
        return _md5(self.mac_salt_key, _PAD2, _sha1(self.mac_salt_key, _PAD1, w.getvalue(), data))

    def check_mac(self, message: str, received: bytes, *parts: bytes) -> None:
        """3.1.5.1. Raises InvalidMac, which names ``message``."""
        if not hmac.compare_digest(self.mac(*parts), received):
            raise InvalidMac(f"{message}.MACData", "does not match the decrypted data", 0)


class InvalidMac(DecodeError):
    """MS-RDPELE 3.3.5.9: what was decrypted is not what was sent."""
