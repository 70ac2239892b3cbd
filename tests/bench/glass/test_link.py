"""A slow link's words, and the relay's delay."""

import asyncio
import socket

import pytest

from bench.glass.delaying_relay import pump
from bench.glass.link import Link


def test_parse() -> None:
    assert Link.parse("5mbit,80ms") == Link(5_000_000, 0.08)
    assert Link.parse("512kbit,0ms") == Link(512_000, 0.0)


@pytest.mark.parametrize("text", ["", "5mbit", "80ms", "5mbit,80", "-5mbit,80ms", "5 mbit,80ms"])
def test_other_words(text: str) -> None:
    with pytest.raises(ValueError, match="5mbit,80ms"):
        Link.parse(text)


def test_what_is_under_way() -> None:
    assert Link(8_000_000, 0.1).under_way == 50_000 + 1500


def test_pump_hands_on_everything_in_order_and_the_end() -> None:
    data = bytes(range(256)) * 2000

    async def run() -> bytes:
        loop = asyncio.get_running_loop()
        (ours, source), (sink, theirs) = socket.socketpair(), socket.socketpair()
        with ours, source, sink, theirs:
            for end in (ours, source, sink, theirs):
                end.setblocking(False)
            got = bytearray()

            async def read() -> None:
                while more := await loop.sock_recv(theirs, 1 << 16):
                    got.extend(more)

            async def write() -> None:
                await loop.sock_sendall(ours, data)
                ours.shutdown(socket.SHUT_WR)

            async with asyncio.timeout(20), asyncio.TaskGroup() as group:
                group.create_task(pump(source, sink, 0.0, 20_000))
                group.create_task(read())
                group.create_task(write())
            return bytes(got)

    assert asyncio.run(run()) == data
