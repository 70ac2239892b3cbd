"""A D-Bus connection: to one QEMU directly, or to a bus on which QEMU is."""

import asyncio
import os
import socket
from collections.abc import Callable, Iterator
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from pyrdpmux.errors import BackendError
from pyrdpmux.mux.qemu.message import (
    FIXED_SIZE,
    MAX_FIELDS,
    Message,
    MessageFlags,
    MessageKind,
    decode_message,
    encode_message,
    error_return,
    method_call,
    method_return,
    read_fixed_part,
)
from pyrdpmux.mux.qemu.sockets import AUTHENTICATION_LINES, check_authentication, client_authentication
from pyrdpmux.mux.qemu.transport import SocketTransport, connect_unix
from pyrdpmux.net.fair import LoopShare

CALL_SECONDS: Final = 10.0
MAX_PENDING: Final = 256
"""Calls without an answer yet."""

MAX_BODY: Final = 16 << 10
"""Of a message here: properties are some hundred bytes, and each value takes us a microsecond."""

MAX_BUFFER: Final = 2 * (MAX_BODY + MAX_FIELDS)

DAEMON: Final = "org.freedesktop.DBus"
DAEMON_PATH: Final = "/org/freedesktop/DBus"
PEER: Final = "org.freedesktop.DBus.Peer"
SYSTEM_BUS: Final = "unix:path=/run/dbus/system_bus_socket"

Reply = Callable[["CallFailed | None"], None]


class CallFailed(BackendError):
    """The other side answered with an error."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(f"{name}: {text}")
        self.name = name
        self.text = text


class Connection:
    """Calls, and signals through ``on_signal``; ``on_lost`` once with the reason.

    ``destination`` is QEMU's unique name on a bus, empty without one.
    """

    def __init__(self, connection: socket.socket) -> None:
        self.destination = ""
        self.on_signal: Callable[[Message], None] = lambda message: None
        self.on_lost: Callable[[str], None] = lambda reason: None
        self._serial = 0
        self._lines = 0
        self._buffer = bytearray()
        self._pending: dict[int, asyncio.Future[Message] | Reply] = {}
        self._transport = SocketTransport(connection, self._received, self._lost)

    @property
    def is_closed(self) -> bool:
        return self._transport.is_closed

    async def call(
        self,
        path: str,
        interface: str,
        member: str,
        signature: str = "",
        *body: Any,
        descriptor: int | None = None,
        destination: str | None = None,
    ) -> tuple[Any, ...]:
        """The values of the reply; BackendError without one, CallFailed for an error."""
        message = method_call(
            self._next_serial(),
            path,
            interface,
            member,
            signature,
            *body,
            destination=self.destination if destination is None else destination,
            unix_fds=int(descriptor is not None),
        )
        reply: asyncio.Future[Message] = asyncio.get_running_loop().create_future()
        self._remember(message.serial, reply)
        try:
            async with asyncio.timeout(CALL_SECONDS):
                await self._send_call(message, descriptor)
                answer = await reply
        except TimeoutError:
            raise BackendError(f"{member}: no answer within {CALL_SECONDS:g} s") from None
        finally:
            self._pending.pop(message.serial, None)
        if answer.kind == MessageKind.ERROR:
            raise _failure(answer)
        return answer.body

    def post(
        self, path: str, interface: str, member: str, signature: str, *body: Any, reply: Reply | None = None
    ) -> bool:
        """A call that nobody waits for; False if it could not be sent. ``reply`` hears how it ended."""
        message = method_call(
            self._next_serial(),
            path,
            interface,
            member,
            signature,
            *body,
            destination=self.destination,
            flags=0 if reply else MessageFlags.NO_REPLY_EXPECTED,
        )
        if reply is not None and len(self._pending) >= MAX_PENDING:
            return False
        if not self._transport.write(encode_message(message)):
            return False
        if reply is not None:
            self._remember(message.serial, reply)
        return True

    def close(self) -> None:
        self._transport.close()
        self._forget("the connection is closed")

    async def _send_call(self, message: Message, descriptor: int | None) -> None:
        if descriptor is not None:
            await self._transport.write_with(encode_message(message), descriptor)
        elif not self._transport.write(encode_message(message)):
            raise BackendError("the connection is closed")

    def _next_serial(self) -> int:
        self._serial = self._serial % 0xFFFFFFFF + 1
        return self._serial

    def _remember(self, serial: int, reply: "asyncio.Future[Message] | Reply") -> None:
        if len(self._pending) >= MAX_PENDING:
            raise BackendError(f"{len(self._pending)} calls without an answer")
        self._pending[serial] = reply

    # -- receiving -------------------------------------------------------------------------------

    def use_share(self, share: LoopShare) -> None:
        """Read in turns of this share of the loop, of the VM that this connection is about."""
        self._transport.share = share

    def _received(self, data: bytes) -> Iterator[None]:
        self._buffer += data
        while self._lines < len(AUTHENTICATION_LINES):
            line, end, rest = self._buffer.partition(b"\r\n")
            if not end:
                break
            check_authentication(bytes(line), self._lines)
            self._lines += 1
            self._buffer = rest
        while self._lines == len(AUTHENTICATION_LINES) and len(self._buffer) >= FIXED_SIZE:
            fixed = read_fixed_part(bytes(self._buffer[:FIXED_SIZE]), max_body=MAX_BODY)
            size = FIXED_SIZE + fixed.padded_fields_size + fixed.body_size
            if len(self._buffer) < size:
                break
            message = decode_message(bytes(self._buffer[:size]))
            del self._buffer[:size]
            self._dispatch(message)
            yield
        if len(self._buffer) > MAX_BUFFER:
            raise BackendError(f"{len(self._buffer)} bytes that are no message")

    def _dispatch(self, message: Message) -> None:
        match message.kind:
            case MessageKind.METHOD_RETURN | MessageKind.ERROR:
                self._answered(message)
            case MessageKind.SIGNAL:
                self.on_signal(message)
            case MessageKind.METHOD_CALL if message.wants_reply:
                self._transport.write(encode_message(self._answer(message)))

    def _answered(self, message: Message) -> None:
        match self._pending.pop(message.header.reply_serial, None):
            case None:
                pass
            case asyncio.Future() as future:
                if not future.done():
                    future.set_result(message)
            case reply:
                reply(_failure(message) if message.kind == MessageKind.ERROR else None)

    def _answer(self, message: Message) -> Message:
        """Answer a call of the other side: Ping, or that there is no such method."""
        serial, caller = self._next_serial(), message.header.sender
        if (message.header.interface, message.header.member) == (PEER, "Ping"):
            return method_return(serial, message.serial, destination=caller)
        name = "org.freedesktop.DBus.Error.UnknownMethod"
        text = f"no method {message.header.member}"
        return error_return(serial, message.serial, name, text, destination=caller)

    def _lost(self, reason: str) -> None:
        self._forget(reason)
        self.on_lost(reason)

    def _forget(self, reason: str) -> None:
        pending, self._pending = self._pending, {}
        for reply in pending.values():
            if isinstance(reply, asyncio.Future) and not reply.done():
                reply.set_exception(BackendError(reason))


def _failure(message: Message) -> CallFailed:
    text = message.body[0] if message.body and isinstance(message.body[0], str) else "no reason given"
    return CallFailed(message.header.error_name, text)


# -- a bus -------------------------------------------------------------------------------------------


async def connect_bus(bus: str) -> Connection:
    """``bus``: "system", "session" or an address. We have a name on it then."""
    reasons = []
    for path in _socket_paths(bus):
        try:
            unix = await connect_unix(path, CALL_SECONDS)
            unix.sendall(client_authentication())
        except (BackendError, OSError) as error:
            reasons.append(str(error))
            continue
        connection = Connection(unix)
        try:
            await call_daemon(connection, "Hello")
        except BaseException:
            connection.close()
            raise
        return connection
    raise BackendError(f"D-Bus {bus}: {'; '.join(reasons) or 'no address of a unix socket'}")


async def call_daemon(
    connection: Connection, member: str, signature: str = "", *body: Any
) -> tuple[Any, ...]:
    """One of the bus daemon's own methods."""
    return await connection.call(DAEMON_PATH, DAEMON, member, signature, *body, destination=DAEMON)


def _socket_paths(bus: str) -> list[bytes]:
    addresses = {
        "system": os.environ.get("DBUS_SYSTEM_BUS_ADDRESS", SYSTEM_BUS),
        "session": os.environ.get("DBUS_SESSION_BUS_ADDRESS", ""),
    }.get(bus, bus)
    paths = []
    for address in addresses.split(";"):
        transport, _, options = address.partition(":")
        values = dict(option.split("=", 1) for option in options.split(",") if "=" in option)
        if transport != "unix":
            continue
        if "path" in values:
            paths.append(unquote_to_bytes(values["path"]))
        elif "abstract" in values:
            paths.append(b"\0" + unquote_to_bytes(values["abstract"]))
    return paths
