"""How a session of the harness's client ends when it does not end well."""

from pyrdpmux.errors import PyRdpMuxError


class ClientError(PyRdpMuxError):
    """A client of the harness did not get what it was waiting for; the text says from whom, and why."""


class SessionEnded(ClientError):
    """The session has ended, or never began. ``error`` is what the server did wrong, if it did."""

    def __init__(self, server: str, reason: str, error: PyRdpMuxError | None = None) -> None:
        super().__init__(server, reason, error)
        self.server = server
        self.reason = reason
        self.error = error

    def __str__(self) -> str:
        return f"{self.server}: {self.reason}"


class ClientTimeout(ClientError, TimeoutError):
    """What was waited for did not happen in time."""

    def __init__(self, server: str, what: str, seconds: float, state: str) -> None:
        super().__init__(server, what, seconds, state)
        self.server = server
        self.what = what
        self.seconds = seconds
        self.state = state

    def __str__(self) -> str:
        return f"{self.server}: {self.what}: not within {self.seconds:g} s ({self.state})"
