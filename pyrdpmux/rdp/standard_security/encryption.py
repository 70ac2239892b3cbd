"""Standard RDP security (MS-RDPBCGR 5.3): keys from two randoms, RC4 or triple DES, and signatures.

The security headers around what is made here are `rdp.pdu.security`'s and `rdp.fastpath.header`'s. Broken
by the standards of today, and off by default: for legacy clients, and as a test peer.
"""

import hashlib
import hmac
from typing import Final, Protocol, Self

from cryptography.hazmat.primitives.ciphers import Cipher, modes

from pyrdpmux.errors import DecodeError, StateError
from pyrdpmux.rdp.crypto.rc4 import StreamCipher, rc4
from pyrdpmux.rdp.mcs.client_data import EncryptionMethod
from pyrdpmux.rdp.mcs.server_data import EncryptionLevel
from pyrdpmux.wire import Payload, Writer, frame_offset

try:
    from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
except ImportError:  # cryptography before 43
    from cryptography.hazmat.primitives.ciphers.algorithms import TripleDES

__all__ = ["EncryptionLevel", "EncryptionMethod", "StandardSecurity", "security_verifier"]

CLIENT_RANDOM_SIZE: Final = 32
SERVER_RANDOM_SIZE: Final = 32
SIGNATURE_SIZE: Final = 8
FIPS_BLOCK_SIZE: Final = 8
#: from padlen, behind which is the signature, to the encrypted data
PADLEN_TO_DATA: Final = 1 + SIGNATURE_SIZE
#: 5.3.7.1: packets per key and direction.
PACKETS_PER_KEY: Final = 4096

_PAD1: Final = b"\x36" * 40
_PAD2: Final = b"\x5c" * 48
_FIPS_IV: Final = bytes.fromhex("1234567890abcdef")
#: 5.3.5.1 Table 1: what replaces the first bytes of a 64-bit key.
_SALTS: Final = {
    EncryptionMethod.BITS_40: bytes.fromhex("d1269e"),
    EncryptionMethod.BITS_56: bytes.fromhex("d1"),
    EncryptionMethod.BITS_128: b"",
}
_DESCRIPTIONS: Final = {
    EncryptionMethod.BITS_40: "RC4 with 40 bits",
    EncryptionMethod.BITS_56: "RC4 with 56 bits",
    EncryptionMethod.BITS_128: "RC4 with 128 bits",
    EncryptionMethod.FIPS: "triple DES (FIPS)",
}


def _md5(*parts: bytes) -> bytes:
    return hashlib.md5(b"".join(parts), usedforsecurity=False).digest()


def _sha1(*parts: bytes) -> bytes:
    return hashlib.sha1(b"".join(parts), usedforsecurity=False).digest()


def _u32(value: int) -> bytes:
    w = Writer("count")
    w.u32_le("count", value & 0xFFFFFFFF)
    return w.getvalue()


def security_verifier(random_bits: bytes, client_random: bytes) -> bytes:
    """MS-RDPBCGR 5.5: what an auto-reconnecting client proves its cookie by; zeros as random under TLS."""
    return hmac.digest(random_bits, client_random, "md5")


def session_keys(client_random: bytes, server_random: bytes) -> tuple[bytes, bytes, bytes]:
    """5.3.5.1: the 128-bit keys for MACs, for the server's output and for the client's."""

    def salted_hash(secret: bytes, salt: bytes) -> bytes:
        return _md5(secret, _sha1(salt, secret, client_random, server_random))

    pre_master = client_random[:24] + server_random[:24]
    master = b"".join([salted_hash(pre_master, salt) for salt in (b"A", b"BB", b"CCC")])
    blob = b"".join([salted_hash(master, salt) for salt in (b"X", b"YY", b"ZZZ")])
    to_client = _md5(blob[16:32], client_random, server_random)
    to_server = _md5(blob[32:48], client_random, server_random)
    return blob[:16], to_client, to_server


def reduce_key(key: bytes, method: EncryptionMethod) -> bytes:
    """5.3.5.1: a 128-bit key as it is, or the 64-bit one with 40 or 56 bits of secret."""
    salt = _SALTS[method]
    return salt + key[len(salt) : 8] if salt else key


def update_key(initial: bytes, current: bytes, method: EncryptionMethod) -> bytes:
    """5.3.7.1: the next key, from the first and the present one."""
    size = len(initial)
    temporary = _md5(initial, _PAD2, _sha1(initial, _PAD1, current))[:size]
    return reduce_key(rc4(temporary).update(temporary), method)


def expand_fips_key(key: bytes) -> bytes:
    """5.3.5.2: 168 key bits as the 192 of triple DES, each byte with odd parity."""
    bits = "".join([f"{byte:08b}"[::-1] for byte in key])
    groups = [bits[at : at + 7][::-1] for at in range(0, len(bits), 7)]
    values = [int(group, 2) for group in groups]
    return bytes([value if value.bit_count() % 2 else value ^ 1 for value in values])


def fips_keys(client_random: bytes, server_random: bytes) -> tuple[bytes, bytes, bytes]:
    """5.3.5.2: the HMAC key, and the triple DES keys of the server's output and of the client's."""
    to_server = _sha1(client_random[-16:], server_random[-16:])
    to_client = _sha1(client_random[:16], server_random[:16])
    mac_key = _sha1(to_client, to_server)
    return mac_key, expand_fips_key(to_client + to_client[:1]), expand_fips_key(to_server + to_server[:1])


class _Direction(Protocol):
    """What one side sends: encrypted or decrypted packet by packet."""

    def encrypt(self, data: bytes, salted: bool) -> tuple[bytes, bytes]: ...

    def decrypt(self, data: bytes, salted: bool, pad_size: int) -> tuple[bytes, bytes]:
        """The plain text and the signature that it should have."""
        ...


class _Rc4Direction:
    """5.3.6.1; the key is updated, the count for salted signatures goes on."""

    def __init__(self, key: bytes, mac_key: bytes, method: EncryptionMethod) -> None:
        self._method = method
        self._mac_key = mac_key
        self._initial = self._current = key
        self._cipher: StreamCipher = rc4(key)
        self._count = 0

    def _next(self, data: bytes) -> bytes:
        if self._count and self._count % PACKETS_PER_KEY == 0:
            self._current = update_key(self._initial, self._current, self._method)
            self._cipher = rc4(self._current)
        return self._cipher.update(data)

    def _signature(self, data: bytes, salted: bool) -> bytes:
        count = _u32(self._count) if salted else b""
        inner = _sha1(self._mac_key, _PAD1, _u32(len(data)), data, count)
        return _md5(self._mac_key, _PAD2, inner)[:SIGNATURE_SIZE]

    def encrypt(self, data: bytes, salted: bool) -> tuple[bytes, bytes]:
        signature, cipher = self._signature(data, salted), self._next(data)
        self._count += 1
        return signature, cipher

    def decrypt(self, data: bytes, salted: bool, pad_size: int) -> tuple[bytes, bytes]:
        plain = self._next(data)
        signature = self._signature(plain, salted)
        self._count += 1
        return plain, signature


class _FipsDirection:
    """The signature covers the data without its padding; the cipher block chain goes on over packets."""

    def __init__(self, key: bytes, mac_key: bytes) -> None:
        cipher = Cipher(TripleDES(key), modes.CBC(_FIPS_IV))
        self._encryptor = cipher.encryptor()
        self._decryptor = cipher.decryptor()
        self._mac_key = mac_key
        self._count = 0

    def _signature(self, data: bytes) -> bytes:
        return hmac.digest(self._mac_key, data + _u32(self._count), "sha1")[:SIGNATURE_SIZE]

    def encrypt(self, data: bytes, salted: bool) -> tuple[bytes, bytes]:
        signature = self._signature(data)
        self._count += 1
        return signature, self._encryptor.update(data + bytes(-len(data) % FIPS_BLOCK_SIZE))

    def decrypt(self, data: bytes, salted: bool, pad_size: int) -> tuple[bytes, bytes]:
        if len(data) % FIPS_BLOCK_SIZE or pad_size >= FIPS_BLOCK_SIZE or pad_size > len(data):
            reason = f"{pad_size} bytes of padding in {len(data)} bytes"
            at = frame_offset(data, PADLEN_TO_DATA) - PADLEN_TO_DATA
            raise DecodeError("FipsSecurityHeader.padlen", reason, at)
        plain = self._decryptor.update(data)[: len(data) - pad_size]
        signature = self._signature(plain)
        self._count += 1
        return plain, signature


class StandardSecurity:
    """One side's view of both directions.

    ``salts_output`` is switched on when both sides have said that they can (5.3.6.1.1).
    """

    def __init__(self, method: EncryptionMethod, output: _Direction, input_: _Direction) -> None:
        self._method = method
        self._output = output
        self._input = input_
        self.salts_output = False

    @classmethod
    def for_server(cls, client_random: bytes, server_random: bytes, method: EncryptionMethod) -> Self:
        to_client, to_server = _directions(client_random, server_random, method)
        return cls(method, to_client, to_server)

    @classmethod
    def for_client(cls, client_random: bytes, server_random: bytes, method: EncryptionMethod) -> Self:
        to_client, to_server = _directions(client_random, server_random, method)
        return cls(method, to_server, to_client)

    @property
    def is_fips(self) -> bool:
        return self._method == EncryptionMethod.FIPS

    @property
    def description(self) -> str:
        """For logs."""
        return _DESCRIPTIONS[self._method]

    def __repr__(self) -> str:
        return f"<StandardSecurity {self.description}>"

    def encrypt(self, data: bytes) -> tuple[bytes, bytes]:
        """The signature and the encrypted packet (under FIPS padded to full blocks)."""
        return self._output.encrypt(data, self.salts_output)

    def decrypt(self, data: bytes, signature: bytes, *, is_salted: bool = False, pad_size: int = 0) -> bytes:
        """The plain text of a packet, which stands where the packet does in its frame.

        Raises DecodeError if it was not signed with our keys.
        """
        plain, expected = self._input.decrypt(data, is_salted, pad_size)
        if not hmac.compare_digest(expected, signature):
            at = frame_offset(data, SIGNATURE_SIZE) - SIGNATURE_SIZE
            raise DecodeError("SecurityHeader.dataSignature", "the signature does not match the data", at)
        return Payload.at(frame_offset(data), plain)


def _directions(
    client_random: bytes, server_random: bytes, method: EncryptionMethod
) -> tuple[_Direction, _Direction]:
    """What the server sends and what the client sends."""
    if method == EncryptionMethod.FIPS:
        mac_key, to_client, to_server = fips_keys(client_random, server_random)
        return _FipsDirection(to_client, mac_key), _FipsDirection(to_server, mac_key)
    if method not in _SALTS:
        raise StateError("standard RDP security", f"use of {method!r}")
    keys = [reduce_key(key, method) for key in session_keys(client_random, server_random)]
    mac_key, to_client, to_server = keys
    return _Rc4Direction(to_client, mac_key, method), _Rc4Direction(to_server, mac_key, method)
