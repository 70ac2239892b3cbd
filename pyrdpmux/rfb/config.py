"""What an :class:`~pyrdpmux.rfb.client.RfbClient` is told by its owner."""

import ssl
from collections.abc import Sequence
from dataclasses import dataclass

from pyrdpmux.rfb.encodings import FAR, PSEUDO_ENCODINGS
from pyrdpmux.rfb.security_types import Means, VeNCryptType
from pyrdpmux.wire.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class RfbConfig:
    """What the server must be, and what we are to it.

    TLS with any certificate, or with none, keeps out who listens, not who pretends to be the server. So
    without ``authorities`` certificates are not even asked for, unless it is said that any will do.
    """

    encodings: Sequence[int] = (*FAR, *PSEUDO_ENCODINGS)
    user: str = ""
    password: Secret[str] | None = None
    #: certificates of authorities (PEM): the server must show one of theirs, for ``server_name``
    authorities: str | None = None
    takes_any_certificate: bool = False
    server_name: str | None = None
    is_local: bool = False

    @property
    def means(self) -> Means:
        return Means(
            has_user=bool(self.user),
            has_password=bool(self.password),
            needs_certificate=self.authorities is not None,
            takes_certificate=self.authorities is not None or self.takes_any_certificate,
            is_local=self.is_local,
        )

    def tls_context(self, kind: VeNCryptType) -> ssl.SSLContext:
        """For this kind of handshake. Raises ValueError if ``authorities`` has no certificate."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if self.authorities is not None:
            load_authorities(context, self.authorities)
            context.check_hostname = self.server_name is not None
            return context
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        if not kind.has_certificate:
            # Anonymous key exchange: gone from TLS 1.3, and at security level 0 of OpenSSL.
            context.maximum_version = ssl.TLSVersion.TLSv1_2
            context.set_ciphers("aNULL:@SECLEVEL=0")
        return context


def load_authorities(context: ssl.SSLContext, pem: str) -> None:
    """Trust the certificates in this text. ValueError if there is none."""
    try:
        context.load_verify_locations(cadata=pem)
    except ssl.SSLError as error:
        raise ValueError("no certificate in it") from error
