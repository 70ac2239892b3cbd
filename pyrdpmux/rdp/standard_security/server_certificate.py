"""The certificate of standard RDP security (MS-RDPBCGR 2.2.1.4.3.1), and the RSA key behind it.

Nobody is authenticated by it: the key that signs proprietary certificates is published in the specification
itself. It carries the public key that encrypts the client's random.
"""

import hashlib
from dataclasses import dataclass, field
from typing import Final, Self

from cryptography.hazmat.primitives.asymmetric import rsa

from pyrdpmux.errors import DecodeError
from pyrdpmux.wire import Reader, Writer, decode, der, encode, frame_offset

CHAIN_VERSION_PROPRIETARY: Final = 1
CHAIN_VERSION_X509: Final = 2
#: The ``t`` bit of dwVersion: temporarily issued.
TEMPORARY: Final = 0x80000000

SIGNATURE_ALG_RSA: Final = 1
KEY_EXCHANGE_ALG_RSA: Final = 1
BB_RSA_KEY_BLOB: Final = 6
BB_RSA_SIGNATURE_BLOB: Final = 8
RSA_MAGIC: Final = 0x31415352
#: 2.2.1.4.3.1.1.1: zeros that follow a modulus, and a signature.
PAD_SIZE: Final = 8
MAX_KEY_BITS: Final = 8192
MIN_KEY_BITS: Final = 512
#: MS-RDPELE 2.2.1.4.2.
MAX_CERTIFICATES: Final = 200
MAX_CERTIFICATE_SIZE: Final = 0x10000

#: 5.3.3.1.1 Terminal Services Signing Key: modulus, private and public exponent, little-endian.
_SIGNING_MODULUS: Final = bytes.fromhex(
    "3d3a5ebd72433ec94dbbc11e4aba5fcb3e882087eff5c1e2d7b76b9af2524595"
    "ce63656b583afeef7ce7bffe3df65c7d6c5e06091af561bb2093095f056dea87"
)
_SIGNING_PRIVATE_EXPONENT: Final = bytes.fromhex(
    "87a71932da11875558001616256568f8243ee6fae9674994cf92cc3399e80860"
    "179a129f24ddb12499c73ab80a7b0ddd350779170b519bb3c7100113e73ff35f"
)
_SIGNING_PUBLIC_EXPONENT: Final = bytes.fromhex("5b7b88c0")
#: 5.3.3.1.2: what follows the MD5 hash in the 63 bytes that are signed.
_SIGNATURE_PADDING: Final = b"\0" + b"\xff" * 45 + b"\x01"

_INTEGER: Final = 0x02
_BIT_STRING: Final = 0x03
_VERSION_TAG: Final = 0xA0


def _number(data: bytes) -> int:
    return Reader(data, "RSA").uint_le("number", len(data))


def _bytes(value: int, size: int) -> bytes:
    w = Writer("RSA")
    w.uint_le("number", value, size)
    return w.getvalue()


@dataclass(frozen=True, slots=True)
class RsaPublicKey:
    """MS-RDPBCGR 2.2.1.4.3.1.1.1 RSA Public Key (RSA_PUBLIC_KEY)."""

    modulus: int
    exponent: int
    bit_length: int

    @classmethod
    def read(cls, r: Reader) -> Self:
        magic = r.u32_le("magic")
        if magic != RSA_MAGIC:
            raise r.error("magic", f"{magic:#010x}, expected {RSA_MAGIC:#010x}")
        key_size = r.u32_le("keylen")
        bits = r.u32_le("bitlen")
        if not MIN_KEY_BITS <= bits <= MAX_KEY_BITS or bits % 8:
            raise r.error("bitlen", f"{bits}, expected {MIN_KEY_BITS} to {MAX_KEY_BITS} in steps of 8")
        if key_size != bits // 8 + PAD_SIZE:
            raise r.error("keylen", f"{key_size}, expected {bits // 8 + PAD_SIZE}")
        data_size = r.u32_le("datalen")
        if data_size != bits // 8 - 1:
            raise r.error("datalen", f"{data_size}, expected {bits // 8 - 1}")
        exponent = r.u32_le("pubExp")
        modulus = r.uint_le("modulus", bits // 8)
        if modulus < 2:
            raise r.error("modulus", f"{modulus}, expected a product of primes")
        r.pad("padding", PAD_SIZE)
        return cls(modulus, exponent, bits)

    def write(self, w: Writer) -> None:
        w.u32_le("magic", RSA_MAGIC)
        w.u32_le("keylen", self.bit_length // 8 + PAD_SIZE)
        w.u32_le("bitlen", self.bit_length)
        w.u32_le("datalen", self.bit_length // 8 - 1)
        w.u32_le("pubExp", self.exponent)
        w.uint_le("modulus", self.modulus, self.bit_length // 8)
        w.pad("padding", PAD_SIZE)

    def encrypt(self, client_random: bytes) -> bytes:
        """5.3.4.1: the encrypted client random with its eight bytes of padding."""
        value = pow(_number(client_random), self.exponent, self.modulus)
        return _bytes(value, self.bit_length // 8 + PAD_SIZE)


@dataclass(frozen=True, slots=True)
class RsaKey:
    """Our key pair for standard RDP security."""

    public: RsaPublicKey
    private_exponent: int = field(repr=False)

    @classmethod
    def generate(cls, bits: int = 2048) -> Self:
        """A new key. 2048 bits is the most that rdesktop takes; clients without
        RNS_UD_CS_STRONG_ASYMMETRIC_KEYS (RDP 4 and 5) want the 512 that OpenSSL no longer makes.
        """
        numbers = rsa.generate_private_key(65537, bits).private_numbers()
        return cls(RsaPublicKey(numbers.public_numbers.n, numbers.public_numbers.e, bits), numbers.d)

    def decrypt(self, encrypted: bytes, size: int) -> bytes:
        """5.3.4.2: the ``size`` bytes of the client's random. Raises DecodeError."""
        limit = self.public.bit_length // 8 + PAD_SIZE
        at = frame_offset(encrypted)
        if len(encrypted) > limit:
            raise DecodeError("encryptedClientRandom", f"{len(encrypted)} bytes, at most {limit} allowed", at)
        value = pow(_number(encrypted), self.private_exponent, self.public.modulus)
        if value.bit_length() > 8 * size:
            raise DecodeError("encryptedClientRandom", "not encrypted with our public key", at)
        return _bytes(value, size)


@dataclass(frozen=True, slots=True)
class ProprietaryCertificate:
    """MS-RDPBCGR 2.2.1.4.3.1.1 Server Proprietary Certificate (PROPRIETARYSERVERCERTIFICATE).

    Without its dwVersion, which is SERVER_CERTIFICATE's.
    """

    public_key: RsaPublicKey
    #: little-endian, with its padding
    signature: bytes

    @classmethod
    def read(cls, r: Reader) -> Self:
        _constant(r, "dwSigAlgId", r.u32_le("dwSigAlgId"), SIGNATURE_ALG_RSA)
        _constant(r, "dwKeyAlgId", r.u32_le("dwKeyAlgId"), KEY_EXCHANGE_ALG_RSA)
        _constant(r, "wPublicKeyBlobType", r.u16_le("wPublicKeyBlobType"), BB_RSA_KEY_BLOB)
        with r.region("PublicKeyBlob", r.u16_le("wPublicKeyBlobLen")):
            key = RsaPublicKey.read(r)
        _constant(r, "wSignatureBlobType", r.u16_le("wSignatureBlobType"), BB_RSA_SIGNATURE_BLOB)
        return cls(key, r.raw("SignatureBlob", r.u16_le("wSignatureBlobLen")))

    def write(self, w: Writer) -> None:
        self._write_signed_part(w)
        w.u16_le("wSignatureBlobType", BB_RSA_SIGNATURE_BLOB)
        with w.length_u16_le("wSignatureBlobLen"):
            w.raw("SignatureBlob", self.signature)

    def _write_signed_part(self, w: Writer) -> None:
        w.u32_le("dwSigAlgId", SIGNATURE_ALG_RSA)
        w.u32_le("dwKeyAlgId", KEY_EXCHANGE_ALG_RSA)
        w.u16_le("wPublicKeyBlobType", BB_RSA_KEY_BLOB)
        with w.length_u16_le("wPublicKeyBlobLen"):
            w.structure(self.public_key, "PublicKeyBlob")

    def _signed_number(self) -> int:
        """5.3.3.1.2: hash and padding of the first six fields; dwVersion is always the plain version."""
        w = Writer("ProprietaryCertificate")
        w.u32_le("dwVersion", CHAIN_VERSION_PROPRIETARY)
        self._write_signed_part(w)
        digest = hashlib.md5(w.getvalue(), usedforsecurity=False).digest()
        return _number(digest + _SIGNATURE_PADDING)

    @classmethod
    def sign(cls, public_key: RsaPublicKey) -> Self:
        """A certificate for this key, signed with the Terminal Services signing key."""
        number = cls(public_key, b"")._signed_number()
        value = pow(number, _number(_SIGNING_PRIVATE_EXPONENT), _number(_SIGNING_MODULUS))
        return cls(public_key, _bytes(value, len(_SIGNING_MODULUS) + PAD_SIZE))

    @property
    def is_valid(self) -> bool:
        """5.3.3.1.3: signed with the Terminal Services signing key."""
        if len(self.signature) > len(_SIGNING_MODULUS) + PAD_SIZE:
            return False
        value = pow(_number(self.signature), _number(_SIGNING_PUBLIC_EXPONENT), _number(_SIGNING_MODULUS))
        return value == self._signed_number()


def _constant(r: Reader, name: str, value: int, expected: int) -> None:
    if value != expected:
        raise r.error(name, f"{value}, expected {expected}")


@dataclass(frozen=True, slots=True)
class X509CertificateChain:
    """MS-RDPELE 2.2.1.4.2 X.509 Certificate Chain: DER, the root first, the server's last."""

    certificates: tuple[bytes, ...]

    @classmethod
    def read(cls, r: Reader) -> Self:
        count = r.u32_le("NumCertBlobs")
        if not 1 <= count <= MAX_CERTIFICATES:
            raise r.error("NumCertBlobs", f"{count}, expected 1 to {MAX_CERTIFICATES}")
        certificates = tuple([_read_blob(r, f"CertBlobArray[{i}]") for i in range(count)])
        r.pad("Padding", 8 + 4 * count)
        return cls(certificates)

    def write(self, w: Writer) -> None:
        w.u32_le("NumCertBlobs", len(self.certificates))
        for certificate in self.certificates:
            with w.length_u32_le("cbCert"):
                w.raw("abCert", certificate)
        w.pad("Padding", 8 + 4 * len(self.certificates))


def _read_blob(r: Reader, field_name: str) -> bytes:
    size = r.u32_le(f"{field_name}.cbCert")
    if size > MAX_CERTIFICATE_SIZE:
        raise r.error(f"{field_name}.cbCert", f"{size}, at most {MAX_CERTIFICATE_SIZE} allowed")
    return r.raw(f"{field_name}.abCert", size)


@dataclass(frozen=True, slots=True)
class ServerCertificate:
    """MS-RDPBCGR 2.2.1.4.3.1 Server Certificate (SERVER_CERTIFICATE)."""

    certificate: ProprietaryCertificate | X509CertificateChain
    is_temporary: bool = False

    @classmethod
    def read(cls, r: Reader) -> Self:
        version = r.u32_le("dwVersion")
        is_temporary = bool(version & TEMPORARY)
        chain_version = version & ~TEMPORARY
        if chain_version == CHAIN_VERSION_PROPRIETARY:
            return cls(r.structure(ProprietaryCertificate, "certData"), is_temporary)
        if chain_version == CHAIN_VERSION_X509:
            return cls(r.structure(X509CertificateChain, "certData"), is_temporary)
        raise r.error("dwVersion", f"{version:#x}, expected 1 or 2")

    def write(self, w: Writer) -> None:
        is_chain = isinstance(self.certificate, X509CertificateChain)
        version = CHAIN_VERSION_X509 if is_chain else CHAIN_VERSION_PROPRIETARY
        w.u32_le("dwVersion", version | (TEMPORARY if self.is_temporary else 0))
        w.structure(self.certificate, "certData")


def proprietary_certificate(key: RsaKey) -> bytes:
    """The serverCertificate field for our key."""
    return encode(ServerCertificate(ProprietaryCertificate.sign(key.public)))


def public_key_of_server(certificate: bytes) -> RsaPublicKey:
    """The key in a serverCertificate field, for a client. Raises DecodeError."""
    inner = decode(ServerCertificate, certificate).certificate
    if isinstance(inner, ProprietaryCertificate):
        return inner.public_key
    return _x509_public_key(inner.certificates[-1])


def _x509_public_key(certificate: bytes) -> RsaPublicKey:
    """The RSA key of a certificate, read by position.

    QUIRK(Windows terminal servers): their certificates name md5WithRSAEncryption as the kind of the key,
    which X.509 libraries refuse.
    """
    tbs = _open(_open(certificate, "certificate"), "tbsCertificate")
    r = Reader(tbs, "Certificate.tbsCertificate")
    if r.remaining and r.peek_u8("version") == _VERSION_TAG:
        der.read_element(r, "version", _VERSION_TAG)
    der.read_element(r, "serialNumber", _INTEGER)
    for name in ("signature", "issuer", "validity", "subject"):
        der.read_element(r, name, der.SEQUENCE)
    info = Reader(der.read_element(r, "subjectPublicKeyInfo", der.SEQUENCE), "subjectPublicKeyInfo")
    der.read_element(info, "algorithm", der.SEQUENCE)
    key = der.read_element(info, "subjectPublicKey", _BIT_STRING)
    numbers = Reader(_open(key[1:], "RSAPublicKey"), "RSAPublicKey")
    modulus = der.read_element(numbers, "modulus", _INTEGER).lstrip(b"\0")
    exponent = der.read_element(numbers, "publicExponent", _INTEGER).lstrip(b"\0")
    if not MIN_KEY_BITS <= 8 * len(modulus) <= MAX_KEY_BITS or not 1 <= len(exponent) <= 4:
        raise numbers.error("modulus", f"{8 * len(modulus)} bits and an exponent of {len(exponent)} bytes")
    return RsaPublicKey(_number(modulus[::-1]), _number(exponent[::-1]), 8 * len(modulus))


def _open(data: bytes, name: str) -> bytes:
    return der.read_element(Reader(data, name), name, der.SEQUENCE)
