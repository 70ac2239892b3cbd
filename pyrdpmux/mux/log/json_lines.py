"""Log records as JSON, an object a line, for programs that read logs."""

import json
import logging
from datetime import UTC, datetime
from typing import Final

from pyrdpmux.mux.log.door import DoorFormatter, escaped, message_of

FIELDS: Final = (
    "event",
    "address",
    "connection",
    "vm",
    "user",
    "reason",
    "seconds",
    "bytes_received",
    "bytes_sent",
)
"""Attributes of a record that are kept apart from its text; see :mod:`.connection_log`."""

MAX_FIELD: Final = 512
MAX_TRACEBACK: Final = 16 * 1024
"""Characters; the last ones say what happened."""


def fields_of(record: logging.LogRecord) -> dict[str, str | int | float]:
    """Those that the record has, texts in one line and bounded."""
    found: dict[str, str | int | float] = {}
    for name in FIELDS:
        value = getattr(record, name, "")
        if isinstance(value, int | float):
            found[name] = value
        elif value:
            found[name] = escaped(str(value), MAX_FIELD)
    return found


class JsonFormatter(DoorFormatter):
    """INVARIANT: time, level, event and address come first: nothing that is quoted can pass for them."""

    def format(self, record: logging.LogRecord) -> str:
        said: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            **fields_of(record),
            "logger": record.name,
            "message": escaped(message_of(record)),
        }
        if record.exc_info:
            said["traceback"] = self.formatException(record.exc_info)[-MAX_TRACEBACK:]
        return json.dumps(said)
