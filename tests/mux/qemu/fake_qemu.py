"""A stand-in QEMU on the test's event loop: QMP, the display on the D-Bus connection handed to it, listeners.

What it says on the wire was copied from QEMU 7.2; see tests/interop/test_qemu.py for the real one.
"""

import asyncio
import json
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np

from pyrdpmux.mux.qemu.message import (
    FIXED_SIZE,
    Header,
    Message,
    MessageKind,
    decode_message,
    encode_message,
    error_return,
    method_call,
    method_return,
    read_fixed_part,
)
from pyrdpmux.mux.qemu.wire import Variant

ROOT: Final = "/org/qemu/Display1"
DISPLAY: Final = "org.qemu.Display1"
LISTENER_PATH: Final = f"{ROOT}/Listener"
PROPERTIES: Final = "org.freedesktop.DBus.Properties"
X8R8G8B8: Final = 0x20020888
NO_REPLY: Final = 1


class Peer:
    """The server's end of a D-Bus connection."""

    def __init__(self, end: socket.socket, handle: Callable[[Message, list[int]], None]) -> None:
        self.messages: list[Message] = []
        self.is_closed = False
        self.serial = 0
        self._socket = end
        self._handle = handle
        self._lines = 0
        self._outbox: list[tuple[Message, tuple[int, ...]]] = []
        self._buffer = bytearray()
        self._descriptors: list[int] = []
        self._loop = asyncio.get_running_loop()
        end.setblocking(False)
        # Credentials would take the room of descriptors in socket.recv_fds().
        end.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 0)
        self._loop.add_reader(end, self._readable)

    def send(self, message: Message, *descriptors: int) -> None:
        """As soon as the client has authenticated."""
        if self._lines < 3:
            self._outbox.append((message, descriptors))
        else:
            data = encode_message(message)
            self._socket.settimeout(5.0)
            sent = socket.send_fds(self._socket, [data], list(descriptors))
            if sent < len(data):
                self._socket.sendall(data[sent:])
            self._socket.setblocking(False)

    def next_serial(self) -> int:
        self.serial += 1
        return self.serial

    def close(self) -> None:
        if not self.is_closed:
            self.is_closed = True
            self._loop.remove_reader(self._socket)
            self._socket.close()

    def _readable(self) -> None:
        try:
            data, descriptors, _, _ = socket.recv_fds(self._socket, 65536, 8)
        except ConnectionResetError:
            data, descriptors = b"", []
        self._descriptors += descriptors
        if not data:
            self.close()
            return
        self._buffer += data
        while self._lines < 3 and b"\r\n" in self._buffer:
            line, _, rest = self._buffer.partition(b"\r\n")
            self._buffer = rest
            answer = {0: b"OK 1234deadbeef\r\n", 1: b"AGREE_UNIX_FD\r\n", 2: b""}[self._lines]
            expected = (b"\0AUTH EXTERNAL ", b"NEGOTIATE_UNIX_FD", b"BEGIN")[self._lines]
            assert line.startswith(expected), line
            self._lines += 1
            self._socket.sendall(answer)
            if self._lines == 3:
                for message, attached in self._outbox:
                    self.send(message, *attached)
        while self._lines == 3 and (size := self._size()) and len(self._buffer) >= size:
            message = decode_message(bytes(self._buffer[:size]))
            del self._buffer[:size]
            count = message.header.unix_fds
            taken, self._descriptors = self._descriptors[:count], self._descriptors[count:]
            self.messages.append(message)
            self._handle(message, taken)

    def _size(self) -> int:
        if len(self._buffer) < FIXED_SIZE:
            return 0
        fixed = read_fixed_part(bytes(self._buffer[:FIXED_SIZE]))
        return FIXED_SIZE + fixed.padded_fields_size + fixed.body_size


class FakeListener:
    """QEMU's end of a socket that was registered."""

    def __init__(self, end: socket.socket) -> None:
        self.peer = Peer(end, lambda message, descriptors: None)

    def call(
        self, member: str, signature: str, *body: Any, descriptor: int | None = None, flags: int = NO_REPLY
    ) -> None:
        interface = f"{DISPLAY}.Listener"
        if member.endswith("Map"):
            interface += ".Unix.Map"
        if member in ("GetAll", "Get"):
            interface = PROPERTIES
        serial = self.peer.next_serial()
        count = int(descriptor is not None)
        message = method_call(
            serial, LISTENER_PATH, interface, member, signature, *body, unix_fds=count, flags=flags
        )
        self.peer.send(message, *([] if descriptor is None else [descriptor]))

    def scanout(self, pixels: "np.ndarray[Any, np.dtype[np.uint8]]", code: int = X8R8G8B8) -> None:
        height, width, _ = pixels.shape
        self.call("Scanout", "uuuuay", width, height, width * 4, code, pixels.tobytes())

    def update(self, x: int, y: int, pixels: "np.ndarray[Any, np.dtype[np.uint8]]") -> None:
        height, width, _ = pixels.shape
        self.call("Update", "iiiiuuay", x, y, width, height, width * 4, X8R8G8B8, pixels.tobytes())

    def answers(self) -> list[Message]:
        return self.peer.messages


class FakeQemu:
    """Listens at ``path`` until closed; what it was told is in ``calls`` and ``commands``."""

    def __init__(self, path: Path, name: str = "guest", consoles: tuple[int, ...] = (0,)) -> None:
        self.path = path
        self.name = name
        self.consoles = consoles
        self.display_options: dict[str, Any] = {"type": "dbus", "p2p": True}
        self.status = "running"
        self.is_absolute = True
        self.mode_hint: bool | None = None
        self.modifiers = 0
        self.size = (640, 480)
        #: virtio-gpu can
        self.can_resize = False
        #: listeners that it takes for one too many
        self.refusals = 0
        #: its consoles are those of graphics adapters, and not its own terminals
        self.is_graphic = False
        self.commands: list[str] = []
        self.calls: list[tuple[Any, ...]] = []
        #: paths of ``calls``
        self.paths: list[str] = []
        self.listeners: dict[str, FakeListener] = {}
        self.display: Peer | None = None
        self.monitor: socket.socket | None = None
        self._descriptor = -1
        self._buffer = bytearray()
        self._loop = asyncio.get_running_loop()
        path.unlink(missing_ok=True)
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(os.fspath(path))
        self._server.listen(1)
        self._server.setblocking(False)
        self._loop.add_reader(self._server, self._accept)

    def close(self, *, unlink: bool = False) -> None:
        """As if it was killed: the socket's file stays, unless it ended in an orderly way."""
        self._loop.remove_reader(self._server)
        self._server.close()
        self._hang_up()
        if self.display is not None:
            self.display.close()
        for listener in self.listeners.values():
            listener.peer.close()
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1
        if unlink:
            self.path.unlink()

    def event(self, name: str, **data: Any) -> None:
        self._say({"event": name, "data": data})

    def change(self, path: str, interface: str, **values: tuple[str, Any]) -> None:
        """A PropertiesChanged signal."""
        assert self.display is not None
        changed = {name: Variant(*value) for name, value in values.items()}
        header = Header(path=path, interface=PROPERTIES, member="PropertiesChanged", signature="sa{sv}as")
        body: tuple[Any, ...] = (f"{DISPLAY}.{interface}", changed, [])
        self.display.send(Message(MessageKind.SIGNAL, self.display.next_serial(), header, body, NO_REPLY))

    # -- QMP -------------------------------------------------------------------------------------

    def _accept(self) -> None:
        if self.monitor is not None:
            return  # one at a time, as QEMU does; it asks again when there is room
        self.monitor, _ = self._server.accept()
        self.monitor.setblocking(False)
        self._buffer.clear()
        self._loop.add_reader(self.monitor, self._command)
        version = {"qemu": {"major": 7, "minor": 2, "micro": 22}}
        self._say({"QMP": {"version": version, "capabilities": ["oob"]}})

    def _hang_up(self) -> None:
        if self.monitor is not None:
            self._loop.remove_reader(self.monitor)
            self.monitor.close()
            self.monitor = None

    def _say(self, message: dict[str, Any]) -> None:
        assert self.monitor is not None
        self.monitor.sendall(json.dumps(message).encode() + b"\r\n")

    def _command(self) -> None:
        assert self.monitor is not None
        data, descriptors, _, _ = socket.recv_fds(self.monitor, 65536, 4)
        if descriptors:
            [self._descriptor] = descriptors
        if not data:
            self._hang_up()
            return
        self._buffer += data
        while b"\n" in self._buffer:
            line, _, rest = self._buffer.partition(b"\n")
            self._buffer = rest
            request = json.loads(line)
            self.commands.append(request["execute"])
            answer = self._execute(request["execute"])
            self._say({**answer, "id": request["id"]})

    def _execute(self, command: str) -> dict[str, Any]:
        match command:
            case "query-display-options":
                return {"return": self.display_options}
            case "query-name":
                return {"return": {"name": self.name} if self.name else {}}
            case "query-uuid":
                return {"return": {"UUID": "12345678-0000-0000-0000-000000000000"}}
            case "query-status":
                return {"return": {"status": self.status, "running": self.status == "running"}}
            case "add_client":
                self.display = Peer(socket.socket(fileno=self._descriptor), self._handle)
                self._descriptor = -1
            case "qmp_capabilities" | "getfd":
                pass
            case _:
                return {"error": {"class": "CommandNotFound", "desc": f"no command {command}"}}
        return {"return": {}}

    # -- the display -----------------------------------------------------------------------------

    def _handle(self, message: Message, descriptors: list[int]) -> None:
        assert self.display is not None
        header = message.header
        interface = header.interface.removeprefix(f"{DISPLAY}.")
        if message.kind != MessageKind.METHOD_CALL:
            return
        if header.interface != PROPERTIES:
            self.calls.append((interface, header.member, *message.body))
            self.paths.append(header.path)
        serial = self.display.next_serial()
        answer = method_return(serial, message.serial)
        if header.member == "GetAll":
            values = self._properties(message.body[0].removeprefix(f"{DISPLAY}."))
            answer = method_return(serial, message.serial, "a{sv}", values)
        elif header.member == "RegisterListener" and self.refusals:
            self.refusals -= 1
            os.close(descriptors[0])
            error = f"{DISPLAY}.Error.Invalid"
            answer = error_return(serial, message.serial, error, "`:1.1` is already registered!")
        elif header.member == "RegisterListener":
            self.listeners[header.path] = FakeListener(socket.socket(fileno=descriptors[0]))
            self.listeners[header.path].call("GetAll", "s", f"{DISPLAY}.Listener", flags=0)
        elif header.member == "SetUIInfo" and not self.can_resize:
            error = f"{DISPLAY}.Error.Unsupported"
            answer = error_return(serial, message.serial, error, "SetUIInfo is not supported")
        elif (header.member == "SetAbsPosition") > self.is_absolute or (
            header.member == "RelMotion" and self.is_absolute
        ):
            kind = "relative" if self.is_absolute else "absolute"
            error = f"{DISPLAY}.Error.Invalid"
            answer = error_return(serial, message.serial, error, f"Mouse is not {kind}")
        if message.wants_reply:
            self.display.send(answer)

    def _properties(self, interface: str) -> dict[str, Variant]:
        match interface:
            case "VM":
                return {
                    "Name": Variant("s", self.name or "QEMU 7.2.0"),
                    "UUID": Variant("s", "12345678-0000-0000-0000-000000000000"),
                    "ConsoleIDs": Variant("au", list(self.consoles)),
                }
            case "Console":
                size = {"Width": Variant("u", self.size[0]), "Height": Variant("u", self.size[1])}
                return {"Type": Variant("s", "Graphic" if self.is_graphic else "Text"), **size}
            case "Keyboard":
                return {"Modifiers": Variant("u", self.modifiers)}
            case _:
                hint = self.is_absolute if self.mode_hint is None else self.mode_hint
                return {"IsAbsolute": Variant("b", hint)}
