"""Log lines that say which connection, VM and user they are about: ``[c42 vm=build7 alice] Active``."""

import logging
from collections.abc import MutableMapping
from typing import Any, Final

MAX_NAME: Final = 64


MAX_REASON: Final = 400
"""A reason can quote what a peer sent, which may be as long as it likes."""


def printable(text: str, size: int = MAX_NAME) -> str:
    """What came from outside, fit for a log line: no control characters, nothing to format."""
    return "".join([char if char.isprintable() and char != "%" else "?" for char in text[:size]])


class ConnectionLog(logging.LoggerAdapter[logging.Logger]):
    """The adapter of one connection; the user is added once known."""

    def __init__(self, logger: logging.Logger, number: int, vm: str) -> None:
        super().__init__(logger, {})
        self._connection = f"c{number}"
        self._user = ""
        #: for handlers that keep them apart from the text
        self._fields = {"connection": self._connection, "vm": printable(vm)}

    def set_vm(self, vm: str) -> None:
        """From now on it is about this VM."""
        self._fields["vm"] = printable(vm)

    def set_user(self, user: str) -> None:
        """From now on, name the user too."""
        self._user = f" {printable(user)}" if user else ""
        self._fields["user"] = printable(user)

    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
        kwargs["extra"] = self._fields
        return f"[{self._connection} vm={self._fields['vm']}{self._user}] {msg}", kwargs
