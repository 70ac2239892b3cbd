"""D-Bus values and signatures, as far as QEMU's display interface needs them: little-endian, bounded.

Not dbus-fast, because that one knows connections with a bus daemon only, and takes 20 ms for a full screen.
Doubles are kept as their eight bytes; nothing that we use has one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pyrdpmux.wire import Reader, Writer

MAX_MESSAGE: Final = 2 << 20
"""The D-Bus specification allows 128 MiB; without pictures, nothing of QEMU's comes near this."""

MAX_DEPTH: Final = 16
"""Of containers in each other; the specification allows 64."""

MAX_SIGNATURE: Final = 255


@dataclass(frozen=True, slots=True)
class Variant:
    """A value with its own signature."""

    signature: str
    value: Any


def plain(value: Any) -> Any:
    """A property's value without the variant around it."""
    return value.value if isinstance(value, Variant) else value


# -- signatures --------------------------------------------------------------------------------------

_ALIGNMENT: Final = {
    **dict.fromkeys("ygv", 1),
    **dict.fromkeys("nq", 2),
    **dict.fromkeys("biuhsoa", 4),
    **dict.fromkeys("xtd({", 8),
}


def split_signature(signature: str) -> list[str]:
    """Its complete types; ValueError if it is not one."""
    if len(signature) > MAX_SIGNATURE:
        raise ValueError(f"a signature of {len(signature)} characters")
    types = []
    start = 0
    while start < len(signature):
        end = _end_of_type(signature, start, 0)
        types.append(signature[start:end])
        start = end
    return types


def _end_of_type(signature: str, start: int, depth: int) -> int:
    code = signature[start : start + 1]
    if not code or code not in _ALIGNMENT or depth > MAX_DEPTH:
        raise ValueError(f"signature {signature!r}")
    if code == "a":
        return _end_of_type(signature, start + 1, depth + 1)
    if code not in "({":
        return start + 1
    close = ")" if code == "(" else "}"
    at, members = start + 1, 0
    while signature[at : at + 1] != close:
        at = _end_of_type(signature, at, depth + 1)
        members += 1
    if not members or (code == "{" and members != 2):
        raise ValueError(f"signature {signature!r}")
    return at + 1


# -- reading -----------------------------------------------------------------------------------------


def read_body(signature: str, data: bytes) -> tuple[Any, ...]:
    """The values of a body. DecodeError if it does not have that signature."""
    r = Reader(data, "Body")
    values = tuple([_read_value(r, one, 0) for one in _types(r, signature)])
    r.finish("")
    return values


def _types(r: Reader, signature: str) -> list[str]:
    try:
        return split_signature(signature)
    except ValueError as error:
        raise r.error("signature", str(error)) from None


def align(r: Reader, field: str, size: int) -> None:
    r.pad(field, -r.position % size)


def _read_value(r: Reader, signature: str, depth: int) -> Any:
    code = signature[0]
    if depth > MAX_DEPTH:
        raise r.error(code, f"more than {MAX_DEPTH} containers in each other")
    align(r, code, _ALIGNMENT[code])
    if simple := _READERS.get(code):
        return simple(r)
    if code == "v":
        return read_variant(r, depth + 1)
    if code == "a":
        return _read_array(r, signature[1:], depth + 1)
    return tuple([_read_value(r, one, depth + 1) for one in split_signature(signature[1:-1])])


def read_variant(r: Reader, depth: int = 1) -> Variant:
    signature = _read_signature(r)
    types = _types(r, signature)
    if len(types) != 1:
        raise r.error("variant", f"signature {signature!r}, expected one complete type")
    return Variant(signature, _read_value(r, signature, depth))


def _read_array(r: Reader, element: str, depth: int) -> Any:
    """Bytes for ``ay``, a dict for ``a{..}``, else a list."""
    size = r.u32_le("array_length")
    align(r, "array", _ALIGNMENT[element[0]])
    if element == "y":
        return r.raw("array", size)
    values = []
    with r.region("array", size):
        while r.remaining:
            values.append(_read_value(r, element, depth))
    if element[0] != "{":
        return values
    try:
        return dict(values)
    except TypeError:
        raise r.error("array", "a dictionary with keys that are containers") from None


def _read_text(r: Reader, size: int) -> str:
    data = r.raw("text", size)
    r.pad("nul", 1)
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise r.error("text", "not UTF-8") from None


def _read_string(r: Reader) -> str:
    return _read_text(r, r.u32_le("length"))


def _read_signature(r: Reader) -> str:
    return _read_text(r, r.u8("length"))


_READERS: Final[dict[str, Callable[[Reader], Any]]] = {
    "y": lambda r: r.u8("y"),
    "b": lambda r: bool(r.u32_le("b")),
    "n": lambda r: r.i16_le("n"),
    "q": lambda r: r.u16_le("q"),
    "i": lambda r: r.i32_le("i"),
    "u": lambda r: r.u32_le("u"),
    "h": lambda r: r.u32_le("h"),
    "x": lambda r: r.u64_le("x"),
    "t": lambda r: r.u64_le("t"),
    "d": lambda r: r.raw("d", 8),
    "s": _read_string,
    "o": _read_string,
    "g": _read_signature,
}


# -- writing -----------------------------------------------------------------------------------------


def write_body(signature: str, values: Sequence[Any]) -> bytes:
    """The reverse; EncodeError or ValueError if a value does not fit its type."""
    w = Writer("Body")
    for one, value in zip(split_signature(signature), values, strict=True):
        write_value(w, one, value)
    return w.getvalue()


def write_value(w: Writer, signature: str, value: Any) -> None:
    code = signature[0]
    w.pad(code, -w.offset % _ALIGNMENT[code])
    if simple := _WRITERS.get(code):
        simple(w, value)
    elif code == "v":
        _write_signature(w, value.signature)
        write_value(w, value.signature, value.value)
    elif code == "a":
        _write_array(w, signature[1:], value)
    else:
        for one, member in zip(split_signature(signature[1:-1]), value, strict=True):
            write_value(w, one, member)


def _write_array(w: Writer, element: str, values: Any) -> None:
    """The length does not count the padding in front of the first element."""
    padding = -(w.offset + 4) % _ALIGNMENT[element[0]]
    with w.length_u32_le("array_length", extra=-padding):
        w.pad("array", padding)
        if element == "y":
            w.raw("array", values)
        else:
            for value in _elements(element, values):
                write_value(w, element, value)


def _elements(element: str, values: Any) -> Sequence[Any]:
    return list(values.items()) if element[0] == "{" else values


def _write_string(w: Writer, value: str) -> None:
    data = value.encode()
    w.u32_le("length", len(data))
    w.raw("text", data + b"\0")


def _write_signature(w: Writer, value: str) -> None:
    w.u8("length", len(value))
    w.raw("text", value.encode() + b"\0")


_WRITERS: Final[dict[str, Callable[[Writer, Any], None]]] = {
    "y": lambda w, v: w.u8("y", v),
    "b": lambda w, v: w.u32_le("b", int(v)),
    "n": lambda w, v: w.i16_le("n", v),
    "q": lambda w, v: w.u16_le("q", v),
    "i": lambda w, v: w.i32_le("i", v),
    "u": lambda w, v: w.u32_le("u", v),
    "h": lambda w, v: w.u32_le("h", v),
    "x": lambda w, v: w.u64_le("x", v),
    "t": lambda w, v: w.u64_le("t", v),
    "d": lambda w, v: w.fixed("d", v, 8),
    "s": _write_string,
    "o": _write_string,
    "g": _write_signature,
}
