"""The channels that a client understands."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from pyrdpmux.rdp.connection.channel import Channel
from pyrdpmux.rdp.connection.client.channels.display_control import DisplayControl
from pyrdpmux.rdp.connection.client.channels.graphics import Graphics

#: name -> class; any other channel is a RawChannel
CLIENT_CHANNELS: Final[Mapping[str, type[Channel]]] = MappingProxyType(
    {channel.NAME: channel for channel in (DisplayControl, Graphics)}
)
