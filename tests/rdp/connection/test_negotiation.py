"""Every policy against every request: a protocol, or the failure code that says what is missing."""

import itertools

import pytest

from pyrdpmux.errors import NegotiationFailed
from pyrdpmux.rdp.channels.graphics.header import CHANNEL_NAME
from pyrdpmux.rdp.connection.events import Disconnected
from pyrdpmux.rdp.connection.server.config import SecurityPolicy
from pyrdpmux.rdp.connection.server.negotiation import choose_protocol, response_flags
from pyrdpmux.rdp.connection.trace import ListTracer
from pyrdpmux.rdp.x224.negotiation import (
    FailureCode,
    NegotiationFailure,
    NegotiationResponse,
    ResponseFlags,
    SecurityProtocol,
)
from pyrdpmux.rdp.x224.tpdu import ConnectionConfirm, decode_tpdu
from pyrdpmux.rdp.x224.tpkt import Tpkt
from pyrdpmux.wire import decode
from tests.pair.linked import Linked, accounts, client_config, rdp_policy, server_config, tls_policy
from tests.rdp.connection.scripted import Scripted

P = SecurityProtocol
F = FailureCode

REQUESTS = [
    P.RDP,
    P.SSL,
    P.HYBRID,
    P.SSL | P.HYBRID,
    P.SSL | P.HYBRID | P.HYBRID_EX,
    P.HYBRID_EX,
    P.RDSTLS,
    P.SSL | P.RDSTLS,
    P.RDSAAD,
]
POLICIES: dict[str, SecurityPolicy] = {
    "nothing": SecurityPolicy(),
    "tls": tls_policy(),
    "nla": tls_policy(accounts=accounts(), allow_tls=False),
    "nla or tls": tls_policy(accounts=accounts()),
    "rdp": rdp_policy(),
    "tls or rdp": tls_policy(standard=rdp_policy().standard),
    "nla or rdp": tls_policy(accounts=accounts(), allow_tls=False, standard=rdp_policy().standard),
    "accounts without certificate": SecurityPolicy(accounts=accounts(), allow_tls=True),
}
#: one column per request
EXPECTED: dict[str, list[SecurityProtocol | FailureCode]] = {
    "nothing": [F.SSL_CERT_NOT_ON_SERVER] * 9,
    "tls": [
        F.SSL_REQUIRED_BY_SERVER,
        P.SSL,
        F.SSL_REQUIRED_BY_SERVER,
        P.SSL,
        P.SSL,
        F.SSL_REQUIRED_BY_SERVER,
        F.SSL_REQUIRED_BY_SERVER,
        P.SSL,
        F.SSL_REQUIRED_BY_SERVER,
    ],
    "nla": [
        F.HYBRID_REQUIRED_BY_SERVER,
        F.HYBRID_REQUIRED_BY_SERVER,
        P.HYBRID,
        P.HYBRID,
        P.HYBRID_EX,
        P.HYBRID_EX,
        F.HYBRID_REQUIRED_BY_SERVER,
        F.HYBRID_REQUIRED_BY_SERVER,
        F.HYBRID_REQUIRED_BY_SERVER,
    ],
    "nla or tls": [
        F.SSL_REQUIRED_BY_SERVER,
        P.SSL,
        P.HYBRID,
        P.HYBRID,
        P.HYBRID_EX,
        P.HYBRID_EX,
        F.SSL_REQUIRED_BY_SERVER,
        P.SSL,
        F.SSL_REQUIRED_BY_SERVER,
    ],
    "rdp": [P.RDP, *[F.SSL_NOT_ALLOWED_BY_SERVER] * 8],
    "tls or rdp": [
        P.RDP,
        P.SSL,
        F.SSL_REQUIRED_BY_SERVER,
        P.SSL,
        P.SSL,
        F.SSL_REQUIRED_BY_SERVER,
        F.SSL_REQUIRED_BY_SERVER,
        P.SSL,
        F.SSL_REQUIRED_BY_SERVER,
    ],
    "nla or rdp": [
        P.RDP,
        F.HYBRID_REQUIRED_BY_SERVER,
        P.HYBRID,
        P.HYBRID,
        P.HYBRID_EX,
        P.HYBRID_EX,
        F.HYBRID_REQUIRED_BY_SERVER,
        F.HYBRID_REQUIRED_BY_SERVER,
        F.HYBRID_REQUIRED_BY_SERVER,
    ],
    "accounts without certificate": [F.SSL_CERT_NOT_ON_SERVER] * 9,
}
CASES = [
    (policy, request, expected)
    for policy in POLICIES
    for request, expected in zip(REQUESTS, EXPECTED[policy], strict=True)
]


@pytest.mark.parametrize(("policy", "request_", "expected"), CASES)
def test_choice(policy: str, request_: SecurityProtocol, expected: SecurityProtocol | FailureCode) -> None:
    if isinstance(expected, SecurityProtocol):
        assert choose_protocol(POLICIES[policy], request_) is expected
        return
    with pytest.raises(NegotiationFailed) as caught:
        choose_protocol(POLICIES[policy], request_)
    assert caught.value.failure_code == expected


@pytest.mark.parametrize("policy", POLICIES)
def test_never_less_than_the_policy_asks_for(policy: str) -> None:
    """All 32 combinations: a client cannot talk the server down."""
    wants = POLICIES[policy]
    for bits in itertools.product([P.RDP, P.SSL], [P.RDP, P.HYBRID], [P.RDP, P.RDSTLS], [P.RDP, P.HYBRID_EX]):
        request = P.RDP
        for bit in bits:
            request |= bit
        try:
            chosen = choose_protocol(wants, request)
        except NegotiationFailed:
            continue
        assert chosen & request or chosen == request == P.RDP
        assert chosen != P.SSL or wants.allow_tls
        assert chosen != P.RDP or wants.standard is not None


@pytest.mark.parametrize(("policy", "request_", "expected"), CASES)
def test_the_code_goes_out_before_the_end(
    policy: str, request_: SecurityProtocol, expected: SecurityProtocol | FailureCode
) -> None:
    client = Scripted(server_config(POLICIES[policy]), protocols=request_)
    client.request()
    tpdu = decode_tpdu(decode(Tpkt, client.frames[0]).payload)
    assert isinstance(tpdu, ConnectionConfirm)
    if isinstance(expected, SecurityProtocol):
        assert client.saw(Disconnected) == []
        return
    assert tpdu.negotiation == NegotiationFailure(expected)
    [ended] = client.saw(Disconnected)
    assert isinstance(ended.error, NegotiationFailed)
    assert client.server.should_close


@pytest.mark.parametrize(
    ("channels", "expected"),
    [
        ((), ResponseFlags.EXTENDED_CLIENT_DATA_SUPPORTED),
        (
            (CHANNEL_NAME,),
            ResponseFlags.EXTENDED_CLIENT_DATA_SUPPORTED | ResponseFlags.DYNVC_GFX_PROTOCOL_SUPPORTED,
        ),
    ],
)
def test_the_response_says_whether_there_is_a_graphics_pipeline(
    channels: tuple[str, ...], expected: ResponseFlags
) -> None:
    config = server_config(tls_policy(), channels=channels)
    assert response_flags(config.door) == expected
    pair = Linked(config, client_config()).run()
    tracer = config.tracer
    assert isinstance(tracer, ListTracer)
    (confirm,) = [pdu for _, _, pdu in tracer.entries if isinstance(pdu, ConnectionConfirm)]
    assert confirm.negotiation == NegotiationResponse(P.SSL, expected)
    assert pair.server.is_active
