"""The server's key of standard RDP security, as scripts/capture-sessions keeps it: NAME and hexadecimal."""

from pathlib import Path

from pyrdpmux.harness.capture.errors import CaptureError
from pyrdpmux.harness.capture.keylog import read_key_file
from pyrdpmux.rdp.standard_security.server_certificate import RsaKey, RsaPublicKey


def load_rsa_key(path: Path) -> RsaKey:
    """The key of a file. CaptureError names it."""
    try:
        lines = [line.split() for line in read_key_file(path).splitlines()]
        numbers = {name: int(value, 16) for name, value in lines}
        modulus = numbers["modulus"]
        if min(numbers.values()) < 1:
            raise ValueError("a number that is not positive")
        public = RsaPublicKey(modulus, numbers["public_exponent"], modulus.bit_length())
        return RsaKey(public, numbers["private_exponent"])
    except (CaptureError, ValueError, KeyError) as error:
        raise CaptureError(f"{path}: not a key file: {error}") from None
