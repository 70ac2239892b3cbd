"""TLS record protection, the receiving half, for captures: AES-GCM, ChaCha20-Poly1305 and AES-CBC.

Tags are checked, so that a wrong key is an error and never garbage.
"""

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESCCM, AESGCM, ChaCha20Poly1305

from pyrdpmux.harness.capture.errors import CaptureError
from pyrdpmux.wire import Writer

TAG_SIZE: Final = 16
CCM_8_TAG_SIZE: Final = 8


class Aead(Protocol):
    """What the classes of ``cryptography`` have in common."""

    def decrypt(self, nonce: bytes, data: bytes, associated_data: bytes | None) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Suite:
    """One cipher suite as far as records are concerned."""

    hash_name: str
    key_size: int
    #: None: AES-CBC with this suite's HMAC
    aead: Callable[[bytes], Aead] | None = None
    #: bytes of the nonce that TLS 1.2 keeps secret; 12 means that nothing of it is on the wire
    fixed_iv_size: int = 4
    tag_size: int = TAG_SIZE
    mac_name: str = ""

    @property
    def mac_size(self) -> int:
        return hashlib.new(self.mac_name).digest_size if self.mac_name else 0


def _ccm(key: bytes) -> Aead:
    return AESCCM(key, TAG_SIZE)


def _ccm_8(key: bytes) -> Aead:
    return AESCCM(key, CCM_8_TAG_SIZE)


_AES128_GCM: Final = Suite("sha256", 16, AESGCM)
_AES256_GCM: Final = Suite("sha384", 32, AESGCM)
_CHACHA20: Final = Suite("sha256", 32, ChaCha20Poly1305, fixed_iv_size=12)
_AES128_CCM: Final = Suite("sha256", 16, _ccm)
_AES128_CCM_8: Final = Suite("sha256", 16, _ccm_8, tag_size=CCM_8_TAG_SIZE)


def _cbc(key_size: int, mac_name: str, hash_name: str = "sha256") -> Suite:
    return Suite(hash_name, key_size, mac_name=mac_name)


TLS13_SUITES: Final = (_AES128_GCM, _AES256_GCM, _CHACHA20, _AES128_CCM, _AES128_CCM_8)
#: IANA numbers. Key exchange and signature do not matter to who has the key log.
SUITES: Final[dict[int, Suite]] = {
    0x1301: _AES128_GCM,
    0x1302: _AES256_GCM,
    0x1303: _CHACHA20,
    0x1304: _AES128_CCM,
    0x1305: _AES128_CCM_8,
    # RSA, DHE-RSA, ECDHE-ECDSA, ECDHE-RSA with GCM
    **dict.fromkeys((0x009C, 0x009E, 0xC02B, 0xC02F), _AES128_GCM),
    **dict.fromkeys((0x009D, 0x009F, 0xC02C, 0xC030), _AES256_GCM),
    **dict.fromkeys((0xCCA8, 0xCCA9, 0xCCAA), _CHACHA20),
    # the same with CBC
    **dict.fromkeys((0x002F, 0x0033, 0xC009, 0xC013), _cbc(16, "sha1")),
    **dict.fromkeys((0x0035, 0x0039, 0xC00A, 0xC014), _cbc(32, "sha1")),
    **dict.fromkeys((0x003C, 0x0067, 0xC023, 0xC027), _cbc(16, "sha256")),
    **dict.fromkeys((0x003D, 0x006B), _cbc(32, "sha256")),
    **dict.fromkeys((0xC024, 0xC028), _cbc(32, "sha384", "sha384")),
}


class RecordReader(Protocol):
    """One direction's keys; counts records itself. A record that does not open is not counted."""

    #: the sequence number of the next record
    number: int

    def open(self, kind: int, version: int, fragment: bytes) -> tuple[int, bytes]:
        """The inner content type and the plaintext of one protected record."""
        ...


class Tls12Aead:
    """RFC 5288 and RFC 7905: AEAD records of TLS 1.2."""

    def __init__(self, suite: Suite, key: bytes, fixed_iv: bytes) -> None:
        assert suite.aead is not None
        self._suite = suite
        self._aead = suite.aead(key)
        self._fixed_iv = fixed_iv
        self.number = 0

    def open(self, kind: int, version: int, fragment: bytes) -> tuple[int, bytes]:
        if len(self._fixed_iv) == 12:
            nonce, sealed = _xor_number(self._fixed_iv, self.number), fragment
        else:
            nonce, sealed = self._fixed_iv + fragment[:8], fragment[8:]
        size = len(sealed) - self._suite.tag_size
        plain = _decrypt(self._aead, nonce, sealed, _additional(self.number, kind, version, size))
        self.number += 1
        return kind, plain


class Tls12Cbc:
    """RFC 5246 6.2.3.2 and RFC 7366: CBC records of TLS 1.2, MAC inside or (encrypt-then-MAC) outside."""

    def __init__(self, suite: Suite, key: bytes, mac_key: bytes, encrypt_then_mac: bool) -> None:
        self._suite = suite
        self._key = key
        self._mac_key = mac_key
        self._encrypt_then_mac = encrypt_then_mac
        self.number = 0

    def open(self, kind: int, version: int, fragment: bytes) -> tuple[int, bytes]:
        mac_size = self._suite.mac_size
        if self._encrypt_then_mac:
            self._check(kind, version, fragment[:-mac_size], fragment[-mac_size:])
            plain = self._decrypt(fragment[:-mac_size])
        else:
            plain = self._decrypt(fragment)
            plain, mac = plain[:-mac_size], plain[-mac_size:]
            self._check(kind, version, plain, mac)
        self.number += 1
        return kind, plain

    def _decrypt(self, fragment: bytes) -> bytes:
        if len(fragment) < 32 or len(fragment) % 16:
            raise CaptureError(f"record {self.number}: {len(fragment)} bytes are not CBC blocks")
        decryptor = Cipher(algorithms.AES(self._key), modes.CBC(fragment[:16])).decryptor()
        padded = decryptor.update(fragment[16:]) + decryptor.finalize()
        return padded[: -1 - padded[-1]]

    def _check(self, kind: int, version: int, data: bytes, mac: bytes) -> None:
        covered = _additional(self.number, kind, version, len(data)) + data
        if not hmac.compare_digest(hmac.digest(self._mac_key, covered, self._suite.mac_name), mac):
            raise CaptureError(f"record {self.number}: wrong MAC, so the key log is not this connection's")


class Tls13:
    """RFC 8446 5.2: records of TLS 1.3, their real content type behind the plaintext."""

    def __init__(self, suite: Suite, secret: bytes) -> None:
        if suite.aead is None:
            raise CaptureError("a cipher suite without AEAD in TLS 1.3")
        self._suite = suite
        self._secret = secret
        self._aead = suite.aead(expand_label(suite.hash_name, secret, b"key", suite.key_size))
        self._iv = expand_label(suite.hash_name, secret, b"iv", 12)
        self.number = 0

    def open(self, kind: int, version: int, fragment: bytes) -> tuple[int, bytes]:
        w = Writer("additional_data")
        w.u8("opaque_type", kind)
        w.u16_be("legacy_record_version", version)
        w.u16_be("length", len(fragment))
        plain = _decrypt(self._aead, _xor_number(self._iv, self.number), fragment, w.getvalue())
        self.number += 1
        content = plain.rstrip(b"\0")
        if not content:
            raise CaptureError(f"record {self.number - 1}: nothing but padding")
        return content[-1], content[:-1]

    def updated(self) -> "Tls13":
        """The keys after a KeyUpdate (RFC 8446 7.2)."""
        size = hashlib.new(self._suite.hash_name).digest_size
        return Tls13(self._suite, expand_label(self._suite.hash_name, self._secret, b"traffic upd", size))


# -- key derivation ------------------------------------------------------------------------------


def prf(hash_name: str, secret: bytes, label: bytes, seed: bytes, size: int) -> bytes:
    """RFC 5246 5: the pseudorandom function of TLS 1.2."""
    seed = label + seed
    result, a = b"", seed
    while len(result) < size:
        a = hmac.digest(secret, a, hash_name)
        result += hmac.digest(secret, a + seed, hash_name)
    return result[:size]


def expand_label(hash_name: str, secret: bytes, label: bytes, size: int) -> bytes:
    """RFC 8446 7.1: HKDF-Expand-Label with an empty context."""
    w = Writer("HkdfLabel")
    w.u16_be("length", size)
    with w.length_u8("label"):
        w.raw("label", b"tls13 " + label)
    w.u8("context", 0)
    info = w.getvalue()
    result, block, counter = b"", b"", 1
    while len(result) < size:
        block = hmac.digest(secret, block + info + bytes([counter]), hash_name)
        result += block
        counter += 1
    return result[:size]


def tls12_readers(
    suite: Suite, master: bytes, client_random: bytes, server_random: bytes, encrypt_then_mac: bool
) -> tuple[RecordReader, RecordReader]:
    """The keys of both directions (client's writes, server's writes) out of a master secret."""
    iv_size = suite.fixed_iv_size if suite.aead else 0
    sizes = [suite.mac_size, suite.mac_size, suite.key_size, suite.key_size, iv_size, iv_size]
    block = prf(suite.hash_name, master, b"key expansion", server_random + client_random, sum(sizes))
    parts = []
    for size in sizes:
        parts.append(block[:size])
        block = block[size:]
    client_mac, server_mac, client_key, server_key, client_iv, server_iv = parts
    if suite.aead is None:
        return (
            Tls12Cbc(suite, client_key, client_mac, encrypt_then_mac),
            Tls12Cbc(suite, server_key, server_mac, encrypt_then_mac),
        )
    return Tls12Aead(suite, client_key, client_iv), Tls12Aead(suite, server_key, server_iv)


def _additional(number: int, kind: int, version: int, size: int) -> bytes:
    w = Writer("additional_data")
    w.uint_be("seq_num", number, 8)
    w.u8("type", kind)
    w.u16_be("version", version)
    w.uint_be("length", max(0, size), 2)
    return w.getvalue()


def _xor_number(iv: bytes, number: int) -> bytes:
    w = Writer("nonce")
    w.uint_be("seq_num", number, len(iv))
    return bytes(a ^ b for a, b in zip(iv, w.getvalue(), strict=True))


def _decrypt(aead: Aead, nonce: bytes, sealed: bytes, additional: bytes) -> bytes:
    try:
        return aead.decrypt(nonce, sealed, additional)
    except (InvalidTag, ValueError):
        raise CaptureError("wrong tag, so the key log is not this connection's") from None
