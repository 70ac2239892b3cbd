"""How a server lets viewers in, and which of its ways we take."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final, Self

from pyrdpmux.wire import OpenIntEnum, Reader, Writer

VENCRYPT_VERSION: Final = (0, 2)


class SecurityType(OpenIntEnum):
    """RFC 6143 7.1.2 and 8.2, and rfbproto."""

    INVALID = 0
    NONE = 1
    VNC_AUTHENTICATION = 2
    VENCRYPT = 19
    SASL = 20


class VeNCryptType(OpenIntEnum):
    """rfbproto VeNCrypt: what comes after the TLS handshake, and whether the server shows a certificate."""

    PLAIN = 256
    TLS_NONE = 257
    TLS_VNC = 258
    TLS_PLAIN = 259
    X509_NONE = 260
    X509_VNC = 261
    X509_PLAIN = 262

    @property
    def has_tls(self) -> bool:
        return self != VeNCryptType.PLAIN

    @property
    def has_certificate(self) -> bool:
        return self >= VeNCryptType.X509_NONE

    @property
    def wants_user(self) -> bool:
        return self in (VeNCryptType.PLAIN, VeNCryptType.TLS_PLAIN, VeNCryptType.X509_PLAIN)

    @property
    def wants_vnc_password(self) -> bool:
        return self in (VeNCryptType.TLS_VNC, VeNCryptType.X509_VNC)


#: The best first.
PREFERRED: Final = (
    VeNCryptType.X509_PLAIN,
    VeNCryptType.X509_VNC,
    VeNCryptType.X509_NONE,
    VeNCryptType.TLS_PLAIN,
    VeNCryptType.TLS_VNC,
    VeNCryptType.TLS_NONE,
    VeNCryptType.PLAIN,
)


@dataclass(frozen=True, slots=True)
class PlainCredentials:
    """rfbproto VeNCrypt: the user's name and password of the Plain types."""

    user: bytes
    password: bytes

    @classmethod
    def read(cls, r: Reader) -> Self:
        user_size, password_size = r.u32_be("username-length"), r.u32_be("password-length")
        return cls(r.raw("username", user_size), r.raw("password", password_size))

    def write(self, w: Writer) -> None:
        w.u32_be("username-length", len(self.user))
        w.u32_be("password-length", len(self.password))
        w.raw("username", self.user)
        w.raw("password", self.password)


@dataclass(frozen=True, slots=True, kw_only=True)
class Means:
    """What we have to offer a server, and what we insist on."""

    has_user: bool = False
    has_password: bool = False
    #: only a server that shows a certificate we can check
    needs_certificate: bool = False
    #: one that we can check, or need not
    takes_certificate: bool = False
    #: nobody listens on the way there: a password may travel as it is
    is_local: bool = False


def choose_type(offered: Collection[int], means: Means) -> SecurityType | None:
    """The best of RFC 6143's types that we can use: encryption before a password before nothing."""
    candidates = [SecurityType.VENCRYPT]
    if not means.needs_certificate:
        candidates += [SecurityType.VNC_AUTHENTICATION] * means.has_password + [SecurityType.NONE]
    return next((candidate for candidate in candidates if candidate in offered), None)


def choose_subtype(offered: Sequence[int], means: Means) -> VeNCryptType | None:
    """The best of VeNCrypt's."""
    return next((kind for kind in PREFERRED if kind in offered and _is_possible(kind, means)), None)


def _is_possible(kind: VeNCryptType, means: Means) -> bool:
    if kind.wants_user and not (means.has_user and means.has_password):
        return False
    if kind.wants_vnc_password and not means.has_password:
        return False
    if means.needs_certificate and not kind.has_certificate:
        return False
    if kind.has_certificate and not means.takes_certificate:
        return False
    return kind.has_tls or means.is_local
