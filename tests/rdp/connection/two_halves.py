"""A door and a session as two objects: between them nothing but ``Secured``, bytes and frames."""

import pickle
from collections.abc import Callable
from dataclasses import replace

from pyrdpmux.rdp.connection.client.config import ClientConfig
from pyrdpmux.rdp.connection.client.connection import ClientConnection
from pyrdpmux.rdp.connection.client.link import ClientPhase
from pyrdpmux.rdp.connection.client.settings import begin_basic_settings
from pyrdpmux.rdp.connection.events import Event, LogonRequested
from pyrdpmux.rdp.connection.framer import take_tpkt
from pyrdpmux.rdp.connection.machine import CUT, Phase
from pyrdpmux.rdp.connection.server.config import DoorConfig, DoorPolicy, ServerConfig, SessionConfig
from pyrdpmux.rdp.connection.server.destination import Destination
from pyrdpmux.rdp.connection.server.door import ServerDoor
from pyrdpmux.rdp.connection.server.secured import Secured
from pyrdpmux.rdp.connection.server.session_machine import ServerSession
from pyrdpmux.rdp.connection.trace import ListTracer
from pyrdpmux.rdp.nla.credssp import CredSspClient
from pyrdpmux.rdp.nla.logon import AccountCheck, NtlmLogon, Proof
from pyrdpmux.rdp.preconnection import Preconnection
from pyrdpmux.rdp.tls.certificate import public_key_of
from pyrdpmux.rdp.tls.context import client_context
from pyrdpmux.rdp.tls.endpoint import TlsEndpoint
from pyrdpmux.rdp.x224.tpdu import ConnectionConfirm, decode_tpdu
from pyrdpmux.rdp.x224.tpkt import Tpkt
from pyrdpmux.wire import decode, encode
from tests.pair.linked import MAX_ROUNDS, WALL_CLOCK, E, entropy

BLOB = Preconnection(blob="a-vm\0")


class Ticketing:
    """Accounts that hand out a ticket with every proof."""

    def __init__(self, accounts: AccountCheck, ticket: object) -> None:
        self.accounts = accounts
        self.ticket = ticket

    def check(self, logon: NtlmLogon) -> Proof | None:
        proof = self.accounts.check(logon)
        return None if proof is None else replace(proof, ticket=self.ticket)


class LateConfirm(ClientPhase):
    """Hyper-V's order, for our client: the Connection Confirm comes inside TLS, and ends the security."""

    def take_frame(self, buffer: bytearray) -> bytes | None:
        return take_tpkt(buffer)

    def decode(self, frame: bytes) -> object:
        return decode_tpdu(decode(Tpkt, frame).payload)

    def on_confirm(self, _confirm: ConnectionConfirm) -> Phase:
        return begin_basic_settings(self.link)

    HANDLERS = {ConnectionConfirm: on_confirm}


class HyperVClient:
    """Our client, with preconnection PDU, TLS and CredSSP in front of it instead of inside."""

    def __init__(self, config: ClientConfig, now: float) -> None:
        self.inner = ClientConnection(config, now)
        self.inner._enter(LateConfirm(self.inner))
        self.tls = TlsEndpoint(client_context(), server_side=False)
        self._first = encode(BLOB)
        self._credssp: CredSspClient | None = None
        self._password = config.password

    def data_to_send(self) -> bytes:
        credssp = self._credssp
        if credssp is not None and (data := credssp.data_to_send()):
            self.tls.write(data)
        if credssp is not None and credssp.is_complete and (data := self.inner.data_to_send()):
            self.tls.write(data)
        first, self._first = self._first, b""
        return first + self.tls.data_to_send()

    def receive_data(self, data: bytes, now: float) -> None:
        self.tls.receive_data(data)
        if not self.tls.is_handshake_done:
            return
        if self._credssp is None:
            key = public_key_of(self.tls.peer_certificate_der() or b"")
            self._credssp = CredSspClient("alice", "", self._password, key, lambda: WALL_CLOCK, entropy())
        plain = self.tls.read()
        if self._credssp.is_complete:
            self.inner.receive_data(plain, now)
        elif plain:
            self._credssp.receive_data(plain)

    def events(self) -> list[Event]:
        return self.inner.events()


class Gate:
    """A door's selector: it remembers what it was asked, and which session belongs to the answer."""

    def __init__(self, config: ServerConfig) -> None:
        self.config = config
        self.asked: list[Destination] = []

    def select(self, destination: Destination) -> DoorConfig:
        self.asked.append(destination)
        return self.config.door


def gate_config(gate: Gate) -> DoorConfig:
    """Of a door that asks ``gate`` first."""
    return DoorConfig(
        security=DoorPolicy(),
        selector=gate,
        entropy=entropy(),
        wall_clock=lambda: WALL_CLOCK,
        tracer=ListTracer(),
    )


class Apart:
    """The two halves of a server, and a client; whoever holds the halves together is here."""

    def __init__(
        self,
        door: DoorConfig,
        session: SessionConfig,
        client: ClientConnection | HyperVClient,
        answer: Callable[[NtlmLogon], Proof | None] | None = None,
    ) -> None:
        self.now = 100.0
        self.door = ServerDoor(door, self.now)
        self.client = client
        self.secured: Secured | None = None
        self.session: ServerSession | None = None
        self.events: list[Event] = []
        self.client_events: list[Event] = []
        #: every step of the way out: frames, and the bytes that came of them
        self.sent: list[tuple[list[bytes], bytes]] = []
        # a tracer of its own: one that keeps everything would keep the door's secrets
        self._session_config = replace(session, tracer=ListTracer())
        self._answer = answer

    def run(self) -> "Apart":
        """Until there is silence."""
        for _ in range(MAX_ROUNDS):
            data = self.client.data_to_send()
            self.door.receive_data(data, self.now)
            self.events += self.door.events()
            if self._answer is not None and self.door.awaits_answer:
                [*_before, asked] = self.saw(LogonRequested)
                self.door.answer_logon(self._answer(asked.logon), self.now)
                self.events += self.door.events()
            answer = self.door.data_to_send() + self.pass_on()
            self.client.receive_data(answer, self.now)
            self.client_events += self.client.events()
            if not data and not answer:
                return self
        raise AssertionError(f"no rest: {self.door!r} {self.session!r}")

    def pass_on(self) -> bytes:
        """What passes between the halves; all that does."""
        if self.door.secured is None:
            return b""
        if self.session is None:
            self.secured = pickle.loads(pickle.dumps(self.door.secured))
            assert isinstance(self.secured, Secured)
            self.session = ServerSession(self.secured, self._session_config, self.now)
        if plain := self.door.take_plain():
            self.session.receive_data(plain, self.now)
        if self.door.fault is not None:
            self.session.receive_fault(self.door.fault, self.now)
        elif self.door.is_eof:
            self.session.receive_eof(self.now)
        self.events += self.session.events()
        return self.carry_out()

    def carry_out(self) -> bytes:
        """The session's frames; the bytes that are to go to the client."""
        assert self.session is not None
        frames = self.session.frames_to_send()
        self.door.send_frames(frames)
        data = b"".join(iter(self.door.data_to_send, b""))
        self.sent.append(([frame for frame in frames if frame != CUT], data))
        if self.session.should_close:
            self.door.close()
            data += self.door.data_to_send()
        return data

    def saw(self, kind: type[E]) -> list[E]:
        return [event for event in self.events if isinstance(event, kind)]

    def client_saw(self, kind: type[E]) -> list[E]:
        return [event for event in self.client_events if isinstance(event, kind)]
