"""The nanomsg socket when its peer stands still."""

import asyncio
from pathlib import Path

from pyrdpmux.mux.librdpmux.transport import BACKLOG, RECEIVE_BUFFER, SEND_BUFFER, PairSocket
from tests.mux.rdp_client import eventually


class Notes:
    """A socket's user that takes what comes."""

    def __init__(self) -> None:
        self.messages: list[bytes] = []

    def received(self, messages: list[bytes]) -> None:
        self.messages += messages

    def connected(self) -> None: ...

    def disconnected(self) -> None: ...


#: so large that the kernel's buffers hold few of them
FILLER = bytes(1000)


def test_what_was_kept_for_a_peer_that_stood_still_arrives_without_another_message(tmp_path: Path) -> None:
    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        notes = Notes()
        ours, theirs = PairSocket(Notes()), PairSocket(notes)
        try:
            theirs.dial(ours.listen(tmp_path / "socket", None))
            await eventually(lambda: ours.is_connected and theirs.is_connected)
            descriptor = theirs._socket.recv_fd
            loop.remove_reader(descriptor)
            count = SEND_BUFFER + RECEIVE_BUFFER + 900
            for number in range(count):
                ours.send(number.to_bytes(2, "big") + FILLER)
            assert 0 < len(ours._backlog) < BACKLOG
            loop.add_reader(descriptor, theirs._readable)
            await eventually(lambda: len(notes.messages) == count)
            assert [int.from_bytes(message[:2], "big") for message in notes.messages] == list(range(count))
            assert ours._send_descriptor is None
        finally:
            ours.close()
            theirs.close()

    asyncio.run(scenario())
