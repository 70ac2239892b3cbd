"""Security Commencement and Secure Settings Exchange, from the client's side."""

from __future__ import annotations

from typing import Final

from pyrdpmux.errors import SequenceError
from pyrdpmux.rdp.connection.client.licensing import begin_licensing
from pyrdpmux.rdp.connection.client.link import ClientLink
from pyrdpmux.rdp.connection.events import SecurityEstablished
from pyrdpmux.rdp.connection.machine import Phase
from pyrdpmux.rdp.mcs.client_data import EncryptionMethod
from pyrdpmux.rdp.pdu.auto_reconnect import AutoReconnectClientCookie
from pyrdpmux.rdp.pdu.client_info import (
    ClientInfo,
    ExtendedClientInfo,
    InfoFlags,
    PerformanceFlags,
)
from pyrdpmux.rdp.pdu.security import SecurityExchange, SecurityFlags
from pyrdpmux.rdp.pdu.time_zone import TimeZone
from pyrdpmux.rdp.standard_security.encryption import CLIENT_RANDOM_SIZE, StandardSecurity, security_verifier
from pyrdpmux.rdp.standard_security.server_certificate import public_key_of_server
from pyrdpmux.rdp.x224.negotiation import SecurityProtocol
from pyrdpmux.wire import encode
from pyrdpmux.wire.secret import Secret

KNOWN_METHODS: Final = (
    EncryptionMethod.BITS_40,
    EncryptionMethod.BITS_56,
    EncryptionMethod.BITS_128,
    EncryptionMethod.FIPS,
)


def begin_security(link: ClientLink) -> Phase:
    """Under standard RDP security our random first; then the Client Info PDU."""
    if link.encryption_method != EncryptionMethod.NONE:
        _exchange_keys(link)
    info = _client_info(link)
    link.send_data(link.facts.io_channel_id, encode(info), info, SecurityFlags.INFO_PKT)
    return begin_licensing(link)


def _exchange_keys(link: ClientLink) -> None:
    block = link.facts.server_security
    if link.encryption_method not in KNOWN_METHODS:
        raise SequenceError("SecurityCommencement", f"encryption method {link.encryption_method!r}")
    if block is None or block.server_random is None or block.server_certificate is None:
        raise SequenceError("SecurityCommencement", "ServerSecurityData without random and certificate")
    link.client_random = link.config.entropy(CLIENT_RANDOM_SIZE)
    key = public_key_of_server(block.server_certificate)
    exchange = SecurityExchange(key.encrypt(link.client_random))
    link.send_data(link.facts.io_channel_id, encode(exchange), exchange, SecurityFlags.EXCHANGE_PKT)
    link.standard = StandardSecurity.for_client(
        link.client_random, block.server_random, link.encryption_method
    )
    link.emit(SecurityEstablished(SecurityProtocol.RDP, link.standard.description))


def _client_info(link: ClientLink) -> ClientInfo:
    config = link.config
    flags = (
        InfoFlags.UNICODE
        | InfoFlags.MOUSE
        | InfoFlags.DISABLECTRLALTDEL
        | InfoFlags.ENABLEWINDOWSKEY
        | InfoFlags.MAXIMIZESHELL
    )
    if config.compression is not None:
        flags |= InfoFlags.COMPRESSION
    if config.password:
        flags |= InfoFlags.AUTOLOGON
    cookie = None
    if config.auto_reconnect is not None:
        logon_id, random_bits = config.auto_reconnect
        verifier = security_verifier(random_bits, link.client_random or bytes(CLIENT_RANDOM_SIZE))
        cookie = AutoReconnectClientCookie(logon_id, Secret(verifier))
    return ClientInfo(
        flags,
        config.domain,
        config.user,
        Secret(config.password),
        extra=ExtendedClientInfo(
            time_zone=TimeZone(),
            session_id=0,
            performance_flags=PerformanceFlags(0),
            auto_reconnect_cookie=cookie,
        ),
        compression_type=config.compression or 0,
    )
