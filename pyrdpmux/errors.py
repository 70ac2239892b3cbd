"""Every exception of the project, on one page.

Three families, by whose fault it is:

* :class:`PeerError`: the other side's bytes or behaviour. The only thing that may leave a decoder or
  ``receive_data``; it costs that peer its connection and nobody else anything.
* :class:`LocalError`: our caller's mistake.
* :class:`MuxError`: the daemon's surroundings (a configuration file, a VM, a bus).

Messages are lower-case without a full stop, value first and expectation second, so that they chain.
"""

from typing import ClassVar


class PyRdpMuxError(Exception):
    """Base of all exceptions raised on purpose by this project.

    Two that say the same are equal: events carry them, and events are values.
    """

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PyRdpMuxError):
            return NotImplemented
        return type(self) is type(other) and self.args == other.args

    def __hash__(self) -> int:
        return hash((type(self), self.args))


class PeerError(PyRdpMuxError):
    """The peer sent or did something that its protocol does not allow.

    ``error_info`` is the Set Error Info code (MS-RDPBCGR 2.2.5.1.1) that tells the peer what happened,
    where the connection has come far enough to send one.
    """

    error_info: ClassVar[int] = 0x000010C9  # ERRINFO_UNKNOWNPDUTYPE2: the least misleading for most


class DecodeError(PeerError):
    """Bytes that do not parse. ``path`` names the field, ``offset`` is absolute in the decoded frame."""

    def __init__(self, path: str, reason: str, offset: int) -> None:
        super().__init__(path, reason, offset)
        self.path = path
        self.reason = reason
        self.offset = offset

    def __str__(self) -> str:
        return f"{self.path}: {self.reason} (offset {self.offset})"


class SequenceError(PeerError):
    """A message that parses, but that is not allowed in this phase of the connection."""

    error_info: ClassVar[int] = 0x000010CB  # ERRINFO_DATAPDUSEQUENCE

    def __init__(self, phase: str, got: str, expected: tuple[str, ...] = ()) -> None:
        super().__init__(phase, got, expected)
        self.phase = phase
        self.got = got
        self.expected = expected

    def __str__(self) -> str:
        wanted = f", expected {' or '.join(self.expected)}" if self.expected else ""
        return f"{self.phase}: got {self.got}{wanted}"


class LimitExceeded(PeerError):
    """Allowed by the grammar, but too much of it. ``limit`` names the constant."""

    def __init__(self, limit: str, value: float, maximum: float) -> None:
        super().__init__(limit, value, maximum)
        self.limit = limit
        self.value = value
        self.maximum = maximum

    def __str__(self) -> str:
        return f"{self.limit}: {self.value}, at most {self.maximum} allowed"


class NegotiationFailed(PeerError):
    """No common security protocol; ``failure_code`` goes into the RDP_NEG_FAILURE (MS-RDPBCGR 2.2.1.2.2)."""

    def __init__(self, failure_code: int, reason: str) -> None:
        super().__init__(failure_code, reason)
        self.failure_code = failure_code
        self.reason = reason

    def __str__(self) -> str:
        return f"negotiation failed: {self.reason}"


class TlsFailed(PeerError):
    """The TLS handshake or a TLS record failed (alert, wrong version, garbage)."""


class AuthenticationFailed(PeerError):
    """The peer's credentials or its authentication exchange were not accepted.

    ``nt_status`` is what CredSSP's errorCode or the client's message will say (MS-CSSP 2.2.1).
    """

    def __init__(self, reason: str, nt_status: int = 0xC000006D) -> None:
        super().__init__(reason, nt_status)
        self.reason = reason
        self.nt_status = nt_status

    def __str__(self) -> str:
        return f"authentication failed: {self.reason}"


class LicensingFailed(PeerError):
    """The peer ended licensing without a license.

    ``error_code`` is its dwErrorCode (MS-RDPBCGR 2.2.1.12.1.3).
    """

    def __init__(self, error_code: int, reason: str) -> None:
        super().__init__(error_code, reason)
        self.error_code = error_code
        self.reason = reason

    def __str__(self) -> str:
        return f"licensing failed: {self.reason}"


class PeerClosed(PeerError):
    """The peer ended the stream in the middle of a message or of a phase."""

    def __init__(self, phase: str) -> None:
        super().__init__(phase)
        self.phase = phase

    def __str__(self) -> str:
        return f"{self.phase}: closed by the peer"


class PeerTimeout(PeerError):
    """The peer did not get on within the time that its phase allows."""

    error_info: ClassVar[int] = 0x00000004  # ERRINFO_LOGON_TIMEOUT

    def __init__(self, phase: str, seconds: float) -> None:
        super().__init__(phase, seconds)
        self.phase = phase
        self.seconds = seconds

    def __str__(self) -> str:
        return f"{self.phase}: no progress within {self.seconds:g} s"


class LocalError(PyRdpMuxError):
    """A mistake of our own caller."""


class EncodeError(LocalError):
    """A value that does not fit its field on the wire."""

    def __init__(self, path: str, reason: str) -> None:
        super().__init__(path, reason)
        self.path = path
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.path}: {self.reason}"


class StateError(LocalError):
    """An action that this phase of the connection does not allow, such as drawing before Active."""

    def __init__(self, phase: str, action: str) -> None:
        super().__init__(phase, action)
        self.phase = phase
        self.action = action

    def __str__(self) -> str:
        return f"{self.action} is not possible in {self.phase}"


class MissingExtra(LocalError):
    """Something was asked for that is installed with ``pyrdpmux[extra]`` only."""

    def __init__(self, extra: str, reason: str) -> None:
        super().__init__(extra, reason)
        self.extra = extra
        self.reason = reason

    def __str__(self) -> str:
        return f"not installed, expected pyrdpmux[{self.extra}] ({self.reason})"


class MuxError(PyRdpMuxError):
    """Trouble with the daemon's surroundings."""


class ConfigError(MuxError):
    """A configuration, option or credential file that cannot be used; the text names file, line and key."""


class BackendError(MuxError):
    """A VM's side of the mux broke its protocol or went away."""
