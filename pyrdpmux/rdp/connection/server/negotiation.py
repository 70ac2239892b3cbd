"""Which security protocol a server picks (MS-RDPBCGR 5.4.2, 5.4.5, and the failures of 2.2.1.2.2)."""

from pyrdpmux.errors import NegotiationFailed
from pyrdpmux.rdp.connection.server.config import DoorConfig, DoorPolicy
from pyrdpmux.rdp.x224.negotiation import FailureCode, ResponseFlags, SecurityProtocol


def choose_protocol(policy: DoorPolicy, requested: SecurityProtocol) -> SecurityProtocol:
    """The strongest protocol that both sides can do. Raises NegotiationFailed, with the code to send."""
    has_tls = policy.tls_context is not None
    if has_tls and policy.has_nla:
        for protocol in (SecurityProtocol.HYBRID_EX, SecurityProtocol.HYBRID):
            if requested & protocol:
                return protocol
    if has_tls and policy.allow_tls and requested & SecurityProtocol.SSL:
        return SecurityProtocol.SSL
    if policy.allow_standard and requested == SecurityProtocol.RDP:
        return SecurityProtocol.RDP
    raise _refusal(policy, requested)


def response_flags(config: DoorConfig) -> ResponseFlags:
    """What the server can do, as its Negotiation Response says (2.2.1.2.1)."""
    flags = ResponseFlags.EXTENDED_CLIENT_DATA_SUPPORTED
    if config.has_graphics:
        flags |= ResponseFlags.DYNVC_GFX_PROTOCOL_SUPPORTED
    return flags


def _refusal(policy: DoorPolicy, requested: SecurityProtocol) -> NegotiationFailed:
    if policy.tls_context is None:
        if policy.allow_standard:
            # The client comes again without negotiating TLS, unless its user forbade that.
            return NegotiationFailed(
                FailureCode.SSL_NOT_ALLOWED_BY_SERVER, "only standard RDP security is configured"
            )
        return NegotiationFailed(FailureCode.SSL_CERT_NOT_ON_SERVER, "the server has no certificate")
    offers = f"the client offers {_names_of(requested)}"
    if policy.has_nla and not policy.allow_tls:
        return NegotiationFailed(FailureCode.HYBRID_REQUIRED_BY_SERVER, f"NLA is required, {offers}")
    return NegotiationFailed(FailureCode.SSL_REQUIRED_BY_SERVER, f"TLS is required, {offers}")


def _names_of(requested: SecurityProtocol) -> str:
    """For people: what has no bit is standard RDP security."""
    names = [str(protocol.name) for protocol in SecurityProtocol if protocol and requested & protocol]
    return ", ".join(names) or "standard RDP security only"
