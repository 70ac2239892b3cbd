"""The one door through which every record leaves for a log: no peer's words can look like another record.

They reach the log in many ways: names, reasons, paths, the texts of exceptions. Call sites make them
:func:`~.connection_log.printable`; whatever they forget is made harmless here.
"""

import logging
from typing import Final

MAX_TEXT: Final = 2048
"""Characters of a message; what is more is counted instead of shown."""

MAX_TRACEBACK_LINES: Final = 100
"""The last ones say what happened."""

INDENT: Final = "    | "
"""In front of each line of a traceback."""

CONNECTION: Final = "[c"
"""How the records of connections begin; programs look for passwords that were wrong in them."""


def escaped(text: str, maximum: int = MAX_TEXT) -> str:
    """In one line: control characters, line separators and what turns a text around are shown as escapes."""
    shown = text[:maximum]
    if not shown.isprintable():
        shown = "".join([char if char.isprintable() else _escape(char) for char in shown])[:maximum]
    left_out = len(text) - maximum
    return f"{shown}... ({left_out} more)" if left_out > 0 else shown


def _escape(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")


class DoorFormatter(logging.Formatter):
    """Never raises, whatever the record: what cannot be formatted is said to be so."""

    def format(self, record: logging.LogRecord) -> str:
        record.message = escaped(message_of(record))
        if self.usesTime():
            record.asctime = self.formatTime(record, self.datefmt)
        lines = [self.formatMessage(record)]
        if record.exc_info:
            lines += _indented(self.formatException(record.exc_info))
        if record.stack_info:
            lines += _indented(record.stack_info)
        return "\n".join(lines)

    def formatException(self, ei: "logging._SysExcInfoType | tuple[None, None, None]") -> str:
        try:
            return super().formatException(ei)
        except Exception as error:  # of an exception's own __str__
            return f"an exception that cannot be shown: {type(error).__name__}"


def message_of(record: logging.LogRecord) -> str:
    """What the record says; never raises. No other record begins like a connection's, also behind spaces."""
    try:
        message = record.getMessage()
        is_forged = message.lstrip().startswith(CONNECTION) and not hasattr(record, "connection")
        return f"| {message}" if is_forged else message
    except Exception as error:  # a format that does not fit, or a value that cannot be shown
        return f"{record.msg!r} cannot be formatted: {type(error).__name__}"


def _indented(text: str) -> list[str]:
    lines = text.split("\n")
    return [INDENT + escaped(line) for line in lines[-MAX_TRACEBACK_LINES:]]


def set_up_logging(
    handler: logging.Handler, level: int, line: str = "%(message)s", formatter: DoorFormatter | None = None
) -> None:
    """The root logger writes there, and only through the door."""
    handler.setFormatter(formatter or DoorFormatter(line))
    logging.basicConfig(level=level, handlers=[handler])
