import asyncio
import errno
import logging
import resource
import socket

import pytest

from pyrdpmux.mux.log.rate_limited import MAX_KINDS, RateLimitedLog, quiet_accept_errors

logger = logging.getLogger("pyrdpmux.test")


class Clock:
    def __init__(self) -> None:
        self.now = 50.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_one_line_a_second_and_the_number_of_the_others(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    log = RateLimitedLog(logger, clock)
    for _ in range(1000):
        log.warning("refused", "%s: refused", "a")
        clock.now += 0.0009
    assert caplog.messages == ["a: refused"]
    clock.now = 51.0
    log.warning("refused", "%s: refused", "b")
    log.warning("refused", "%s: refused", "c")
    assert caplog.messages[1:] == ["b: refused (999 more like this were not logged)"]
    clock.now = 52.5
    log.warning("refused", "%s: refused", "d")
    assert caplog.messages[2:] == ["d: refused (1 more like this were not logged)"]
    clock.now = 54.0
    log.warning("refused", "%s: refused", "e")
    assert caplog.messages[3:] == ["e: refused"]


def test_kinds_do_not_hide_each_other(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    log = RateLimitedLog(logger, clock)
    for kind in ("a", "b", "a", "b"):
        log.warning(kind, "%s", kind)
    assert caplog.messages == ["a", "b"]


def test_who_invents_kinds_gets_no_more_lines(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    log = RateLimitedLog(logger, clock)
    for number in range(10_000):
        log.warning(f"kind {number}", "%d", number)
    assert len(caplog.messages) == MAX_KINDS + 1
    clock.now += 1
    log.warning("kind 7", "again")
    assert caplog.messages[-1] == "again"
    for number in range(10_000):
        log.warning(f"other {number}", "%d", number)
    assert len(caplog.messages) <= 2 * MAX_KINDS + 3
    assert len(log._kinds) <= MAX_KINDS + 1


def test_what_asyncio_says_of_failed_accepts(clock: Clock, caplog: pytest.LogCaptureFixture) -> None:
    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        quiet_accept_errors(loop, RateLimitedLog(logger, clock))
        servers = [await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0) for _ in range(3)]
        ports = [server.sockets[0].getsockname()[1] for server in servers]
        waiting = [socket.socket() for _ in ports]
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(found.fileno() for found in waiting) + 1, hard))
        try:
            for port, found in zip(ports, waiting, strict=True):
                found.setblocking(False)
                found.connect_ex(("127.0.0.1", port))
            await asyncio.sleep(0.05)
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        for found in waiting:
            found.close()
        for server in servers:
            server.close()
        loop.call_exception_handler({"message": "something else"})

    asyncio.run(scenario())
    assert [f"Errno {errno.EMFILE}" in text for text in caplog.messages] == [True, False]
    assert caplog.messages[1] == "something else"
    assert caplog.records[0].exc_info is None, "no traceback for a state that lasts"
