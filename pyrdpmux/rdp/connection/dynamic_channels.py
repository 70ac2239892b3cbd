"""Dynamic channels in the static channel ``drdynvc``: what managers of both sides share (MS-RDPEDYC 3.1).

A manager is itself a :class:`~.channel.Channel`, and gives those that it carries their messages. Which ones
there may be an ``Offer`` says; it is asked for a machine here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from pyrdpmux.errors import SequenceError, StateError
from pyrdpmux.rdp.channels.dynamic.messages import MessageReceiver, MessageSender
from pyrdpmux.rdp.channels.dynamic.pdu import (
    CHANNEL_NAME,
    VERSION_3,
    Close,
    Data,
    DataCompressed,
    DataFirst,
    DataFirstCompressed,
    DataPdu,
    DynamicPdu,
)
from pyrdpmux.rdp.connection.channel import Channel, Offer
from pyrdpmux.rdp.connection.events import ChannelClosed, ChannelOpened
from pyrdpmux.wire import Payload, encode, frame_offset

#: at the same time; a Windows server with everything redirected opens some twenty
MAX_CHANNELS: Final = 64

#: bytes in front of the data of a channel of one of the first 255 numbers
_USUAL_HEADER: Final = 2


@dataclass(slots=True)
class Carried:
    """One dynamic channel."""

    channel_id: int
    machine: Channel
    receiver: MessageReceiver
    #: from the moment on from which there is a peer
    sender: MessageSender | None = None


class DynamicChannels(Channel):
    """A manager. INVARIANT: there are at most MAX_CHANNELS channels, with one unfinished message each."""

    NAME = CHANNEL_NAME
    #: decoded type -> unbound method ``(self, pdu, now)``; looked up by exact type
    HANDLERS: ClassVar[dict[type, Callable[[Any, Any, float], None]]] = {}

    def __init__(self, offer: Offer) -> None:
        super().__init__(CHANNEL_NAME)
        self._offer = offer
        self._carried: dict[int, Carried] = {}
        #: by what is in front of their data, in the narrowest spelling
        self._headers: dict[bytes, int] = {}
        #: what both sides know; None until they have told each other
        self.version: int | None = None

    # -- for the owner ---------------------------------------------------------------------------

    def machine(self, name: str) -> Channel | None:
        """That of the open channel of this name; the one opened first, if there are several."""
        found = self._find(name)
        return found.machine if found is not None else None

    def send_message(self, name: str, message: bytes) -> None:
        """A message on the open channel of this name. Raises StateError without one."""
        found = self._require(name, "sending on")
        found.machine.send(message)
        self._forward(found)

    def forward(self, name: str) -> None:
        """Send what the machine of this channel has queued by itself. Raises StateError without one."""
        self._forward(self._require(name, "sending on"))

    def close(self, name: str, now: float) -> None:
        """Close the open channel of this name. Raises StateError without one."""
        found = self._require(name, "closing")
        self.send(encode(Close(found.channel_id)))
        self._end(found, now)

    # -- for the peer ----------------------------------------------------------------------------

    def decode(self, message: bytes) -> DynamicPdu:
        """The PDU of the other side in one message. Raises DecodeError."""
        raise NotImplementedError

    def received(self, message: bytes, now: float) -> None:
        channel_id = self._headers.get(message[:_USUAL_HEADER])
        if channel_id is not None:  # most of what ever comes, and nothing else can be read in it
            at = frame_offset(message) + _USUAL_HEADER
            self.on_data(Data(channel_id, Payload.at(at, message[_USUAL_HEADER:])), now)
            return
        pdu = self.decode(message)
        handler = self.HANDLERS.get(type(pdu))
        if handler is None:
            raise self.unexpected(pdu)
        handler(self, pdu, now)

    def unexpected(self, pdu: object, *expected: str) -> SequenceError:
        return SequenceError(CHANNEL_NAME, type(pdu).__name__, expected)

    def on_data(self, pdu: DataPdu, now: float) -> None:
        carried = self._carried.get(pdu.channel_id)
        if carried is None:
            self.on_stray(pdu)
            return
        if carried.sender is None:
            raise self.unexpected(pdu, "CreateResponse")
        message = carried.receiver.feed(pdu)
        if message is not None:
            carried.machine.received(message, now)
            self._forward(carried)

    def on_close(self, pdu: Close, now: float) -> None:
        raise NotImplementedError

    def on_stray(self, pdu: DataPdu | Close) -> None:
        """For a channel that is not there: one that was, or one that never was."""
        raise NotImplementedError

    # -- inside ----------------------------------------------------------------------------------

    def _find(self, name: str) -> Carried | None:
        for item in self._carried.values():
            if item.machine.name == name and item.sender is not None:
                return item
        return None

    def _require(self, name: str, action: str) -> Carried:
        found = self._find(name)
        if found is None:
            raise StateError(CHANNEL_NAME, f"{action} channel {name}, which is not open")
        return found

    def _carry(self, channel_id: int, name: str) -> Carried:
        """A channel that has no peer yet."""
        machine = self._offer.machine(name)
        max_message = self._offer.max_message if machine.MAX_MESSAGE is None else machine.MAX_MESSAGE
        carried = Carried(channel_id, machine, MessageReceiver(max_message))
        self._carried[channel_id] = carried
        self._headers[encode(Data(channel_id, b""))] = channel_id
        return carried

    def _begin(self, carried: Carried, now: float) -> None:
        """The channel has a peer."""
        compresses = carried.machine.COMPRESSES and (self.version or 0) >= VERSION_3
        carried.sender = MessageSender(carried.channel_id, compresses=compresses)
        self.emit(ChannelOpened(carried.machine.name))
        carried.machine.opened(now)
        self._forward(carried)

    def _end(self, carried: Carried, now: float, *, is_refused: bool = False) -> None:
        del self._carried[carried.channel_id]
        del self._headers[encode(Data(carried.channel_id, b""))]
        if not is_refused:
            carried.machine.closed(now)
            self._take_words(carried.machine)
        self.emit(ChannelClosed(carried.machine.name, is_refused))

    def _forward(self, carried: Carried) -> None:
        """What a machine has queued, in PDUs of ours."""
        assert carried.sender is not None
        for message in self._take_words(carried.machine):
            for block in carried.sender.encoded(message):
                self.send(block)

    def _take_words(self, machine: Channel) -> list[bytes]:
        queued = machine.take()
        for event in queued.events:
            self.emit(event)
        for text in queued.notes:
            self.note(f"{machine.name}: {text}")
        return queued.messages

    HANDLERS = {
        DataFirst: on_data,
        Data: on_data,
        DataFirstCompressed: on_data,
        DataCompressed: on_data,
    }
