"""A capture file opened: its connections, by number, by port, or all of RDP, and what each of them says."""

from functools import cached_property
from pathlib import Path
from typing import Final

from pyrdpmux.harness.capture.dissect import dissect_all
from pyrdpmux.harness.capture.errors import CaptureError
from pyrdpmux.harness.capture.framing import TPKT_DATA, begins_x224, preconnection_size
from pyrdpmux.harness.capture.keylog import KeyLog, read_key_file
from pyrdpmux.harness.capture.layer import Dissected
from pyrdpmux.harness.capture.pcap import read_capture
from pyrdpmux.harness.capture.roles import recognized
from pyrdpmux.harness.capture.rsa_key import load_rsa_key
from pyrdpmux.harness.capture.session import Session, read_session
from pyrdpmux.harness.capture.stop import Direction, Stop, StopLayer, Stops
from pyrdpmux.harness.capture.tcp import RDP_PORT, Conversation, conversations
from pyrdpmux.harness.capture.tls_records import is_tls
from pyrdpmux.rdp.standard_security.server_certificate import RsaKey
from pyrdpmux.rdp.x224.negotiation import SecurityProtocol

#: Hyper-V's consoles: TLS and CredSSP come before X.224.
VMCONNECT_PORT: Final = 2179


class Connection:
    """One TCP connection of a capture; what it says is read when it is asked for.

    ``number`` counts all connections of the file, from 1.
    """

    def __init__(self, number: int, conversation: Conversation, keys: KeyLog, rsa_key: RsaKey | None) -> None:
        self.number = number
        self.conversation = conversation
        self._keys = keys
        self._rsa_key = rsa_key

    def __str__(self) -> str:
        return f"connection {self.number}, {self.conversation}"

    @property
    def port(self) -> int:
        """The server's."""
        return self.conversation.server[1]

    @property
    def is_rdp(self) -> bool:
        """Whether it begins as RDP does; if its beginning is missing, whether it may be RDP."""
        client, server = self.conversation.from_client, self.conversation.from_server
        first = client.data
        at = preconnection_size(first)
        if begins_x224(first[at:], Direction.CLIENT) or begins_x224(server.data[:16], Direction.SERVER):
            return True
        if self.port == VMCONNECT_PORT:
            return is_tls(first[at:])
        runs = [stream.runs[0] for stream in (client, server) if stream.runs]
        if any(TPKT_DATA.match(run.data) for run in runs):
            return True
        return self.port == RDP_PORT and any(run.gap for run in runs)

    @cached_property
    def session(self) -> Session:
        """Its units, not yet decoded."""
        return read_session(self.conversation, self._keys or None, str(self.conversation))

    @property
    def protocol(self) -> SecurityProtocol | None:
        """What the server has chosen; None if that was not captured."""
        return self.session.protocol

    @cached_property
    def _dissected(self) -> tuple[list[Dissected], tuple[Stop, ...]]:
        return dissect_all(self.session, self._rsa_key)

    @property
    def units(self) -> list[Dissected]:
        """Every message of both sides, in the order of their packets, decoded as far as it can be."""
        return self._dissected[0]

    @property
    def stops(self) -> tuple[Stop, ...]:
        """Everything of this connection that could not be read."""
        stops = Stops()
        stops.extend(self.session.stops)
        stops.extend(self._dissected[1])
        return stops.all()


class Capture:
    """A capture file. ``stops`` are those of the file itself: where it is cut, frames that do not parse."""

    def __init__(self, path: Path, connections: tuple[Connection, ...], stops: tuple[Stop, ...]) -> None:
        self.path = path
        self.connections = connections
        self.stops = stops

    @property
    def rdp(self) -> tuple[Connection, ...]:
        """The connections that speak RDP."""
        return tuple(connection for connection in self.connections if connection.is_rdp)

    def connection(self, number: int) -> Connection:
        """By its number, from 1. CaptureError if the file has fewer."""
        if not 1 <= number <= len(self.connections):
            raise CaptureError(f"{self.path}: connection {number} of {len(self.connections)}")
        return self.connections[number - 1]

    def at_port(self, port: int) -> tuple[Connection, ...]:
        """Those to this port of their server."""
        return tuple(connection for connection in self.connections if connection.port == port)


def open_capture(path: Path, keys: Path | None = None) -> Capture:
    """Open a pcap or pcapng file. CaptureError if it, or the key file, is none.

    ``keys`` is a TLS key log in NSS format, or a file with the server's RSA key of standard RDP security.
    Secrets within the file are used, too. Whatever else is wrong is a stop, and costs only what it hides.
    """
    key_log, rsa_key = KeyLog(name=str(keys) if keys else "key log"), None
    if keys is not None:
        text = read_key_file(keys)
        if text.startswith("modulus"):
            rsa_key = load_rsa_key(keys)
        else:
            key_log.add(text, str(keys))
    file = read_capture(path)
    stops = Stops()
    stops.extend(file.stops)
    for number, embedded in enumerate(file.key_logs, 1):
        try:
            key_log.add(embedded, f"secrets block {number}")
        except CaptureError as error:
            stops.add(Stop(StopLayer.FILE, str(error)))
    found, frame_stops = conversations(file.packets)
    stops.extend(frame_stops)
    connections = [
        Connection(number, recognized(each), key_log, rsa_key) for number, each in enumerate(found, 1)
    ]
    return Capture(path, tuple(connections), stops.all())
