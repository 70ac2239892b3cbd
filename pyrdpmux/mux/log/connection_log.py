"""Log lines that say which connection, VM and user they are about: ``[c42 vm=build7 alice] Active``."""

import logging
import re
from collections.abc import Callable, MutableMapping
from enum import Enum
from typing import Any, Final

MAX_NAME: Final = 64

MAX_REASON: Final = 400
"""A reason can quote what a peer sent, which may be as long as it likes."""

_PLAIN: Final = re.compile(r"[\w.@+\\()-]+")


def printable(text: str, size: int = MAX_NAME) -> str:
    """What came from outside, fit for a log line: no control characters, nothing to format."""
    return "".join([char if char.isprintable() and char != "%" else "?" for char in text[:size]])


def quoted(text: str, size: int = MAX_NAME) -> str:
    """A name from outside as one word, in quotes where it could pass for more than a name."""
    shown = printable(text, size)
    if _PLAIN.fullmatch(shown):
        return shown
    inside = shown.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{inside}"'


def full_name(user: str, domain: str) -> str:
    """As the configuration and `pyrdpmux passwd` write it."""
    return f"{domain}\\{user}" if domain else user


class EventKind(Enum):
    """What happens to a connection once, each a record with fields of its own."""

    CONNECT = "connect"
    LOGON = "logon"
    #: the password was wrong
    FAILURE = "failure"
    #: there is no way in, or none for this user
    REFUSAL = "refusal"
    END = "end"


class ConnectionLog(logging.LoggerAdapter[logging.Logger]):
    """The adapter of one connection; the user is added once known."""

    def __init__(self, logger: logging.Logger, number: int, vm: str, address: str = "") -> None:
        super().__init__(logger, {})
        self._connection = f"c{number}"
        self._user = ""
        #: for handlers that keep them apart from the text
        self._fields = {"connection": self._connection, "vm": printable(vm), "address": printable(address)}

    @property
    def address(self) -> str:
        return self._fields["address"]

    def set_vm(self, vm: str) -> None:
        """From now on it is about this VM."""
        self._fields["vm"] = printable(vm)

    def set_user(self, user: str) -> None:
        """From now on, name the user too."""
        self._user = f" {quoted(user)}" if user else ""
        self._fields["user"] = printable(user)

    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
        kwargs["extra"] = {**self._fields, **kwargs.get("extra", {})}
        return f"[{self._connection} vm={quoted(self._fields['vm'])}{self._user}] {msg}", kwargs


class ConnectionEvents:
    """Tells the events of one connection.

    INVARIANT: their texts begin with the event and the address; whatever a peer may choose is quoted, and
    comes behind (``packaging/fail2ban``).
    """

    def __init__(self, log: ConnectionLog, level: int, now: float, may_warn: Callable[[], bool]) -> None:
        """``level``: of what is told before the logon. ``may_warn``: whether there is room for one more."""
        self._log = log
        self._level = level
        self._began = now
        self._may_warn = may_warn

    def connected(self) -> None:
        self._tell(EventKind.CONNECT, self._level, "Connected from %s", self._log.address)

    def logged_on(self, user: str, *, is_proved: bool, is_reconnect: bool) -> None:
        self._log.set_user(user)
        how = "authenticated" if is_proved else "not authenticated"
        came_back = ", came back" if is_reconnect else ""
        text = "Logged on from %s: user %s, %s%s"
        self._tell(EventKind.LOGON, logging.INFO, text, self._log.address, quoted(user), how, came_back)

    def failed(self, user: str) -> None:
        """A password was wrong."""
        text = "Logon failed from %s: user %s"
        self._tell(EventKind.FAILURE, self._warning, text, self._log.address, quoted(user), user=user)

    def refused(self, user: str, reason: str) -> None:
        """``user``: if that is known."""
        reason = printable(reason, MAX_REASON)
        whom = f"user {quoted(user)}: " if user else ""
        text = "Refused from %s: %s%s"
        fields = {"reason": reason} | ({"user": user} if user else {})
        level = min(self._warning, logging.INFO)
        self._tell(EventKind.REFUSAL, level, text, self._log.address, whom, reason, **fields)

    def ended(
        self, reason: str, *, by_peer: bool, has_logged_on: bool, now: float, received: int, sent: int
    ) -> None:
        """``received`` and ``sent``: bytes on the wire."""
        reason = printable(reason, MAX_REASON)
        seconds = round(now - self._began, 3)
        self._tell(
            EventKind.END,
            logging.INFO if has_logged_on else self._level,
            "Closed %s: %s (%.1f s, %d bytes in, %d out)",
            "by the client" if by_peer else "by us",
            reason,
            seconds,
            received,
            sent,
            reason=reason,
            seconds=seconds,
            bytes_received=received,
            bytes_sent=sent,
        )

    @property
    def _warning(self) -> int:
        return logging.WARNING if self._may_warn() else logging.DEBUG

    def _tell(self, kind: EventKind, level: int, text: str, *arguments: object, **fields: object) -> None:
        if "user" in fields:
            fields["user"] = printable(str(fields["user"]))
        self._log.log(level, text, *arguments, extra={"event": kind.value, **fields})
