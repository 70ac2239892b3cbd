"""QMP: QEMU's monitor as lines of JSON on a unix socket."""

import asyncio
import json
import socket
from collections.abc import Callable, Iterator
from typing import Any, Final, TypeAlias

from pyrdpmux.errors import BackendError
from pyrdpmux.mux.qemu.transport import SocketTransport, connect_unix
from pyrdpmux.net.fair import LoopShare

MAX_LINE: Final = 64 << 10
"""Of an answer; those that we ask for take some hundred bytes."""

GREETING_SECONDS: Final = 3.0
"""A monitor serves one client: the next one is accepted by the kernel, and greeted when that one leaves."""

COMMAND_SECONDS: Final = 10.0

Answer: TypeAlias = dict[str, Any]


class CommandFailed(BackendError):
    """QEMU refused."""


class QmpClient:
    """Made by :meth:`connect`. ``on_event`` gets names and data; ``on_lost`` once the reason."""

    def __init__(self, connection: socket.socket) -> None:
        self.on_event: Callable[[str, Answer], None] = lambda name, data: None
        self.on_lost: Callable[[str], None] = lambda reason: None
        self.version = ""
        self._buffer = bytearray()
        self._number = 0
        self._pending: dict[int, asyncio.Future[Any]] = {}
        self._greeting: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._transport = SocketTransport(connection, self._received, self._lost)

    @classmethod
    async def connect(cls, path: str) -> "QmpClient":
        """Greeted, and ready for commands. BackendError says why not."""
        client = cls(await connect_unix(path, GREETING_SECONDS))
        try:
            async with asyncio.timeout(GREETING_SECONDS):
                client.version = _version(await client._greeting)
                await client.execute("qmp_capabilities")
        except TimeoutError:
            client.close()
            raise BackendError(f"{path}: no greeting: another program uses this monitor") from None
        except BackendError as error:
            client.close()
            raise BackendError(f"{path}: {error}") from error
        except BaseException:
            client.close()
            raise
        return client

    @property
    def is_closed(self) -> bool:
        return self._transport.is_closed

    async def execute(self, command: str, *, descriptor: int | None = None, **arguments: Any) -> Any:
        """What the command returns; CommandFailed if QEMU refuses."""
        self._number += 1
        number = self._number
        request = {"execute": command, "arguments": arguments, "id": number}
        line = json.dumps(request).encode() + b"\n"
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._pending[number] = answer
        try:
            async with asyncio.timeout(COMMAND_SECONDS):
                if descriptor is not None:
                    await self._transport.write_with(line, descriptor)
                elif not self._transport.write(line):
                    raise BackendError("the monitor is closed")
                return await answer
        except TimeoutError:
            raise BackendError(f"{command}: no answer within {COMMAND_SECONDS:g} s") from None
        finally:
            self._pending.pop(number, None)

    def close(self) -> None:
        self._transport.close()
        self._forget("the monitor is closed")

    def use_share(self, share: LoopShare) -> None:
        """Read in turns of this share of the loop, of the VM that this monitor is about."""
        self._transport.share = share

    def _received(self, data: bytes) -> Iterator[None]:
        self._buffer += data
        while (end := self._buffer.find(b"\n")) >= 0:
            line = bytes(self._buffer[:end])
            del self._buffer[: end + 1]
            self._line(line)
            yield
        if len(self._buffer) > MAX_LINE:
            raise BackendError(f"a line of more than {MAX_LINE} bytes")

    def _line(self, line: bytes) -> None:
        try:
            message = json.loads(line)
        except (ValueError, RecursionError):
            raise BackendError("the monitor does not speak JSON") from None
        if not isinstance(message, dict):
            raise BackendError("the monitor does not speak QMP")
        if "QMP" in message:
            if not self._greeting.done():
                self._greeting.set_result(message["QMP"])
        elif isinstance(name := message.get("event"), str):
            data = message.get("data")
            self.on_event(name, data if isinstance(data, dict) else {})
        else:
            self._answered(message)

    def _answered(self, message: Answer) -> None:
        number = message.get("id")
        answer = self._pending.pop(number, None) if isinstance(number, int) else None
        if answer is None or answer.done():
            return
        if "return" in message:
            answer.set_result(message["return"])
            return
        error = message.get("error")
        text = error.get("desc") if isinstance(error, dict) else error
        answer.set_exception(CommandFailed(text if isinstance(text, str) else "no reason given"))

    def _lost(self, reason: str) -> None:
        self._forget(reason)
        self.on_lost(reason)

    def _forget(self, reason: str) -> None:
        pending, self._pending = [self._greeting, *self._pending.values()], {}
        for answer in pending:
            if not answer.done():
                answer.set_exception(BackendError(reason))
                answer.exception()  # nobody may be waiting for it


def _version(greeting: object) -> str:
    """ "7.2.22", or nothing if QEMU does not say."""
    match greeting:
        case {"version": {"qemu": {"major": major, "minor": minor, "micro": micro}}}:
            return f"{major}.{minor}.{micro}"
    return ""
