"""RC4, which NTLM and standard RDP security cannot do without.

The cryptography package has it under ``decrepit`` (earlier: among the others) and may drop it one day; the
plain Python below then takes over, as it does in the tests that compare both.
"""

from typing import Final, Protocol


class StreamCipher(Protocol):
    """One direction's key stream."""

    def update(self, data: bytes) -> bytes: ...


class PureRc4:
    """RC4 in plain Python: about 3 MB/s, enough for a logon and for a legacy client's test."""

    __slots__ = ("_i", "_j", "_state")

    def __init__(self, key: bytes) -> None:
        state = list(range(256))
        j = 0
        for i in range(256):
            j = (j + state[i] + key[i % len(key)]) & 0xFF
            state[i], state[j] = state[j], state[i]
        self._state = state
        self._i = 0
        self._j = 0

    def update(self, data: bytes) -> bytes:
        state, i, j = self._state, self._i, self._j
        out = bytearray(data)
        for at in range(len(out)):
            i = (i + 1) & 0xFF
            j = (j + state[i]) & 0xFF
            state[i], state[j] = state[j], state[i]
            out[at] ^= state[(state[i] + state[j]) & 0xFF]
        self._i, self._j = i, j
        return bytes(out)


#: cryptography takes these key sizes (in bytes) only; others go the plain way.
NATIVE_KEY_SIZES: Final = frozenset({5, 7, 8, 10, 16, 20, 24, 32})


def rc4(key: bytes) -> StreamCipher:
    """A fresh key stream for ``key``."""
    if len(key) in NATIVE_KEY_SIZES:
        native = _native(key)
        if native is not None:
            return native
    return PureRc4(key)


def _native(key: bytes) -> StreamCipher | None:
    try:
        from cryptography.exceptions import UnsupportedAlgorithm
        from cryptography.hazmat.decrepit.ciphers.algorithms import ARC4
        from cryptography.hazmat.primitives.ciphers import Cipher
    except ImportError:
        return None
    try:
        return Cipher(ARC4(key), mode=None).encryptor()
    except UnsupportedAlgorithm:  # an OpenSSL without its legacy provider
        return None
