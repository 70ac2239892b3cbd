"""Any PDU in one line (what differs from a field's default, payloads by size and check sum), or as JSON."""

import dataclasses
import zlib
from enum import Enum, Flag
from typing import Final

#: Longer payloads are told by their size and CRC-32.
SHORT_SIZE: Final = 20
#: Longer integers are RSA numbers.
LONGEST_INTEGER: Final = 64


def describe(value: object) -> str:
    """``ClassName(field=value, ...)`` without the fields that have their default values."""
    match value:
        case bytes():
            return _bytes(value)
        case Enum():
            return _enum(value)
        case int() if value.bit_length() > LONGEST_INTEGER:
            return f"<{value.bit_length()} bits>"
        case tuple() | list():
            return f"[{', '.join(map(describe, value))}]"
        case _ if dataclasses.is_dataclass(value):
            return _dataclass(value)
        case _:
            return repr(value)


def as_json(value: object) -> object:
    """What ``json.dumps`` takes: every field, bytes in hexadecimal; what does not print stays secret."""
    match value:
        case bytes():
            return value.hex()
        case Enum():
            return _enum(value)
        case bool() | int() | float() | str() | None:
            return value
        case tuple() | list():
            return [as_json(item) for item in value]
        case _ if dataclasses.is_dataclass(value):
            fields = [field.name for field in dataclasses.fields(value) if field.repr]
            return {"type": type(value).__name__, **{name: as_json(getattr(value, name)) for name in fields}}
        case _:
            return repr(value)


def _bytes(data: bytes) -> str:
    if len(data) <= SHORT_SIZE:
        return f"<{data.hex(' ')}>"
    return f"<{len(data)} bytes, crc {zlib.crc32(data):08x}>"


def _enum(value: Enum) -> str:
    if isinstance(value, Flag):
        return str(value.name).replace("|", "+") if value.value else "0"
    return str(value.name)


def _dataclass(value: object) -> str:
    words = []
    for field in dataclasses.fields(value):  # type: ignore[arg-type]  # the caller has made sure
        content = getattr(value, field.name)
        if field.repr and not (field.default is not dataclasses.MISSING and content == field.default):
            words.append(f"{field.name}={describe(content)}")
    return f"{type(value).__name__}({', '.join(words)})"
