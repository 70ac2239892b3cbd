"""The server's certificate: loaded, or made once and kept; and the TLS contexts that use it."""

import hashlib
import ssl
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from pyrdpmux.errors import ConfigError, DecodeError
from pyrdpmux.rdp.tls.endpoint import describe
from pyrdpmux.rdp.tls.private_file import read_file, read_private, write_private
from pyrdpmux.wire import Writer

CERTIFICATE_FILE: Final = "pyrdpmux.crt"
KEY_FILE: Final = "pyrdpmux.key"
KEY_SIZE: Final = 2048
#: Clients remember a self-signed certificate by its fingerprint and warn when it changes: ten years.
VALIDITY: Final = timedelta(days=3650)
#: X.520 ub-common-name.
MAX_COMMON_NAME_SIZE: Final = 64


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


def load(certificate_path: Path, key_path: Path) -> Certificate:
    """A certificate and its key from PEM files. Raises ConfigError if they are broken or do not match."""
    pem = read_file(certificate_path)
    try:
        der = x509.load_pem_x509_certificate(pem).public_bytes(serialization.Encoding.DER)
    except ValueError as error:
        raise ConfigError(f"{certificate_path}: not a PEM certificate") from error
    certificate = Certificate(certificate_path, key_path, der)
    try:
        certificate.public_key_der  # noqa: B018 - an unusable kind of key shall be known at the start
    except DecodeError as error:
        raise ConfigError(f"{certificate_path}: {error.reason}") from error
    _check_key(certificate)
    return certificate


def _check_key(certificate: Certificate) -> None:
    path = certificate.key_path
    try:
        key = serialization.load_pem_private_key(read_private(path), password=None)
    except TypeError as error:
        raise ConfigError(f"{path}: the key is encrypted; remove its passphrase") from error
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ConfigError(f"{path}: not a PEM private key") from error
    expected = x509.load_der_x509_certificate(certificate.der).public_key()
    if key.public_key() != expected:
        raise ConfigError(f"{path}: the key does not belong to {certificate.certificate_path}")


def load_or_create(directory: Path, common_name: str, now: datetime) -> Certificate:
    """The certificate kept in ``directory``; a self-signed RSA one is made on the first call.

    ``now`` must carry a time zone. Raises ConfigError that names the file.
    """
    certificate_path, key_path = directory / CERTIFICATE_FILE, directory / KEY_FILE
    present = [path.exists() for path in (certificate_path, key_path)]
    if any(present):
        return load(certificate_path, key_path)
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"{directory}: cannot create: {error.strerror}") from error
    certificate_pem, key_pem = _self_signed(common_name, now)
    write_private(key_path, key_pem)
    write_private(certificate_path, certificate_pem)
    return load(certificate_path, key_path)


def _self_signed(common_name: str, now: datetime) -> tuple[bytes, bytes]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_SIZE)
    subject = common_name.encode()[:MAX_COMMON_NAME_SIZE].decode(errors="ignore").strip() or "pyrdpmux"
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, subject)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + VALIDITY)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    )
    if subject.isascii():
        names = x509.SubjectAlternativeName([x509.DNSName(subject)])
        builder = builder.add_extension(names, critical=False)
    certificate = builder.sign(key, hashes.SHA256())
    key_pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return certificate.public_bytes(serialization.Encoding.PEM), key_pem


def server_context(certificate_path: Path, key_path: Path, key_log: Path | None = None) -> ssl.SSLContext:
    """TLS 1.2 or later with this certificate. Raises ConfigError that names the file.

    No session tickets: MS-CSSP 3.1.5 knows no TLS session resumption.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _harden(context, key_log)
    context.num_tickets = 0
    context.options |= ssl.OP_NO_TICKET | ssl.OP_CIPHER_SERVER_PREFERENCE
    try:
        context.load_cert_chain(certificate_path, key_path, password=_no_passphrase)
    except ssl.SSLError as error:
        raise ConfigError(f"{certificate_path} and {key_path}: {describe(error)}") from error
    except OSError as error:
        raise ConfigError(f"{certificate_path} and {key_path}: {error.strerror}") from error
    return context


def client_context(key_log: Path | None = None) -> ssl.SSLContext:
    """TLS 1.2 or later that trusts any certificate, as RDP clients do where CredSSP binds to the key."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    _harden(context, key_log)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _harden(context: ssl.SSLContext, key_log: Path | None) -> None:
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    if key_log is not None:
        try:
            context.keylog_filename = str(key_log)
        except OSError as error:
            raise ConfigError(f"{key_log}: cannot write: {error.strerror}") from error


def _no_passphrase() -> bytes:
    """Asked for the passphrase of an encrypted key, OpenSSL would otherwise prompt on the terminal."""
    return b""
