"""How a client of ours reaches a server: addresses, security, certificates."""

import asyncio
import hashlib
import os
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, Final, Literal, TypeVar, cast

from pyrdpmux.harness.peers.client import PATIENCE, Client
from pyrdpmux.harness.peers.errors import SessionEnded
from pyrdpmux.harness.peers.graphics_cache import PersistentCache
from pyrdpmux.harness.peers.renderer import Renderer
from pyrdpmux.net.peer import Peer
from pyrdpmux.net.tasks import TaskSet
from pyrdpmux.rdp.connection.client.activation import BITMAP_CACHES, POINTER_CACHE_SIZE
from pyrdpmux.rdp.connection.client.config import ClientConfig
from pyrdpmux.rdp.connection.client.connection import ClientConnection
from pyrdpmux.rdp.connection.events import Event
from pyrdpmux.rdp.tls.context import client_context
from pyrdpmux.rdp.x224.negotiation import SecurityProtocol

PORT: Final = 3389

C = TypeVar("C", bound=Client)

Security = Literal["any", "nla", "tls", "rdp"]
PROTOCOLS: Final[dict[Security, SecurityProtocol]] = {
    "any": SecurityProtocol.SSL | SecurityProtocol.HYBRID,
    "nla": SecurityProtocol.HYBRID,
    "tls": SecurityProtocol.SSL,
    "rdp": SecurityProtocol.RDP,
}


@asynccontextmanager
async def connect(
    host: str,
    *,
    port: int = PORT,
    user: str = "",
    password: str = "",
    domain: str = "",
    size: tuple[int, int] = (1024, 768),
    bits_per_pixel: int = 32,
    security: Security = "any",
    certificate: Path | str | None = None,
    patience: float = PATIENCE,
    observer: Callable[[Event], None] | None = None,
    graphics_cache: PersistentCache | None = None,
    **config: Any,
) -> AsyncIterator[Client]:
    """A session that is active; it is ended politely at the end of the block.

    ``security``: ``any`` is NLA or TLS, as the server likes; ``rdp`` is the one without TLS. ``certificate``
    is the only one that the server may have: a PEM file, or its SHA-256 fingerprint in hexadecimal; without
    it any will do. ``patience`` is in seconds, for this and for every later wait. ``observer`` is told of
    every event. ``graphics_cache`` has bitmaps from session to session. ``config`` are fields of
    :class:`ClientConfig`. Raises SessionEnded with the reason, or ClientTimeout.
    """
    settings: dict[str, Any] = {
        "user": user,
        "password": password,
        "domain": domain,
        "width": size[0],
        "height": size[1],
        "bits_per_pixel": bits_per_pixel,
        "protocols": PROTOCOLS[security],
        "accepts_certificate": None if certificate is None else pinned(certificate),
        "server_hostname": host,
        "keeps_bitmaps": graphics_cache is not None,
    } | config
    make = partial(Client, observer=observer, graphics_cache=graphics_cache)
    async with dial(host, port, patience=patience, client=make, **settings) as client:
        await client.until_active()
        try:
            yield client
        finally:
            await client.disconnect()


@asynccontextmanager
async def dial(
    host: str,
    port: int,
    *,
    preamble: bytes = b"",
    patience: float = PATIENCE,
    client: Callable[..., C],
    **config: Any,
) -> AsyncIterator[C]:
    """A session that is only beginning; at the end of the block it is dropped.

    ``preamble`` goes ahead of the first PDU; ``client`` is :class:`Client`, or what builds on it. Raises
    SessionEnded if nobody answers.
    """
    try:
        async with asyncio.timeout(patience):
            reader, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError) as error:
        reason = str(error) or f"no answer within {patience:g} s"
        raise SessionEnded(f"{host}:{port}", f"cannot connect: {reason}") from None
    writer.write(preamble)
    settings = client_config(**config)
    connection = ClientConnection(settings, asyncio.get_running_loop().time())
    session = client(
        Peer(reader, writer, connection),
        connection,
        cast(asyncio.Transport, writer.transport),
        Renderer(POINTER_CACHE_SIZE, settings.codecs, BITMAP_CACHES if settings.orders else None),
        patience=patience,
    )
    tasks = TaskSet()
    tasks.create(session.run(), f"client of {host}:{port}")
    try:
        yield session
    finally:
        await tasks.cancel_all()


def client_config(**config: Any) -> ClientConfig:
    """A configuration with the world's clock and entropy."""
    settings: dict[str, Any] = {
        "tls_context": client_context(),
        "entropy": os.urandom,
        "wall_clock": lambda: datetime.now(UTC).timestamp(),
    }
    return ClientConfig(**settings | config)


def pinned(certificate: Path | str) -> Callable[[bytes], bool]:
    """Whether a certificate in DER is the one of a PEM file, or has this SHA-256 fingerprint.

    Raises OSError, or ValueError for a file without a certificate.
    """
    wanted = _fingerprint_of(certificate)
    return lambda der: hashlib.sha256(der).hexdigest() == wanted


def _fingerprint_of(certificate: Path | str) -> str:
    text = str(certificate).replace(":", "").lower()
    if len(text) == 64 and set(text) <= set("0123456789abcdef"):
        return text
    der = ssl.PEM_cert_to_DER_cert(_first_certificate(Path(certificate).read_text(encoding="ascii")))
    return hashlib.sha256(der).hexdigest()


def _first_certificate(pem: str) -> str:
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    _, found, rest = pem.partition(begin)
    body, closed, _ = rest.partition(end)
    if not (found and closed):
        raise ValueError("no certificate in PEM in it")
    return f"{begin}{body}{end}"
