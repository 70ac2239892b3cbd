"""Who is the client of a connection whose SYN was not captured: its first bytes tell better than ports."""

from dataclasses import replace

from pyrdpmux.harness.capture.framing import begins_x224
from pyrdpmux.harness.capture.stop import Direction
from pyrdpmux.harness.capture.stream import Run, Stream
from pyrdpmux.harness.capture.tcp import Conversation


def recognized(conversation: Conversation) -> Conversation:
    """The conversation with client and server as X.224 says, and nothing missing before its first packet."""
    client, server = conversation.from_client, conversation.from_server
    if _begins(client, Direction.SERVER) or _begins(server, Direction.CLIENT):
        client, server = server, client
        conversation = replace(conversation, client=conversation.server, server=conversation.client)
    return replace(
        conversation,
        from_client=_from_beginning(client, Direction.CLIENT),
        from_server=_from_beginning(server, Direction.SERVER),
    )


def _begins(stream: Stream, direction: Direction) -> bool:
    return bool(stream.runs) and begins_x224(stream.runs[0].data, direction)


def _from_beginning(stream: Stream, direction: Direction) -> Stream:
    first = stream.runs[0] if stream.runs else None
    if first is None or first.gap is None or first.gap.size is not None or not _begins(stream, direction):
        return stream
    return replace(stream, runs=[Run(first.data, first.arrivals), *stream.runs[1:]])
