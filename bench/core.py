"""How fast the sans-I/O server is: ``python -m bench.core``.

PDUs and events per second into it, updates out of it, and whole connections set up. One core, no sockets;
encryption is TLS's (OpenSSL) or none, as the line says. Each number is the best of several rounds.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from pyrdpmux.rdp.channels.graphics.header import CHANNEL_NAME
from pyrdpmux.rdp.connection.server.config import SecurityPolicy, ServerConfig
from pyrdpmux.rdp.connection.trace import NullTracer
from pyrdpmux.rdp.mcs.server_data import EncryptionLevel
from pyrdpmux.rdp.pdu.input import InputEvents, KeyboardEvent, KeyboardFlags, MouseEvent, PointerFlags
from pyrdpmux.rdp.pdu.update import BitmapData, BitmapFlags
from pyrdpmux.rdp.x224.negotiation import SecurityProtocol
from tests.pair.linked import Linked, client_config, nla_policy, rdp_policy, server_config, tls_policy
from tests.rdp.connection.scripted import CAPABILITIES, Scripted, plaintext_config

ROUNDS = 5
COUNT = 2000
EVENTS = (
    MouseEvent(PointerFlags.MOVE, 300, 200),
    KeyboardEvent(KeyboardFlags(0), 0x1E),
    KeyboardEvent(KeyboardFlags.RELEASE, 0x1E),
)
#: a tile of text, compressed
TILE = BitmapData(
    0, 0, 63, 63, 64, 64, 32, BitmapFlags.COMPRESSION | BitmapFlags.NO_BITMAP_COMPRESSION_HDR, bytes(1500)
)
#: a tile of a photograph, hardly compressed: cut into fragments on the fast path
BIG_TILE = BitmapData(
    0, 0, 63, 63, 64, 64, 32, BitmapFlags.COMPRESSION | BitmapFlags.NO_BITMAP_COMPRESSION_HDR, bytes(12000)
)


@dataclass(frozen=True)
class Rate:
    """One line of the result."""

    name: str
    per_second: float
    unit: str
    bytes_per_second: float = 0.0

    def __str__(self) -> str:
        volume = f"  {self.bytes_per_second / 1e6:8.1f} MB/s" if self.bytes_per_second else ""
        return f"{self.name:46} {self.per_second:10,.0f} {self.unit:12}{volume}"


def best_seconds(work: Callable[[], object]) -> float:
    best = float("inf")
    for _ in range(ROUNDS):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return best


def input_rate(name: str, frame: bytes, client: Scripted) -> Rate:
    """PDUs of three events each, one ``receive_data`` per PDU, as they come from a hand."""
    server = client.server

    def work() -> None:
        for _ in range(COUNT):
            server.receive_data(frame, 0.0)
            server.events()

    return Rate(name, COUNT / best_seconds(work), "PDUs/s")


def output_rate(name: str, tile: BitmapData, batch: int, client: Scripted) -> Rate:
    """Bitmaps, ``batch`` at a time, each batch drained as it would be into a socket."""
    server = client.server
    batches = COUNT // batch
    tiles = [tile] * batch

    def work() -> None:
        for _ in range(batches):
            server.send_bitmaps(tiles)
            server.data_to_send()

    rate = batches * batch / best_seconds(work)
    return Rate(name, rate, "bitmaps/s", rate * len(tile.data))


def graphics_rate(name: str, policy: SecurityPolicy, protocols: SecurityProtocol) -> Rate:
    """Frames of 3 MB on the graphics pipeline, as blocks of 1,600 bytes, each drained into a socket."""
    config = server_config(policy, channels=(CHANNEL_NAME,), tracer=NullTracer())
    pair = Linked(config, client_config(dynamic_channels=(CHANNEL_NAME,), protocols=protocols)).run()
    message = bytes(range(250)) * 12_000

    def work() -> None:
        pair.server.send_graphics(message)
        pair.server.data_to_send()

    rate = 1 / best_seconds(work)
    return Rate(name, rate, "frames/s", rate * len(message))


def set_up_rate(name: str, make: Callable[[], ServerConfig], protocols: SecurityProtocol) -> Rate:
    """Both sides in one process, to Active: half of the time is the client's."""
    count = 20
    config = make()

    def work() -> None:
        for _ in range(count):
            pair = Linked(config, client_config(protocols=protocols)).run()
            assert pair.server.is_active

    return Rate(name, count / best_seconds(work), "connections/s")


def active(protocols: SecurityProtocol = SecurityProtocol.RDP, *, fast_path: bool = True) -> Scripted:
    config = plaintext_config() if protocols == SecurityProtocol.RDP else server_config(tls_policy())
    client = Scripted(config, protocols=protocols).reach("CapabilitiesExchange")
    capabilities = CAPABILITIES if fast_path else CAPABILITIES[1:]
    client.send(client.confirm_active(capabilities), *client.finalization())
    assert client.server.output.is_fast_path == fast_path
    return client


def rates() -> list[Rate]:
    tls, plain, slow = active(SecurityProtocol.SSL), active(), active(fast_path=False)
    return [
        input_rate("input, fast path", plain.fast_input(EVENTS), plain),
        input_rate("input, slow path", plain.share_data(InputEvents(EVENTS)), plain),
        output_rate("bitmaps of 1.5 kB, fast path, 1 at a time", TILE, 1, plain),
        output_rate("bitmaps of 1.5 kB, fast path, 100 at a time", TILE, 100, plain),
        output_rate("bitmaps of 1.5 kB, fast path, 100, TLS", TILE, 100, tls),
        output_rate("bitmaps of 1.5 kB, slow path, 100 at a time", TILE, 100, slow),
        output_rate("bitmaps of 12 kB, fast path, 100 at a time", BIG_TILE, 100, plain),
        output_rate("bitmaps of 12 kB, fast path, 100, TLS", BIG_TILE, 100, tls),
        graphics_rate("graphics, 3 MB at a time, TLS", tls_policy(), SecurityProtocol.SSL),
        graphics_rate("graphics, 3 MB at a time, RC4", rdp_policy(), SecurityProtocol.RDP),
        set_up_rate(
            "set-up, no encryption",
            lambda: server_config(rdp_policy(level=EncryptionLevel.NONE)),
            SecurityProtocol.RDP,
        ),
        set_up_rate("set-up, RC4", lambda: server_config(rdp_policy()), SecurityProtocol.RDP),
        set_up_rate("set-up, TLS", lambda: server_config(tls_policy()), SecurityProtocol.SSL),
        set_up_rate("set-up, NLA", lambda: server_config(nla_policy()), SecurityProtocol.HYBRID),
    ]


if __name__ == "__main__":
    for rate in rates():
        print(rate)
