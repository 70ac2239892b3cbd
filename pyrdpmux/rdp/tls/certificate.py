"""A server's certificate: what is bound to its key, and what clients show of it."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from pyrdpmux.errors import DecodeError
from pyrdpmux.wire import Writer


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate and where it and its key are stored."""

    certificate_path: Path
    key_path: Path
    der: bytes

    @property
    def public_key_der(self) -> bytes:
        """The SubjectPublicKey that CredSSP binds to."""
        return public_key_of(self.der)

    @property
    def validity(self) -> tuple[datetime, datetime]:
        """From when to when it is valid."""
        certificate = x509.load_der_x509_certificate(self.der)
        return certificate.not_valid_before_utc, certificate.not_valid_after_utc

    @property
    def fingerprint(self) -> str:
        """SHA-256 in the colon notation that clients show."""
        return hashlib.sha256(self.der).digest().hex(":")

    @property
    def channel_bindings(self) -> bytes:
        """What an NTLM client that knows this certificate puts into MsvAvChannelBindings."""
        return channel_bindings(self.der)


def public_key_of(certificate_der: bytes) -> bytes:
    """The contents of the subjectPublicKey BIT STRING, without SubjectPublicKeyInfo around it.

    MS-CSSP 3.1.5: "the ASN.1-encoded SubjectPublicKey sub-field"; for RSA this is the RSAPublicKey
    SEQUENCE. Raises DecodeError, because the certificate may be a peer's.
    """
    try:
        key = x509.load_der_x509_certificate(certificate_der).public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        raise DecodeError("Certificate", f"not a usable X.509 certificate: {error}", 0) from error
    if isinstance(key, rsa.RSAPublicKey):
        return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.PKCS1)
    if isinstance(key, ec.EllipticCurvePublicKey):
        return key.public_bytes(serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint)
    raise DecodeError("Certificate.subjectPublicKeyInfo", "neither an RSA nor an EC key", 0)


def channel_bindings(certificate_der: bytes) -> bytes:
    """MD5 of the gss_channel_bindings_struct (RFC 2744 3.11) with RFC 5929's tls-server-end-point.

    MS-NLMP 2.2.2.1 MsvAvChannelBindings. The hash inside follows the certificate's signature, but is at
    least SHA-256 (RFC 5929 4.1).
    """
    algorithm = x509.load_der_x509_certificate(certificate_der).signature_hash_algorithm
    name = algorithm.name if algorithm is not None else "sha256"
    digest = hashlib.new("sha256" if name in ("md5", "sha1") else name, certificate_der).digest()
    w = Writer("gss_channel_bindings_struct")
    w.u32_le("initiator_addrtype", 0)
    w.u32_le("initiator_address.length", 0)
    w.u32_le("acceptor_addrtype", 0)
    w.u32_le("acceptor_address.length", 0)
    with w.length_u32_le("application_data.length"):
        w.raw("application_data", b"tls-server-end-point:" + digest)
    return hashlib.md5(w.getvalue(), usedforsecurity=False).digest()
