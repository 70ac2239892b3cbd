"""A client in the middle of a conversation with a server that is a list of bytes."""

from typing import Any

from pyrdpmux.rfb.client import RfbClient
from pyrdpmux.rfb.config import RfbConfig
from pyrdpmux.rfb.events import Event, Failed, UpdateStarted
from pyrdpmux.rfb.pixel_format import BGRX
from pyrdpmux.rfb.server_messages import ServerInit
from pyrdpmux.wire import encode

VERSION_8 = b"RFB 003.008\n"
NO_SECURITY = b"\1\1" + bytes(4)
"""One type, None, which succeeds."""


def server_init(width: int = 64, height: int = 48, name: bytes = b"test") -> bytes:
    return encode(ServerInit(width, height, BGRX, len(name))) + name


def events_of(client: RfbClient, data: bytes = b"") -> list[Event]:
    """What comes of this data, but for UpdateStarted, which begins every update.

    A failure is raised, so that tests can ask for it with ``pytest.raises``.
    """
    client.receive_data(data)
    events: list[Event] = []
    while (event := client.next_event()) is not None:
        if isinstance(event, Failed):
            raise event.error
        if not isinstance(event, UpdateStarted):
            events.append(event)
    return events


def connected_client(width: int = 64, height: int = 48, name: bytes = b"test", **config: Any) -> RfbClient:
    """The handshake is behind it, and all it sent for it is taken."""
    client = RfbClient(RfbConfig(**config))
    events_of(client, VERSION_8 + NO_SECURITY + server_init(width, height, name))
    client.data_to_send()
    return client
