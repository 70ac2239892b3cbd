"""A server and a client connection, back to back in memory."""

import functools
import itertools
import ssl
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from pyrdpmux.files.certificate_file import load_or_create, server_context
from pyrdpmux.files.private_file import write_private
from pyrdpmux.files.sam_file import load_accounts
from pyrdpmux.rdp.connection.client.config import ClientConfig
from pyrdpmux.rdp.connection.client.connection import ClientConnection
from pyrdpmux.rdp.connection.events import Event
from pyrdpmux.rdp.connection.machine import Connection
from pyrdpmux.rdp.connection.server.config import SecurityPolicy, ServerConfig, StandardSecurityOptions
from pyrdpmux.rdp.connection.server.connection import ServerConnection
from pyrdpmux.rdp.connection.trace import ListTracer
from pyrdpmux.rdp.nla.accounts import Accounts
from pyrdpmux.rdp.standard_security.server_certificate import (
    RsaKey,
    RsaPublicKey,
    ServerCertificate,
    X509CertificateChain,
)
from pyrdpmux.rdp.tls.certificate import Certificate
from pyrdpmux.rdp.tls.context import client_context
from pyrdpmux.rdp.x224.negotiation import SecurityProtocol
from pyrdpmux.wire import encode

#: 2026-11-22, for NTLM time stamps
WALL_CLOCK = 1795305600.0
MAX_ROUNDS = 400

E = TypeVar("E", bound=Event)


@functools.cache
def _directory() -> "tempfile.TemporaryDirectory[str]":
    """Of this process, until it ends."""
    return tempfile.TemporaryDirectory(prefix="pyrdpmux-test-")


@functools.cache
def certificate() -> Certificate:
    """One self-signed certificate for all tests of a process (an RSA key takes a while to make)."""
    directory = Path(_directory().name)
    return load_or_create(directory, "pyrdpmux test", datetime.fromtimestamp(WALL_CLOCK, UTC))


@functools.cache
def rsa_key() -> RsaKey:
    """The key of standard RDP security, likewise."""
    return RsaKey.generate()


@functools.cache
def accounts() -> Accounts:
    """alice with the password ``secret``, in any domain."""
    path = Path(_directory().name) / "sam"
    write_private(path, b"alice:::878d8014606cda29677a44efa1353fc7:::\n")
    return load_accounts(path)


@functools.cache
def x509_key() -> tuple[RsaKey, bytes]:
    """The key of our TLS certificate, and a server certificate of licensing that is a chain with it."""
    files = certificate()
    private = load_pem_private_key(files.key_path.read_bytes(), None)
    assert isinstance(private, RSAPrivateKey)
    numbers = private.private_numbers()
    public = RsaPublicKey(numbers.public_numbers.n, numbers.public_numbers.e, private.key_size)
    der = ssl.PEM_cert_to_DER_cert(files.certificate_path.read_text(encoding="ascii"))
    # The license server's first: here it has signed itself, and is the terminal server as well.
    chain = encode(ServerCertificate(X509CertificateChain((der, der))))
    return RsaKey(public, numbers.d), chain


def entropy() -> Callable[[int], bytes]:
    """Deterministic bytes that never repeat."""
    counter = itertools.count(1)

    def draw(size: int) -> bytes:
        blocks = [next(counter).to_bytes(8, "little") for _ in range(size // 8 + 1)]
        return b"".join(blocks)[:size]

    return draw


def tls_policy(**changes: Any) -> SecurityPolicy:
    """TLS without NLA."""
    context = server_context(certificate().certificate_path, certificate().key_path)
    options: dict[str, Any] = {"certificate": certificate(), "tls_context": context, "allow_tls": True}
    return SecurityPolicy(**options | changes)


def nla_policy(**changes: Any) -> SecurityPolicy:
    return tls_policy(**{"accounts": accounts(), "allow_tls": False} | changes)


def rdp_policy(**changes: Any) -> SecurityPolicy:
    return SecurityPolicy(standard=StandardSecurityOptions(key=rsa_key(), **changes))


def server_config(policy: SecurityPolicy | None = None, **changes: Any) -> ServerConfig:
    options: dict[str, Any] = {
        "width": 800,
        "height": 600,
        "security": policy or tls_policy(),
        "entropy": entropy(),
        "wall_clock": lambda: WALL_CLOCK,
        "tracer": ListTracer(),
    }
    return ServerConfig(**options | changes)


def client_config(**changes: Any) -> ClientConfig:
    options: dict[str, Any] = {
        "protocols": SecurityProtocol.SSL,
        "tls_context": client_context(),
        "user": "alice",
        "password": "secret",
        "entropy": entropy(),
        "wall_clock": lambda: WALL_CLOCK,
        "tracer": ListTracer(),
    }
    return ClientConfig(**options | changes)


def writes(connection: Connection) -> list[bytes]:
    """What a connection has to send, write by write."""
    return list(iter(connection.data_to_send, b""))


class Linked:
    """Both ends, and what each has told its owner."""

    def __init__(
        self, server: ServerConfig | None = None, client: ClientConfig | None = None, chunk: int = 0
    ) -> None:
        self.now = 100.0
        self.chunk = chunk
        self.server = ServerConnection(server or server_config(), self.now)
        self.client = ClientConnection(client or client_config(), self.now)
        self.server_events: list[Event] = []
        self.client_events: list[Event] = []

    def run(self) -> "Linked":
        """Exchange bytes until both are silent; a talk without end fails."""
        for _ in range(MAX_ROUNDS):
            moved = self._carry(self.client, self.server) | self._carry(self.server, self.client)
            self.server_events += self.server.events()
            self.client_events += self.client.events()
            if not moved:
                return self
        raise AssertionError(f"no rest after {MAX_ROUNDS} rounds: {self.server!r} {self.client!r}")

    def _carry(self, sender: Connection, receiver: Connection) -> bool:
        data = sender.data_to_send()
        size = self.chunk or len(data)
        for at in range(0, len(data), max(size, 1)):
            receiver.receive_data(data[at : at + size], self.now)
            while receiver.has_more:
                receiver.proceed(self.now)
        return bool(data)

    def server_saw(self, kind: type[E]) -> list[E]:
        return [event for event in self.server_events if isinstance(event, kind)]

    def client_saw(self, kind: type[E]) -> list[E]:
        return [event for event in self.client_events if isinstance(event, kind)]
