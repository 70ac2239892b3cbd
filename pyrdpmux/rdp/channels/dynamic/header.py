"""The first byte of every PDU, and the numbers whose widths it announces (MS-RDPEDYC 2.2).

The low two bits are the width of ChannelId (cbId), the next two depend on the command (Sp, Pri or Len), the
high four are the command.
"""

from typing import Final

from pyrdpmux.wire import OpenIntEnum, Reader, Writer

#: cbId and Len: 1, 2 or 4 bytes; 3 is invalid
WIDTHS: Final = (1, 2, 4)
_COMMAND_SHIFT: Final = 4
_OPTION_SHIFT: Final = 2
_MASK: Final = 0x03


class Command(OpenIntEnum):
    """Cmd of MS-RDPEDYC 2.2."""

    CREATE = 0x01
    DATA_FIRST = 0x02
    DATA = 0x03
    CLOSE = 0x04
    CAPABILITIES = 0x05
    DATA_FIRST_COMPRESSED = 0x06
    DATA_COMPRESSED = 0x07
    SOFT_SYNC_REQUEST = 0x08
    SOFT_SYNC_RESPONSE = 0x09


def command_of(first: int) -> Command:
    """The command that a PDU with this first byte is."""
    return Command(first >> _COMMAND_SHIFT)


def width_code(value: int) -> int:
    """cbId or Len for the narrowest field that holds ``value``."""
    return 0 if value <= 0xFF else 1 if value <= 0xFFFF else 2


def read_first(r: Reader, command: Command) -> tuple[int, int]:
    """Sp, Pri or Len, and cbId, of a PDU that has to be this command."""
    first = r.u8("Cmd")
    if command_of(first) != command:
        raise r.error("Cmd", f"{first >> _COMMAND_SHIFT:#x}, expected {int(command):#x}")
    return first >> _OPTION_SHIFT & _MASK, first & _MASK


def write_first(w: Writer, command: Command, option: int = 0, code: int = 0) -> None:
    """``option`` is Sp, Pri or Len, ``code`` is cbId."""
    w.u8("Cmd", command << _COMMAND_SHIFT | option << _OPTION_SHIFT | code)


def read_number(r: Reader, field: str, code: int) -> int:
    """A number of the width that ``code`` (cbId or Len) stands for."""
    if code >= len(WIDTHS):
        raise r.error(field, f"width code {code} is invalid")
    return r.uint_le(field, WIDTHS[code])


def write_number(w: Writer, field: str, value: int) -> None:
    """A number in the width of its :func:`width_code`."""
    w.uint_le(field, value, WIDTHS[width_code(value)])


def read_channel(r: Reader, command: Command) -> tuple[int, int]:
    """Sp, Pri or Len, and ChannelId."""
    option, code = read_first(r, command)
    return option, read_number(r, "ChannelId", code)


def write_channel(w: Writer, command: Command, channel_id: int, option: int = 0) -> None:
    write_first(w, command, option, width_code(channel_id))
    write_number(w, "ChannelId", channel_id)
