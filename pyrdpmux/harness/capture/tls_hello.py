"""What TLS says in the clear: hellos, certificates, alerts."""

from dataclasses import dataclass
from typing import Final, Self

from cryptography import x509

from pyrdpmux.wire import OpenIntEnum, Reader

#: RFC 8446 4.1.3: the random of a HelloRetryRequest
RETRY_RANDOM: Final = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")
EXTENSION_SERVER_NAME: Final = 0
EXTENSION_ENCRYPT_THEN_MAC: Final = 22
EXTENSION_SUPPORTED_VERSIONS: Final = 43
#: A chain of certificates has five; records bound its size.
MAXIMUM_CERTIFICATES: Final = 16


class TlsVersion(OpenIntEnum):
    """RFC 8446 4.2.1 ProtocolVersion."""

    SSL_3_0 = 0x0300
    TLS_1_0 = 0x0301
    TLS_1_1 = 0x0302
    TLS_1_2 = 0x0303
    TLS_1_3 = 0x0304


class CipherSuite(OpenIntEnum):
    """IANA's TLS Cipher Suites, those that RDP's clients and servers of the last twenty years choose."""

    RSA_WITH_RC4_128_MD5 = 0x0004
    RSA_WITH_RC4_128_SHA = 0x0005
    RSA_WITH_3DES_EDE_CBC_SHA = 0x000A
    RSA_WITH_AES_128_CBC_SHA = 0x002F
    DHE_RSA_WITH_AES_128_CBC_SHA = 0x0033
    RSA_WITH_AES_256_CBC_SHA = 0x0035
    DHE_RSA_WITH_AES_256_CBC_SHA = 0x0039
    RSA_WITH_AES_128_CBC_SHA256 = 0x003C
    RSA_WITH_AES_256_CBC_SHA256 = 0x003D
    DHE_RSA_WITH_AES_128_CBC_SHA256 = 0x0067
    DHE_RSA_WITH_AES_256_CBC_SHA256 = 0x006B
    RSA_WITH_AES_128_GCM_SHA256 = 0x009C
    RSA_WITH_AES_256_GCM_SHA384 = 0x009D
    DHE_RSA_WITH_AES_128_GCM_SHA256 = 0x009E
    DHE_RSA_WITH_AES_256_GCM_SHA384 = 0x009F
    EMPTY_RENEGOTIATION_INFO_SCSV = 0x00FF
    AES_128_GCM_SHA256 = 0x1301
    AES_256_GCM_SHA384 = 0x1302
    CHACHA20_POLY1305_SHA256 = 0x1303
    AES_128_CCM_SHA256 = 0x1304
    AES_128_CCM_8_SHA256 = 0x1305
    ECDHE_ECDSA_WITH_AES_128_CBC_SHA = 0xC009
    ECDHE_ECDSA_WITH_AES_256_CBC_SHA = 0xC00A
    ECDHE_RSA_WITH_AES_128_CBC_SHA = 0xC013
    ECDHE_RSA_WITH_AES_256_CBC_SHA = 0xC014
    ECDHE_ECDSA_WITH_AES_128_CBC_SHA256 = 0xC023
    ECDHE_ECDSA_WITH_AES_256_CBC_SHA384 = 0xC024
    ECDHE_RSA_WITH_AES_128_CBC_SHA256 = 0xC027
    ECDHE_RSA_WITH_AES_256_CBC_SHA384 = 0xC028
    ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 = 0xC02B
    ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 = 0xC02C
    ECDHE_RSA_WITH_AES_128_GCM_SHA256 = 0xC02F
    ECDHE_RSA_WITH_AES_256_GCM_SHA384 = 0xC030
    ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256 = 0xCCA8
    ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256 = 0xCCA9
    DHE_RSA_WITH_CHACHA20_POLY1305_SHA256 = 0xCCAA


class HandshakeType(OpenIntEnum):
    """RFC 8446 B.3 HandshakeType."""

    HELLO_REQUEST = 0
    CLIENT_HELLO = 1
    SERVER_HELLO = 2
    NEW_SESSION_TICKET = 4
    ENCRYPTED_EXTENSIONS = 8
    CERTIFICATE = 11
    SERVER_KEY_EXCHANGE = 12
    CERTIFICATE_REQUEST = 13
    SERVER_HELLO_DONE = 14
    CERTIFICATE_VERIFY = 15
    CLIENT_KEY_EXCHANGE = 16
    FINISHED = 20
    KEY_UPDATE = 24


class AlertDescription(OpenIntEnum):
    """RFC 8446 B.2 AlertDescription."""

    CLOSE_NOTIFY = 0
    UNEXPECTED_MESSAGE = 10
    BAD_RECORD_MAC = 20
    HANDSHAKE_FAILURE = 40
    BAD_CERTIFICATE = 42
    UNSUPPORTED_CERTIFICATE = 43
    CERTIFICATE_EXPIRED = 45
    CERTIFICATE_UNKNOWN = 46
    ILLEGAL_PARAMETER = 47
    UNKNOWN_CA = 48
    ACCESS_DENIED = 49
    DECODE_ERROR = 50
    DECRYPT_ERROR = 51
    PROTOCOL_VERSION = 70
    INSUFFICIENT_SECURITY = 71
    INTERNAL_ERROR = 80
    USER_CANCELED = 90
    UNRECOGNIZED_NAME = 112


@dataclass(frozen=True, slots=True)
class ClientHello:
    """RFC 8446 4.1.2 ClientHello, and the two extensions that matter here."""

    version: TlsVersion
    random: bytes
    cipher_suites: tuple[CipherSuite, ...]
    server_name: str = ""
    supported_versions: tuple[TlsVersion, ...] = ()

    @classmethod
    def read(cls, r: Reader) -> Self:
        version = TlsVersion(r.u16_be("legacy_version"))
        random = r.raw("random", 32)
        r.pad("legacy_session_id", r.u8("legacy_session_id length"))
        suites = []
        with r.region("cipher_suites", r.u16_be("cipher_suites length")):
            while r.remaining:
                suites.append(CipherSuite(r.u16_be("cipher_suite")))
        r.pad("legacy_compression_methods", r.u8("legacy_compression_methods length"))
        extensions = _read_extensions(r)
        return cls(
            version,
            random,
            tuple(suites),
            _server_name(extensions.get(EXTENSION_SERVER_NAME, b"")),
            _supported_versions(extensions.get(EXTENSION_SUPPORTED_VERSIONS, b"")),
        )


@dataclass(frozen=True, slots=True)
class ServerHello:
    """RFC 8446 4.1.3 ServerHello; ``version`` is the one that is spoken."""

    version: TlsVersion
    random: bytes
    cipher_suite: CipherSuite
    encrypt_then_mac: bool = False

    @property
    def is_retry(self) -> bool:
        """A HelloRetryRequest: the client says hello once more."""
        return self.random == RETRY_RANDOM

    @classmethod
    def read(cls, r: Reader) -> Self:
        version = TlsVersion(r.u16_be("legacy_version"))
        random = r.raw("random", 32)
        r.pad("legacy_session_id_echo", r.u8("legacy_session_id_echo length"))
        suite = CipherSuite(r.u16_be("cipher_suite"))
        r.pad("legacy_compression_method", 1)
        extensions = _read_extensions(r)
        selected = extensions.get(EXTENSION_SUPPORTED_VERSIONS)
        if selected is not None:
            version = TlsVersion(Reader(selected, "supported_versions").u16_be("selected_version"))
        return cls(version, random, suite, EXTENSION_ENCRYPT_THEN_MAC in extensions)


@dataclass(frozen=True, slots=True)
class CertificateName:
    """RFC 5280 4.1 what a certificate says of itself, or the reason why it cannot be read."""

    subject: str
    issuer: str = ""
    not_before: str = ""
    not_after: str = ""


@dataclass(frozen=True, slots=True)
class CertificateMessage:
    """RFC 8446 4.4.2 and RFC 5246 7.4.2 Certificate."""

    certificates: tuple[CertificateName, ...]

    @classmethod
    def read(cls, r: Reader, *, is_tls13: bool) -> Self:
        found: list[CertificateName] = []
        if is_tls13:
            r.pad("certificate_request_context", r.u8("certificate_request_context length"))
        with r.region("certificate_list", r.u24_be("certificate_list length")):
            while r.remaining:
                if len(found) >= MAXIMUM_CERTIFICATES:
                    raise r.error("certificate_list", f"more than {MAXIMUM_CERTIFICATES} certificates")
                found.append(_certificate_name(r.raw("cert_data", r.u24_be("cert_data length"))))
                if is_tls13:
                    r.pad("extensions", r.u16_be("extensions length"))
        return cls(tuple(found))


@dataclass(frozen=True, slots=True)
class HandshakeMessage:
    """RFC 8446 4 Handshake: any message whose content is not looked at."""

    msg_type: HandshakeType
    size: int


@dataclass(frozen=True, slots=True)
class Alert:
    """RFC 8446 6 Alert."""

    level: int
    description: AlertDescription


Handshake = ClientHello | ServerHello | CertificateMessage | HandshakeMessage


def decode_handshake(data: bytes, *, is_tls13: bool = False) -> Handshake:
    """One whole handshake message, with its header. Raises DecodeError."""
    r = Reader(data, "Handshake")
    kind = HandshakeType(r.u8("msg_type"))
    size = r.u24_be("length")
    message: Handshake
    with r.region(kind.name.lower(), size):
        if kind == HandshakeType.CLIENT_HELLO:
            message = ClientHello.read(r)
        elif kind == HandshakeType.SERVER_HELLO:
            message = ServerHello.read(r)
        elif kind == HandshakeType.CERTIFICATE:
            message = CertificateMessage.read(r, is_tls13=is_tls13)
        else:
            r.rest("body")
            message = HandshakeMessage(kind, size)
    r.finish("")
    return message


def decode_alert(data: bytes) -> Alert:
    """The content of an alert record. Raises DecodeError."""
    r = Reader(data, "Alert")
    alert = Alert(r.u8("level"), AlertDescription(r.u8("description")))
    r.finish("")
    return alert


def _read_extensions(r: Reader) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    if r.remaining:
        with r.region("extensions", r.u16_be("extensions length")):
            while r.remaining:
                kind = r.u16_be("extension_type")
                found[kind] = r.raw("extension_data", r.u16_be("extension_data length"))
    return found


def _server_name(data: bytes) -> str:
    """RFC 6066 3: the first name of the list, which is the only one."""
    if not data:
        return ""
    r = Reader(data, "server_name")
    r.pad("server_name_list length, name_type", 3)
    return r.raw("HostName", r.u16_be("HostName length")).decode("ascii", "backslashreplace")


def _supported_versions(data: bytes) -> tuple[TlsVersion, ...]:
    if not data:
        return ()
    r = Reader(data, "supported_versions")
    versions = []
    with r.region("versions", r.u8("versions length")):
        while r.remaining:
            versions.append(TlsVersion(r.u16_be("version")))
    return tuple(versions)


def _certificate_name(data: bytes) -> CertificateName:
    try:
        certificate = x509.load_der_x509_certificate(data)
        return CertificateName(
            certificate.subject.rfc4514_string(),
            certificate.issuer.rfc4514_string(),
            certificate.not_valid_before_utc.date().isoformat(),
            certificate.not_valid_after_utc.date().isoformat(),
        )
    except (ValueError, TypeError, x509.InvalidVersion) as error:
        return CertificateName(f"not readable: {error}")
