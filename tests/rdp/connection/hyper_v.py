"""A gateway, and clients in Hyper-V's order: preconnection PDU, TLS, CredSSP, X.224."""

from collections.abc import Callable
from typing import Any

from pyrdpmux.rdp.connection.server.config import GatewayConfig, SecurityPolicy, ServerConfig
from pyrdpmux.rdp.connection.server.destination import Destination
from pyrdpmux.rdp.connection.trace import ListTracer
from pyrdpmux.rdp.nla.credssp import CredSspClient
from pyrdpmux.rdp.preconnection import Preconnection
from pyrdpmux.rdp.tls.certificate import public_key_of
from pyrdpmux.rdp.x224.negotiation import SecurityProtocol
from pyrdpmux.wire import encode
from tests.pair.linked import WALL_CLOCK, accounts, entropy, rdp_policy, server_config, tls_policy
from tests.rdp.connection.scripted import Scripted


class Chooser:
    """A selector that remembers what it was asked, and gives everybody the same."""

    def __init__(self, config: ServerConfig) -> None:
        self.config = config
        self.asked: list[Destination] = []

    def select(self, destination: Destination) -> ServerConfig:
        self.asked.append(destination)
        return self.config


def everything() -> SecurityPolicy:
    """NLA, TLS and standard RDP security."""
    return tls_policy(accounts=accounts(), standard=rdp_policy().standard)


class GatewayClient(Scripted):
    """Of a gateway that sends everybody to a desktop of 1000x700."""

    def __init__(self, policy: SecurityPolicy | None = None, **changes: Any) -> None:
        self.chooser = Chooser(server_config(policy or everything(), width=1000, height=700))
        gateway = GatewayConfig(
            selector=self.chooser, entropy=entropy(), wall_clock=lambda: WALL_CLOCK, tracer=ListTracer()
        )
        super().__init__(gateway, **changes)

    def preconnect(self, pdu: Preconnection) -> None:
        self.server.receive_data(encode(pdu), self.now)
        self.collect()

    def log_on(self, password: str = "secret", *, draw: Callable[[int], bytes] | None = None) -> None:
        """CredSSP, to its end."""
        assert self.tls is not None
        certificate = self.tls.peer_certificate_der()
        assert certificate is not None
        credssp = CredSspClient(
            "alice", "", password, public_key_of(certificate), lambda: WALL_CLOCK, draw or entropy()
        )
        while not credssp.is_complete and not self.server.should_close:
            self.tls.write(credssp.data_to_send())
            self.server.receive_data(self.tls.data_to_send(), self.now)
            self.tls.receive_data(self.server.data_to_send())
            if answer := self.tls.read():
                credssp.receive_data(answer)
        if not self.server.should_close:
            self.tls.write(credssp.data_to_send())
            self.server.receive_data(self.tls.data_to_send(), self.now)
        self.collect()


def in_hyper_v_order() -> GatewayClient:
    """As far as LateInitiation."""
    client = GatewayClient(protocols=SecurityProtocol.HYBRID | SecurityProtocol.SSL)
    client.preconnect(Preconnection(blob="a-vm\0"))
    client.handshake()
    client.log_on()
    return client
