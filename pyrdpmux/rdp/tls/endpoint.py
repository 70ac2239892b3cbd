"""TLS as a pair of byte queues: OpenSSL between two memory BIOs, no socket anywhere.

Feed cipher text with :meth:`TlsEndpoint.receive_data`, take plain text with :meth:`TlsEndpoint.read`, put
plain text with :meth:`TlsEndpoint.write` and send what :meth:`TlsEndpoint.data_to_send` hands out, always,
also after an exception: an alert may be in it.
"""

import ssl
from contextlib import suppress
from typing import Final

from pyrdpmux.errors import StateError, TlsFailed

#: RFC 8446 5.1: the most that one record carries.
MAX_RECORD_SIZE: Final = 16384
_READ_SIZE: Final = 65536


class TlsEndpoint:
    """One side of one TLS connection.

    INVARIANT: everything received is decrypted at once, so that no plain text hides in OpenSSL; the owner
    bounds what is held here by how much it feeds.
    """

    def __init__(
        self, context: ssl.SSLContext, server_side: bool, server_hostname: str | None = None
    ) -> None:
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side, server_hostname)
        self._plain = bytearray()
        self._phase = "handshake"
        self._is_eof = False
        self._is_closed = False
        self._is_handshake_done = False
        self._has_answered = False
        if not server_side:
            self._advance()

    def __repr__(self) -> str:
        return f"<TlsEndpoint {self._phase} {self.version or '-'}>"

    # -- what it is ------------------------------------------------------------------------------

    @property
    def is_established(self) -> bool:
        """The handshake is done, and neither side has ended the connection."""
        return self._phase == "established" and not self._is_eof and not self._is_closed

    @property
    def is_handshake_done(self) -> bool:
        """The handshake succeeded, whatever has happened since; what was read until then is good."""
        return self._is_handshake_done

    @property
    def has_answered(self) -> bool:
        """A first message of the peer's has come whole: its ClientHello, if we are the server."""
        return self._has_answered

    @property
    def is_writable(self) -> bool:
        """Plain text can still be sent: also after the peer's close_notify, which ends its direction only."""
        return self._phase == "established" and not self._is_closed

    @property
    def is_eof(self) -> bool:
        """The peer has sent its close_notify: nothing more will come."""
        return self._is_eof

    @property
    def version(self) -> str | None:
        """The protocol, such as ``TLSv1.3``, once it is agreed."""
        return self._tls.version()

    @property
    def cipher(self) -> str | None:
        """OpenSSL's name of the cipher suite, once it is agreed."""
        cipher = self._tls.cipher()
        return cipher[0] if cipher else None

    def peer_certificate_der(self) -> bytes | None:
        """The certificate that the peer showed; trusting it is the caller's decision."""
        return self._tls.getpeercert(binary_form=True)

    # -- bytes in --------------------------------------------------------------------------------

    def receive_data(self, data: bytes) -> None:
        """Take cipher text from the peer. Raises TlsFailed."""
        if self._phase == "failed":
            raise TlsFailed("data after the TLS connection failed")
        queued = self._outgoing.pending
        self._incoming.write(data)
        self._advance()
        self._has_answered = self._has_answered or self._outgoing.pending > queued

    def _advance(self) -> None:
        try:
            if self._phase == "handshake":
                self._tls.do_handshake()
                self._phase = "established"
                self._is_handshake_done = True
            while not self._is_eof:
                self._plain += self._decrypt()
                if not self._incoming.pending and not self._tls.pending():
                    return  # asking once more would cost an exception, and let go of the interpreter's lock
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return
        except ssl.SSLError as error:
            self._phase = "failed"
            raise TlsFailed(f"TLS: {describe(error)}") from error

    def _decrypt(self) -> bytes:
        try:
            data = self._tls.read(_READ_SIZE)
        except ssl.SSLZeroReturnError:
            data = b""
        self._is_eof = not data
        return data

    def read(self) -> bytes:
        """All plain text decrypted so far."""
        data = bytes(self._plain)
        self._plain.clear()
        return data

    # -- bytes out -------------------------------------------------------------------------------

    def write(self, plain: bytes) -> None:
        """Encrypt ``plain`` into records of its own.

        QUIRK(mstsc): Windows puts each PDU in its own record and its CredSSP expects a whole TSRequest in
        one (MS-CSSP note 8), so nothing is gathered here.
        """
        if self._phase != "established" or self._is_closed:
            raise StateError(f"TLS {'closed' if self._is_closed else self._phase}", "write")
        try:
            for at in range(0, len(plain), MAX_RECORD_SIZE):
                self._tls.write(plain[at : at + MAX_RECORD_SIZE])
        except ssl.SSLError as error:
            self._phase = "failed"
            raise TlsFailed(f"TLS: {describe(error)}") from error

    def close(self) -> None:
        """Queue a close_notify; what the peer still sends can be read. Does nothing when done or failed."""
        if self._phase != "established" or self._is_closed:
            return
        self._is_closed = True
        # Our alert is queued first of all; OpenSSL then complains that the peer's is missing or that
        # application data is unread, neither of which is waited for.
        with suppress(ssl.SSLError):
            self._tls.unwrap()

    @property
    def has_data_to_send(self) -> bool:
        """``data_to_send`` has something to hand out."""
        return self._outgoing.pending > 0

    def data_to_send(self) -> bytes:
        """Cipher text for the peer; to be drained also after an exception."""
        return self._outgoing.read()


def describe(error: ssl.SSLError) -> str:
    """OpenSSL's reason in words that chain, such as ``wrong version number``."""
    return error.reason.replace("_", " ").lower() if error.reason else str(error)
