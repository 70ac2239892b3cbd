"""VNC Authentication: DES with the password as its key, from the days when that was something."""

from typing import Final

from cryptography.hazmat.primitives.ciphers import Cipher, modes

from pyrdpmux.wire.secret import Secret

try:
    from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
except ImportError:
    from cryptography.hazmat.primitives.ciphers.algorithms import TripleDES

CHALLENGE_SIZE: Final = 16
KEY_SIZE: Final = 8


def response_to(challenge: bytes, password: Secret[str]) -> bytes:
    """RFC 6143 7.2.2: the challenge, encrypted. Only eight characters count, their bits reversed."""
    key = password.reveal().encode("latin-1", "replace")[:KEY_SIZE].ljust(KEY_SIZE, b"\0")
    reversed_key = bytes([int(f"{byte:08b}"[::-1], 2) for byte in key])
    # DES is triple DES with three equal keys.
    encryptor = Cipher(TripleDES(3 * reversed_key), modes.ECB()).encryptor()
    return encryptor.update(challenge) + encryptor.finalize()
