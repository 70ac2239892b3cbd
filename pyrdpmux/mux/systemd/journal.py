"""Log records as entries of systemd's journal, with fields to look for: ``journalctl PYRDPMUX_VM=build7``.

https://systemd.io/JOURNAL_NATIVE_PROTOCOL/
"""

import logging
import os
import socket
from dataclasses import dataclass
from typing import Final

from pyrdpmux.mux.log.door import DoorFormatter
from pyrdpmux.mux.log.json_lines import fields_of as fields_of_record
from pyrdpmux.wire import Writer

SOCKET: Final = "/run/systemd/journal/socket"
MAX_MESSAGE: Final = 32 * 1024
"""Longer ones, with a traceback, are cut off: a datagram has its limit, too."""

_PRIORITIES: Final = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))
_DEBUG: Final = 7


@dataclass(frozen=True, slots=True)
class Field:
    """One of an entry. A value with several lines says how long it is."""

    name: str
    value: str

    def write(self, w: Writer) -> None:
        value = self.value.encode(errors="replace")
        if b"\n" in value:
            w.raw("name", self.name.encode() + b"\n")
            w.u64_le("size", len(value))
            w.raw("value", value + b"\n")
        else:
            w.raw("assignment", self.name.encode() + b"=" + value + b"\n")


class JournalHandler(logging.Handler):
    """Sends each record to the journal."""

    def __init__(self, path: str = SOCKET) -> None:
        super().__init__()
        self.setFormatter(DoorFormatter())
        self._path = path
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            entry = Writer("journal entry")
            for field in fields_of(record, self.format(record)):
                field.write(entry)
            self._socket.sendto(entry.getvalue(), self._path)
        except Exception:  # as every handler does: what cannot be logged must not stop the work
            self.handleError(record)

    def close(self) -> None:
        self._socket.close()
        super().close()


def fields_of(record: logging.LogRecord, message: str) -> list[Field]:
    """What the journal is told of a record."""
    priority = next((number for level, number in _PRIORITIES if record.levelno >= level), _DEBUG)
    fields = [
        Field("MESSAGE", message[:MAX_MESSAGE]),
        Field("PRIORITY", str(priority)),
        Field("SYSLOG_IDENTIFIER", "pyrdpmux"),
        Field("LOGGER", record.name),
        Field("CODE_FILE", record.pathname),
        Field("CODE_LINE", str(record.lineno)),
        Field("CODE_FUNC", record.funcName or ""),
    ]
    for name, value in fields_of_record(record).items():
        fields.append(Field(f"PYRDPMUX_{name.upper()}", str(value)))
    return fields


def is_journal(descriptor: int) -> bool:
    """Whether what is written there goes to the journal: systemd says so in JOURNAL_STREAM."""
    try:
        status = os.fstat(descriptor)
    except OSError:
        return False
    return os.environ.get("JOURNAL_STREAM", "") == f"{status.st_dev}:{status.st_ino}"
