"""The contract of a virtual channel's machine: static or dynamic, of a server or a client.

A machine is told what happens and with which time: it was opened, a message came, it was closed. What it has
to say, to the peer and to the owner, it queues; whoever told it takes that afterwards and sends it. It knows
no connection, so it can be tested by itself, and none of its mistakes reaches another channel.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from pyrdpmux.rdp.channels.dynamic.messages import DEFAULT_MAX_MESSAGE_SIZE
from pyrdpmux.rdp.connection.events import ChannelDataReceived, Event


@dataclass(slots=True)
class Queued:
    """What a machine has to say since it was last asked."""

    #: whole messages for the peer, in order
    messages: list[bytes] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    #: for the tracer
    notes: list[str] = field(default_factory=list)


class Channel:
    """One end of one channel. Subclasses override what concerns them.

    ``opened`` comes once, first; ``closed`` once, last, unless the whole connection ends. ``received`` raises
    PeerError for what its protocol does not allow, which ends the connection.
    """

    #: the name that the peer knows it by; it is also what an owner offers
    NAME: ClassVar[str] = ""
    #: of a dynamic channel: its priority class, 0 to 3 (MS-RDPEDYC 2.2.1.1.2)
    PRIORITY: ClassVar[int] = 0
    #: of a dynamic channel: what is sent is compressed where both sides can (version 3)
    COMPRESSES: ClassVar[bool] = False
    #: of a dynamic channel: the longest message that is taken; None for what the connection's limits say
    MAX_MESSAGE: ClassVar[int | None] = None

    def __init__(self, name: str) -> None:
        self.name = name
        self._queued = Queued()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name}>"

    def opened(self, now: float) -> None:
        """The peer is there and can be sent messages."""

    def received(self, message: bytes, now: float) -> None:
        """A whole message has come. Raises PeerError."""

    def closed(self, now: float) -> None:
        """Nothing can be sent any more, and nothing comes."""

    def send(self, message: bytes) -> None:
        """Queue a message for the peer."""
        self._queued.messages.append(message)

    def emit(self, event: Event) -> None:
        """Queue an event for the owner."""
        self._queued.events.append(event)

    def note(self, text: str) -> None:
        """Tell the tracer about something ignored on purpose."""
        self._queued.notes.append(text)

    @property
    def has_queued(self) -> bool:
        """``take`` has something to hand out."""
        queued = self._queued
        return bool(queued.messages or queued.events or queued.notes)

    def take(self) -> Queued:
        """What was queued since the last call."""
        queued, self._queued = self._queued, Queued()
        return queued


class RawChannel(Channel):
    """A channel that nobody here understands: its messages are the owner's to read and to write."""

    def received(self, message: bytes, now: float) -> None:
        self.emit(ChannelDataReceived(self.name, message))


@dataclass(frozen=True, slots=True)
class Offer:
    """Which channels an owner wants, by name, and the machines of its side."""

    #: a role's table: a machine for a name is made by a class, or by what knows more than its name
    table: Mapping[str, Callable[[str], Channel]]
    names: Sequence[str]
    #: the longest message of a channel that has no bound of its own
    max_message: int = DEFAULT_MAX_MESSAGE_SIZE

    def machine(self, name: str) -> Channel:
        """A new one for this channel."""
        return self.table.get(name, RawChannel)(name)
