"""D-Bus messages: 16 fixed bytes, an array of header fields, and a body."""

from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import Any, Final

from pyrdpmux.mux.qemu.wire import (
    MAX_MESSAGE,
    Variant,
    align,
    read_body,
    read_variant,
    write_body,
    write_value,
)
from pyrdpmux.wire import Reader, Writer

MAX_FIELDS: Final = 16 << 10
FIXED_SIZE: Final = 16
"""Bytes of a message up to, and with, the length of its header fields."""

LITTLE_ENDIAN: Final = ord("l")
PROTOCOL_VERSION: Final = 1


class MessageKind(IntEnum):
    """What a message is."""

    METHOD_CALL = 1
    METHOD_RETURN = 2
    ERROR = 3
    SIGNAL = 4


class MessageFlags(IntFlag):
    """How a call wants to be treated."""

    NO_REPLY_EXPECTED = 1
    NO_AUTO_START = 2


class Field(IntEnum):
    """Header fields."""

    PATH = 1
    INTERFACE = 2
    MEMBER = 3
    ERROR_NAME = 4
    REPLY_SERIAL = 5
    DESTINATION = 6
    SENDER = 7
    SIGNATURE = 8
    UNIX_FDS = 9


_FIELD_TYPES: Final = {
    Field.PATH: "o",
    Field.INTERFACE: "s",
    Field.MEMBER: "s",
    Field.ERROR_NAME: "s",
    Field.REPLY_SERIAL: "u",
    Field.DESTINATION: "s",
    Field.SENDER: "s",
    Field.SIGNATURE: "g",
    Field.UNIX_FDS: "u",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """The header fields of a message."""

    path: str = ""
    interface: str = ""
    member: str = ""
    error_name: str = ""
    reply_serial: int = 0
    destination: str = ""
    sender: str = ""
    signature: str = ""
    unix_fds: int = 0


@dataclass(frozen=True, slots=True)
class FixedPart:
    """The first 16 bytes of a message."""

    kind: int
    flags: int
    body_size: int
    serial: int
    fields_size: int

    @property
    def padded_fields_size(self) -> int:
        return -(-self.fields_size // 8) * 8


@dataclass(frozen=True, slots=True)
class Message:
    """One message; ``body`` holds a value per complete type of the header's signature."""

    kind: int
    serial: int
    header: Header
    body: tuple[Any, ...] = ()
    flags: int = 0

    @property
    def wants_reply(self) -> bool:
        return self.kind == MessageKind.METHOD_CALL and not self.flags & MessageFlags.NO_REPLY_EXPECTED


def read_fixed_part(data: bytes, *, max_body: int = MAX_MESSAGE) -> FixedPart:
    """The 16 bytes that say how long the rest is. DecodeError if that is not to be believed."""
    r = Reader(data, "Message")
    if (endian := r.u8("endian")) != LITTLE_ENDIAN:
        raise r.error("endian", f"{endian:#04x}, expected little-endian")
    kind, flags = r.u8("type"), r.u8("flags")
    if (version := r.u8("version")) != PROTOCOL_VERSION:
        raise r.error("version", f"{version}, expected {PROTOCOL_VERSION}")
    body_size = r.u32_le("body_length")
    if body_size > max_body:
        raise r.error("body_length", f"{body_size}, at most {max_body} allowed")
    serial, fields_size = r.u32_le("serial"), r.u32_le("fields_length")
    if fields_size > MAX_FIELDS:
        raise r.error("fields_length", f"{fields_size}, at most {MAX_FIELDS} allowed")
    return FixedPart(kind, flags, body_size, serial, fields_size)


def read_fields(data: bytes) -> Header:
    """The header fields (an array of structures) without their length in front."""
    r = Reader(data, "Header")
    found: dict[str, Any] = {}
    while r.remaining:
        align(r, "field", 8)
        code = r.u8("code")
        value = read_variant(r)
        if code in _FIELD_TYPES:
            field = Field(code)
            if value.signature != _FIELD_TYPES[field]:
                raise r.error(field.name, f"type {value.signature!r}, expected {_FIELD_TYPES[field]!r}")
            found[field.name.lower()] = value.value
    return Header(**found)


def decode_message(data: bytes) -> Message:
    """One whole message."""
    fixed = read_fixed_part(data[:FIXED_SIZE])
    r = Reader(data, "Message")
    r.pad("fixed", FIXED_SIZE)
    header = read_fields(r.raw("fields", fixed.fields_size))
    r.pad("padding", fixed.padded_fields_size - fixed.fields_size)
    body = read_body(header.signature, r.raw("body", fixed.body_size))
    r.finish("")
    return Message(fixed.kind, fixed.serial, header, body, fixed.flags)


def encode_message(message: Message) -> bytes:
    """The bytes of a message; EncodeError or ValueError if a value does not fit its type."""
    data = write_body(message.header.signature, message.body)
    w = Writer("Message")
    w.u8("endian", LITTLE_ENDIAN)
    w.u8("type", message.kind)
    w.u8("flags", message.flags)
    w.u8("version", PROTOCOL_VERSION)
    w.u32_le("body_length", len(data))
    w.u32_le("serial", message.serial)
    fields = [
        (int(field), Variant(kind, value))
        for field, kind in _FIELD_TYPES.items()
        if (value := getattr(message.header, field.name.lower()))
    ]
    write_value(w, "a(yv)", fields)
    w.pad("padding", -w.offset % 8)
    w.raw("body", data)
    return w.getvalue()


# -- the usual messages ------------------------------------------------------------------------------


def method_call(
    serial: int,
    path: str,
    interface: str,
    member: str,
    signature: str = "",
    *body: Any,
    destination: str = "",
    unix_fds: int = 0,
    flags: int = 0,
) -> Message:
    header = Header(
        path=path,
        interface=interface,
        member=member,
        signature=signature,
        destination=destination,
        unix_fds=unix_fds,
    )
    return Message(MessageKind.METHOD_CALL, serial, header, body, flags)


def method_return(
    serial: int, to_serial: int, signature: str = "", *body: Any, destination: str = ""
) -> Message:
    header = Header(reply_serial=to_serial, signature=signature, destination=destination)
    return Message(MessageKind.METHOD_RETURN, serial, header, body, MessageFlags.NO_REPLY_EXPECTED)


def error_return(serial: int, to_serial: int, name: str, text: str, *, destination: str = "") -> Message:
    header = Header(reply_serial=to_serial, error_name=name, signature="s", destination=destination)
    return Message(MessageKind.ERROR, serial, header, (text,), MessageFlags.NO_REPLY_EXPECTED)
