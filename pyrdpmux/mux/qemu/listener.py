"""The socket on which QEMU shows a console, read by a thread that does nothing else.

QEMU writes there without ever waiting and queues what is not read, in its own memory and without limit; and
when the listener is registered it asks for properties and waits, in its main loop. So neither may depend on
what the event loop is busy with.
"""

import contextlib
import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from typing import Final

import numpy as np

from pyrdpmux.errors import BackendError, PeerError
from pyrdpmux.geometry import Rect
from pyrdpmux.mux.qemu.message import (
    FIXED_SIZE,
    FixedPart,
    Header,
    Message,
    MessageKind,
    encode_message,
    error_return,
    method_return,
    read_fields,
    read_fixed_part,
)
from pyrdpmux.mux.qemu.picture import Picture
from pyrdpmux.mux.qemu.sockets import AUTHENTICATION_LINES, Stream, check_authentication
from pyrdpmux.mux.qemu.wire import MAX_MESSAGE, Variant, read_body
from pyrdpmux.wire import Block

log = logging.getLogger("pyrdpmux.qemu")

LISTENER: Final = "org.qemu.Display1.Listener"
MAP: Final = "org.qemu.Display1.Listener.Unix.Map"
PROPERTIES: Final = "org.freedesktop.DBus.Properties"
PEER: Final = "org.freedesktop.DBus.Peer"

MAX_PICTURE: Final = 128 << 20
"""The D-Bus specification's largest message."""

KEPT_SCRATCH: Final = 8 << 20
"""Memory for pixels that is kept for the next message; what is more is given back."""

MESSAGES_PER_SECOND: Final = 4000
"""A QEMU that has more to say than dozens of rectangles per frame has to wait, since reading them takes the
interpreter from everybody else."""

RESERVE: Final = 1000
"""Messages that may come at once."""

MAX_HEADERS: Final = 64
"""Distinct ones that are remembered; QEMU has about ten."""

MAX_COMPLAINTS: Final = 8

SCANOUT: Final = Block(width="u32", height="u32", stride="u32", format="u32", length="u32")
UPDATE: Final = Block(x="i32", y="i32", width="i32", height="i32", stride="u32", format="u32", length="u32")


class Listener:
    """Reads until the socket ends; ``ended`` is called by its thread then, with the reason."""

    def __init__(self, connection: socket.socket, picture: Picture, ended: Callable[[str], None]) -> None:
        self._socket = connection
        self._stream = Stream(connection)
        self._picture = picture
        self._ended = ended
        self._headers: dict[bytes, Header] = {}
        self._scratch = np.empty(0, np.uint8)
        self._serial = 0
        self._complaints: set[str] = set()
        self._credit = float(RESERVE)
        self._credited = time.monotonic()
        self._thread = threading.Thread(target=self._run, name="QEMU listener", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """The thread ends as soon as it has done what it is at, and closes the socket."""
        with contextlib.suppress(OSError):  # it has ended already
            self._socket.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """The same, and wait for it."""
        self.stop()
        self._thread.join()

    # -- the thread ------------------------------------------------------------------------------

    def _run(self) -> None:
        reason = "connection closed"
        try:
            for number in range(len(AUTHENTICATION_LINES)):
                check_authentication(self._stream.read_line(), number)
            while True:
                self._wait_for_credit()
                self._read_message()
        except EOFError as error:
            reason = str(error)
        except (BackendError, PeerError) as error:
            reason = str(error)
            log.warning("QEMU's display: %s", error)
        except OSError as error:
            reason = error.strerror or str(error)
        except Exception as error:
            reason = f"{type(error).__name__}: {error}"
            log.exception("QEMU's display")
        finally:
            self._stream.close()
            self._socket.close()
            self._picture.close()
            self._ended(reason)

    def _wait_for_credit(self) -> None:
        now = time.monotonic()
        self._credit += (now - self._credited) * MESSAGES_PER_SECOND
        self._credit = min(self._credit, RESERVE) - 1
        self._credited = now
        if self._credit < 0:
            time.sleep(-self._credit / MESSAGES_PER_SECOND)

    def _complain(self, text: str) -> None:
        """Once per connection."""
        if text not in self._complaints and len(self._complaints) < MAX_COMPLAINTS:
            self._complaints.add(text)
            log.warning("%s", text)

    def _read_message(self) -> None:
        fixed = read_fixed_part(self._stream.read(FIXED_SIZE), max_body=MAX_PICTURE)
        header = self._header(self._stream.read(fixed.padded_fields_size)[: fixed.fields_size])
        if fixed.kind == MessageKind.METHOD_CALL and (hot := self._HOT.get(_what(header))) is not None:
            hot(self, fixed.body_size)
            message = Message(fixed.kind, fixed.serial, header, (), fixed.flags)
            if message.wants_reply:  # no QEMU yet, but one would wait for it
                self._socket.sendall(encode_message(self._reply(message)))
            if not header.unix_fds:
                return
        elif fixed.body_size > MAX_MESSAGE:
            raise BackendError(f"{header.member} of {fixed.body_size} bytes")
        else:
            body = self._stream.read(fixed.body_size)
            values = read_body(header.signature, body)
            self._handle(Message(fixed.kind, fixed.serial, header, values, fixed.flags))
            return
        for descriptor in self._stream.take_descriptors(header.unix_fds):
            os.close(descriptor)

    def _header(self, fields: bytes) -> Header:
        """QEMU's headers are the same from message to message."""
        header = self._headers.get(fields)
        if header is None:
            header = read_fields(fields)
            if len(self._headers) >= MAX_HEADERS:
                self._headers.clear()
            self._headers[fields] = header
        return header

    # -- what comes all the time -----------------------------------------------------------------

    def _scanout(self, size: int) -> None:
        width, height, stride, code, length = SCANOUT.unpack(self._read_block(SCANOUT, size))
        pixels = self._pixels(length, size - SCANOUT.size)
        self._picture.scanout(width, height, stride, code, pixels)
        self._give_back(pixels)

    def _update(self, size: int) -> None:
        x, y, width, height, stride, code, length = UPDATE.unpack(self._read_block(UPDATE, size))
        pixels = self._pixels(length, size - UPDATE.size)
        self._picture.update(Rect(x, y, width, height), stride, code, pixels)
        self._give_back(pixels)

    def _read_block(self, block: Block, size: int) -> bytes:
        if size < block.size:
            raise BackendError(f"a body of {size} bytes, at least {block.size} expected")
        return self._stream.read(block.size)

    def _pixels(self, length: int, left: int) -> memoryview:
        if length != left:
            raise BackendError(f"{length} bytes of pixels in a body that has {left} left")
        if len(self._scratch) < length:
            # Not a bytearray, which is cleared while the interpreter waits: 100 ms for an 8K picture.
            self._scratch = np.empty(length, np.uint8)
        pixels = self._scratch.data[:length]
        self._stream.read_into(pixels)
        return pixels

    def _give_back(self, pixels: memoryview) -> None:
        pixels.release()
        if len(self._scratch) > KEPT_SCRATCH:
            self._scratch = np.empty(0, np.uint8)

    _HOT: Final[dict[tuple[str, str, str], Callable[["Listener", int], None]]] = {
        (LISTENER, "Scanout", "uuuuay"): _scanout,
        (LISTENER, "Update", "iiiiuuay"): _update,
    }

    # -- and the rest ----------------------------------------------------------------------------

    def _handle(self, message: Message) -> None:
        descriptors = self._stream.take_descriptors(message.header.unix_fds)
        try:
            answer = self._act(message, descriptors)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
        if message.wants_reply:
            self._socket.sendall(encode_message(answer))

    def _act(self, message: Message, descriptors: list[int]) -> Message:
        """What is done, and its answer; a descriptor that is kept is taken out of the list."""
        body = message.body
        match _what(message.header):
            case (_, "CursorDefine", "iiiiay"):
                self._picture.define_cursor(*body)
            case (_, "MouseSet", "iii"):
                self._picture.set_pointer(body[0], body[1], bool(body[2]))
            case (_, "Disable", ""):
                self._picture.disable()
            case (_, "ScanoutMap", "huuuuu") if len(descriptors) == 1:
                return self._map(message, descriptors.pop())
            case (_, "UpdateMap", "iiii"):
                self._picture.update_map(Rect(*body))
            case (_, "ScanoutDMABUF" | "ScanoutDMABUF2", _):
                self._complain("QEMU shows a surface of the graphics card: run it without gl=on")
                self._picture.disable()
            case (_, "UpdateDMABUF", _) | (_, "Ping", ""):
                pass
            case (_, "GetAll", "s"):
                return self._reply(message, "a{sv}", {"Interfaces": Variant("as", [MAP])})
            case (_, "Get", "ss"):
                return self._reply(message, "v", Variant("as", [MAP]))
            case _:
                return self._refuse(message, "UnknownMethod", f"no method {message.header.member}")
        return self._reply(message)

    def _map(self, message: Message, descriptor: int) -> Message:
        """QEMU goes on with copies if it is refused."""
        _, offset, width, height, stride, code = message.body
        try:
            self._picture.scanout_map(descriptor, offset, width, height, stride, code)
        except (BackendError, OSError) as error:
            self._complain(f"QEMU's shared memory: {error}")
            return self._refuse(message, "Failed", str(error))
        return self._reply(message)

    def _reply(self, message: Message, signature: str = "", *body: object) -> Message:
        self._serial += 1
        sender = message.header.sender
        return method_return(self._serial, message.serial, signature, *body, destination=sender)

    def _refuse(self, message: Message, name: str, text: str) -> Message:
        self._serial += 1
        error = f"org.freedesktop.DBus.Error.{name}"
        return error_return(self._serial, message.serial, error, text, destination=message.header.sender)


def _what(header: Header) -> tuple[str, str, str]:
    return header.interface, header.member, header.signature


__all__ = ["LISTENER", "MAP", "FixedPart", "Listener"]
