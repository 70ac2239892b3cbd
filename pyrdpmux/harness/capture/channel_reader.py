"""Virtual channels in captures: chunks decompressed and put together, dynamic channels, graphics."""

import functools
from dataclasses import dataclass, field
from typing import Final

from pyrdpmux.errors import LimitExceeded, PeerError
from pyrdpmux.harness.capture.compression import Budget, History
from pyrdpmux.harness.capture.graphics import GraphicsReader
from pyrdpmux.harness.capture.layer import ChannelMessage, DynamicChannelMessage, Layer
from pyrdpmux.harness.capture.stop import Direction
from pyrdpmux.rdp.channels.dynamic.messages import MAX_SINGLE_MESSAGE, MessageReceiver
from pyrdpmux.rdp.channels.dynamic.pdu import CHANNEL_NAME as DYNAMIC_CHANNEL
from pyrdpmux.rdp.channels.dynamic.pdu import (
    Close,
    CreateRequest,
    Data,
    DataCompressed,
    DataFirst,
    DataFirstCompressed,
    DataPdu,
    DynamicPdu,
    decode_client_pdu,
    decode_server_pdu,
)
from pyrdpmux.rdp.channels.graphics.header import CHANNEL_NAME as GRAPHICS_CHANNEL
from pyrdpmux.rdp.channels.graphics.pdu import decode_graphics, split_graphics
from pyrdpmux.rdp.channels.static import ChannelFlags, ChannelPdu, ChannelReassembler
from pyrdpmux.rdp.channels.traffic import decompressed
from pyrdpmux.wire import decode, encode

#: mstsc has a dozen open.
MAXIMUM_DYNAMIC_CHANNELS: Final = 64


@dataclass(slots=True)
class _StaticChannel:
    """One direction of a static channel."""

    reassembler: ChannelReassembler = field(default_factory=ChannelReassembler)
    #: chunks are missing, so that what comes is none's until a message begins
    is_lost: bool = False


@dataclass(slots=True)
class _DynamicChannel:
    """Both directions of a dynamic channel."""

    name: str
    receivers: dict[Direction, MessageReceiver] = field(
        default_factory=lambda: {direction: MessageReceiver() for direction in Direction}
    )
    lost: set[Direction] = field(default_factory=set)
    graphics: GraphicsReader = field(default_factory=GraphicsReader)


class ChannelReader:
    """All virtual channels of a connection. ``names`` are the static channels', by MCS channel."""

    def __init__(self, histories: dict[Direction, History], budget: Budget) -> None:
        self.names: dict[int, str] = {}
        self._histories = histories
        self._budget = budget
        self._static: dict[tuple[Direction, int], _StaticChannel] = {}
        self._dynamic: dict[int, _DynamicChannel] = {}

    def lose(self, direction: Direction) -> None:
        """Units of this direction are missing."""
        for (sender, _), static in self._static.items():
            if sender is direction:
                static.reassembler, static.is_lost = ChannelReassembler(), True
        for dynamic in self._dynamic.values():
            dynamic.receivers[direction] = MessageReceiver()
            dynamic.lost.add(direction)
            if direction is Direction.SERVER:
                dynamic.graphics.lose()

    def read(self, direction: Direction, channel_id: int, data: bytes, layers: list[Layer]) -> None:
        """Decode one Virtual Channel PDU and what it completes; appends to ``layers``. Raises PeerError."""
        pdu = decode(ChannelPdu, data)
        at = len(layers)
        layers.append(Layer(pdu, data, lambda: encode(pdu)))
        message = self._assemble(direction, channel_id, pdu)
        if message is None:
            return
        layers[at] = Layer(pdu, data, lambda: encode(pdu), is_innermost=False)
        name = self.names.get(channel_id, f"channel {channel_id}")
        is_dynamic = name == DYNAMIC_CHANNEL
        layers.append(Layer(ChannelMessage(name, message), message, lambda: message, not is_dynamic))
        if is_dynamic:
            self._read_dynamic(direction, message, layers)

    # -- static ----------------------------------------------------------------------------------

    def _assemble(self, direction: Direction, channel_id: int, pdu: ChannelPdu) -> bytes | None:
        channel = self._static.setdefault((direction, channel_id), _StaticChannel())
        plain = decompressed(pdu, self._histories[direction])
        if channel.is_lost:
            if not pdu.header.flags & ChannelFlags.FIRST:
                return None
            channel.is_lost = False
        try:
            return channel.reassembler.feed(plain)
        except PeerError:
            channel.reassembler, channel.is_lost = ChannelReassembler(), True
            raise

    # -- dynamic ---------------------------------------------------------------------------------

    def _read_dynamic(self, direction: Direction, message: bytes, layers: list[Layer]) -> None:
        decode_pdu = decode_client_pdu if direction is Direction.CLIENT else decode_server_pdu
        pdu: DynamicPdu = decode_pdu(message)
        at = len(layers)
        layers.append(Layer(pdu, message, lambda: encode(pdu)))
        match pdu:
            case CreateRequest(channel_id, name):
                self._dynamic.pop(channel_id, None)
                self._open(channel_id, name)
            case Close(channel_id):
                self._dynamic.pop(channel_id, None)
            case DataFirst() | Data() | DataFirstCompressed() | DataCompressed():
                channel = self._dynamic.get(pdu.channel_id)
                channel = channel or self._open(pdu.channel_id, f"channel {pdu.channel_id}")
                whole = self._assemble_dynamic(direction, channel, pdu)
                if whole is not None:
                    layers[at] = Layer(pdu, message, lambda: encode(pdu), is_innermost=False)
                    self._read_message(direction, channel, pdu.channel_id, whole, layers)

    def _open(self, channel_id: int, name: str) -> _DynamicChannel:
        if len(self._dynamic) >= MAXIMUM_DYNAMIC_CHANNELS:
            count = len(self._dynamic) + 1
            raise LimitExceeded("MAXIMUM_DYNAMIC_CHANNELS", count, MAXIMUM_DYNAMIC_CHANNELS)
        channel = self._dynamic[channel_id] = _DynamicChannel(name)
        return channel

    def _assemble_dynamic(self, direction: Direction, channel: _DynamicChannel, pdu: DataPdu) -> bytes | None:
        if direction in channel.lost:
            is_first = isinstance(pdu, DataFirst | DataFirstCompressed)
            # A short block is a whole message or the end of one, so that the next begins one.
            if is_first or len(pdu.data) < MAX_SINGLE_MESSAGE:
                channel.lost.discard(direction)
            if not is_first:
                return None
        try:
            message = channel.receivers[direction].feed(pdu)
        except PeerError:
            channel.receivers[direction] = MessageReceiver()
            channel.lost.add(direction)
            raise
        if message is not None:
            self._budget.spend(len(message))
        return message

    def _read_message(
        self,
        direction: Direction,
        channel: _DynamicChannel,
        channel_id: int,
        message: bytes,
        layers: list[Layer],
    ) -> None:
        value = DynamicChannelMessage(channel.name, channel_id, message)
        at = len(layers)
        layers.append(Layer(value, message, lambda: message))
        if channel.name != GRAPHICS_CHANNEL:
            return
        plain = message
        if direction is Direction.SERVER:
            plain = channel.graphics.decompress(message)
            self._budget.spend(len(plain))
        pdus, parts = decode_graphics(plain), split_graphics(plain)
        layers[at] = Layer(value, message, lambda: message, is_innermost=False)
        for pdu, data in zip(pdus, parts, strict=True):
            layers.append(Layer(pdu, data, functools.partial(encode, pdu)))
