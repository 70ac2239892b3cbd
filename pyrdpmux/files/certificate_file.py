"""The server's certificate and key: loaded from files, or made once and kept; and the TLS context of both."""

import ssl
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from pyrdpmux.errors import ConfigError, DecodeError
from pyrdpmux.files.private_file import read_file, read_private, write_private
from pyrdpmux.rdp.tls.certificate import Certificate
from pyrdpmux.rdp.tls.context import harden
from pyrdpmux.rdp.tls.endpoint import describe

CERTIFICATE_FILE: Final = "pyrdpmux.crt"
KEY_FILE: Final = "pyrdpmux.key"
KEY_SIZE: Final = 2048
#: Clients remember a self-signed certificate by its fingerprint and warn when it changes: ten years.
VALIDITY: Final = timedelta(days=3650)
#: X.520 ub-common-name.
MAX_COMMON_NAME_SIZE: Final = 64


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
    harden(context, key_log)
    context.num_tickets = 0
    context.options |= ssl.OP_NO_TICKET | ssl.OP_CIPHER_SERVER_PREFERENCE
    try:
        context.load_cert_chain(certificate_path, key_path, password=_no_passphrase)
    except ssl.SSLError as error:
        raise ConfigError(f"{certificate_path} and {key_path}: {describe(error)}") from error
    except OSError as error:
        raise ConfigError(f"{certificate_path} and {key_path}: {error.strerror}") from error
    return context


def _no_passphrase() -> bytes:
    """Asked for the passphrase of an encrypted key, OpenSSL would otherwise prompt on the terminal."""
    return b""
