"""The GCC user data of the Basic Settings Exchange: what we keep of the client's, and what we answer."""

from __future__ import annotations

from pyrdpmux.errors import NegotiationFailed, SequenceError
from pyrdpmux.rdp.channels.display_control.layout import announced_monitors
from pyrdpmux.rdp.connection.server.config import StandardSecurityOptions
from pyrdpmux.rdp.connection.server.link import IO_CHANNEL_ID, ServerLink
from pyrdpmux.rdp.connection.server.secured import Secured
from pyrdpmux.rdp.mcs.client_core import ClientCoreData, ClientEarlyCapabilityFlags
from pyrdpmux.rdp.mcs.client_data import (
    ClientDataBlock,
    ClientMessageChannelData,
    ClientMonitorData,
    ClientMonitorExtendedData,
    ClientNetworkData,
    ClientSecurityData,
    EncryptionMethod,
)
from pyrdpmux.rdp.mcs.server_data import (
    EncryptionLevel,
    ServerCoreData,
    ServerDataBlock,
    ServerEarlyCapabilityFlags,
    ServerMessageChannelData,
    ServerNetworkData,
    ServerSecurityData,
)
from pyrdpmux.rdp.standard_security.server_certificate import proprietary_certificate
from pyrdpmux.rdp.x224.negotiation import FailureCode, SecurityProtocol

#: MS-RDPBCGR 5.3.2: strongest first; FIPS only where the level demands it or nothing else is common
METHODS_BY_STRENGTH = (
    EncryptionMethod.BITS_128,
    EncryptionMethod.BITS_56,
    EncryptionMethod.BITS_40,
    EncryptionMethod.FIPS,
)

SERVER_RANDOM_SIZE = 32


def adopt_client_blocks(link: ServerLink, blocks: tuple[ClientDataBlock, ...]) -> None:
    """Keep what the client says of itself. Raises SequenceError without Client Core Data."""
    facts = link.facts
    for block in blocks:
        match block:
            case ClientCoreData():
                facts.client_core = block
            case ClientSecurityData():
                facts.client_security = block
            case ClientNetworkData():
                facts.client_network = block
            case ClientMonitorData() | ClientMonitorExtendedData():
                pass  # the one makes sense with the other
            case ClientMessageChannelData():
                facts.wants_message_channel = True
            case _:
                link.note(f"client data block not used: {type(block).__name__}")
    _adopt_monitors(link, blocks)
    if facts.client_core is None:
        raise SequenceError("BasicSettingsExchange", "ConferenceCreateRequest", ("ClientCoreData",))
    _check_selected_protocol(link.secured, facts.client_core)


def _adopt_monitors(link: ServerLink, blocks: tuple[ClientDataBlock, ...]) -> None:
    monitors = [block for block in blocks if isinstance(block, ClientMonitorData)]
    extended = [block for block in blocks if isinstance(block, ClientMonitorExtendedData)]
    if monitors and monitors[-1].monitors:
        link.facts.client_monitors = announced_monitors(monitors[-1], extended[-1] if extended else None)
        if not link.facts.client_monitors:
            link.note(f"{len(monitors[-1].monitors)} client monitors ignored: they cannot be so")


def _check_selected_protocol(secured: Secured, core: ClientCoreData) -> None:
    """3.3.5.3.3: a client that was told another protocol than ours was lied to on the way.

    One that says nothing is let pass, though the specification takes that for standard RDP security. In
    Hyper-V's order what the client is told is not what was chosen.
    """
    told = core.server_selected_protocol
    if told is None or secured.begins_with_tls or told == secured.selected_protocol:
        return
    raise SequenceError(
        "BasicSettingsExchange", f"ClientCoreData for {told!r}", (repr(secured.selected_protocol),)
    )


def server_blocks(link: ServerLink) -> tuple[ServerDataBlock, ...]:
    """Our data blocks in the order of Windows servers: core, network, security, message channel."""
    facts = link.facts
    early = ServerEarlyCapabilityFlags(0)
    if link.has_early_capability(ClientEarlyCapabilityFlags.SUPPORT_SKIP_CHANNELJOIN):
        early |= ServerEarlyCapabilityFlags.SKIP_CHANNELJOIN_SUPPORTED
    secured = link.secured
    blocks: list[ServerDataBlock] = [
        ServerCoreData(
            client_requested_protocols=secured.requested_protocols,
            early_capability_flags=early,
        ),
        ServerNetworkData(IO_CHANNEL_ID, tuple(facts.channels)),
        _security_block(link),
    ]
    if facts.message_channel_id is not None:
        blocks.append(ServerMessageChannelData(facts.message_channel_id))
    return tuple(blocks)


def _security_block(link: ServerLink) -> ServerSecurityData:
    """Under TLS no encryption of RDP's own; else the method, our random and our certificate."""
    if link.secured.selected_protocol != SecurityProtocol.RDP:
        return ServerSecurityData()
    options = link.config.standard
    if options is None:  # not with a door that was told the same as we
        raise NegotiationFailed(FailureCode.SSL_REQUIRED_BY_SERVER, "standard RDP security is not configured")
    link.encryption_method = _choose_method(link, options)
    if link.encryption_method == EncryptionMethod.NONE:
        return ServerSecurityData()
    link.server_random = link.config.entropy(SERVER_RANDOM_SIZE)
    return ServerSecurityData(
        link.encryption_method,
        options.level,
        link.server_random,
        proprietary_certificate(options.key),
    )


def _choose_method(link: ServerLink, options: StandardSecurityOptions) -> EncryptionMethod:
    """5.3.2 Negotiating the Cryptographic Configuration."""
    if options.level == EncryptionLevel.NONE:
        return EncryptionMethod.NONE
    client = link.facts.client_security
    # 2.2.1.3.3: French clients put their methods into the second field, the first is zero then.
    offered = EncryptionMethod.BITS_40
    if client is not None:
        offered = client.encryption_methods | client.ext_encryption_methods
    common = offered & options.methods
    if options.level == EncryptionLevel.FIPS:
        common &= EncryptionMethod.FIPS
    for method in METHODS_BY_STRENGTH:
        if common & method:
            return method
    raise NegotiationFailed(
        FailureCode.SSL_REQUIRED_BY_SERVER, f"no common encryption method, the client offers {offered!r}"
    )
