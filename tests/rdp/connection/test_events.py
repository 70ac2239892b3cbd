"""What of an event may stand in a log: `pyrdpmux -v` writes them as they are."""

import pytest

from pyrdpmux.rdp.channels.graphics.cache import CacheEntry
from pyrdpmux.rdp.channels.graphics.header import GraphicsCommand
from pyrdpmux.rdp.channels.graphics.pdu import UnknownGraphics
from pyrdpmux.rdp.connection.events import (
    AutoReconnectCookieReceived,
    ChannelDataReceived,
    ConnectionRequested,
    GraphicsCacheOffered,
    GraphicsCommandsReceived,
    GraphicsReceived,
    PointerReceived,
)
from pyrdpmux.rdp.pdu.pointer import PointerMessageType, UnknownPointer
from pyrdpmux.rdp.pdu.update import UnknownUpdate, UpdateType
from pyrdpmux.rdp.x224.negotiation import SecurityProtocol

SECRET = b"correct horse battery staple"


@pytest.mark.parametrize(
    ("event", "shown"),
    [
        (ChannelDataReceived("cliprdr", SECRET), "ChannelDataReceived('cliprdr', 28 bytes)"),
        (ConnectionRequested(SecurityProtocol.SSL, SECRET, SECRET), "28 bytes"),
        (ConnectionRequested(SecurityProtocol.SSL, None, None), "routing=None"),
        (GraphicsReceived(UnknownUpdate(UpdateType(9), SECRET)), "GraphicsReceived(UnknownUpdate)"),
        (
            GraphicsCommandsReceived((UnknownGraphics(GraphicsCommand(9), SECRET),)),
            "GraphicsCommandsReceived(1 commands)",
        ),
        (GraphicsCacheOffered((CacheEntry(1, 2),) * 5000), "GraphicsCacheOffered(5000 entries)"),
        (PointerReceived(UnknownPointer(PointerMessageType(9), SECRET)), "PointerReceived(UnknownPointer)"),
        (AutoReconnectCookieReceived(1, SECRET), "AutoReconnectCookieReceived(logon_id=1)"),
    ],
)
def test_what_is_carried_is_not_shown(event: object, shown: str) -> None:
    assert shown in repr(event)
    assert "horse" not in repr(event)
