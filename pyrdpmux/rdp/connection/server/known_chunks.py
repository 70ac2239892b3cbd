"""Chunks of static channels, and those that begin like one that has been read before.

What a client acknowledges has one length, frame after frame: what is in front of its data is the same to the
byte, and needs not be read field by field again.
"""

from dataclasses import dataclass
from typing import Final

from pyrdpmux.rdp.channels.static import ChannelPdu, ChannelPduHeader
from pyrdpmux.rdp.connection.facts import StaticChannel
from pyrdpmux.wire import Payload, frame_offset

MAX_KNOWN: Final = 16
"""Lengths of frames of which a beginning is kept, some twenty bytes each."""

MAX_FRAME: Final = 2048
"""Bytes of a frame that may be kept in mind: a longer one costs more than its beginning."""


@dataclass(frozen=True, slots=True)
class ReceivedChunk:
    """A chunk and the static channel that it came on."""

    channel: StaticChannel
    pdu: ChannelPdu


class KnownChunks:
    """Of one session, where nothing is encrypted but by TLS.

    INVARIANT: what is found is what reading the frame would give. All that decides about that is in front of
    the data: every length but the frame's own, the channel, and the flags.
    """

    def __init__(self) -> None:
        #: by the length of the frame
        self._known: dict[int, tuple[bytes, StaticChannel, ChannelPduHeader]] = {}

    def find(self, frame: bytes) -> ReceivedChunk | None:
        """The chunk in ``frame``; None where the frame has to be read."""
        known = self._known.get(len(frame))
        if known is None or not frame.startswith(known[0]):
            return None
        front, channel, header = known
        data = Payload.at(len(front), frame[len(front) :])
        return ReceivedChunk(channel, ChannelPdu(header, data))

    def learn(self, frame: bytes, chunk: ReceivedChunk) -> None:
        """What ``frame`` was read to be, its data being all of its end."""
        data = chunk.pdu.data
        at = frame_offset(data)
        if len(frame) > MAX_FRAME or not at or at + len(data) != len(frame):
            return
        if len(self._known) >= MAX_KNOWN:
            self._known.clear()
        self._known[len(frame)] = frame[:at], chunk.channel, chunk.pdu.header
