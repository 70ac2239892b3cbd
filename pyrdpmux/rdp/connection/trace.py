"""The single tap: every PDU that a connection decodes or sends passes a Tracer."""

from typing import Protocol


class Tracer(Protocol):
    """Sees PDUs as values. Must not keep or change them in a way that the connection notices."""

    def received(self, phase: str, pdu: object) -> None: ...

    def sent(self, phase: str, pdu: object) -> None: ...

    def note(self, phase: str, text: str) -> None:
        """Something that was allowed but had no effect, such as a PDU that we ignore on purpose."""
        ...


class NullTracer:
    """Ignores everything."""

    def received(self, phase: str, pdu: object) -> None:
        pass

    def sent(self, phase: str, pdu: object) -> None:
        pass

    def note(self, phase: str, text: str) -> None:
        pass


class ListTracer:
    """Keeps everything, for tests: ``("<", phase, pdu)``, ``(">", phase, pdu)``, ``("!", phase, text)``."""

    def __init__(self) -> None:
        self.entries: list[tuple[str, str, object]] = []

    def received(self, phase: str, pdu: object) -> None:
        self.entries.append(("<", phase, pdu))

    def sent(self, phase: str, pdu: object) -> None:
        self.entries.append((">", phase, pdu))

    def note(self, phase: str, text: str) -> None:
        self.entries.append(("!", phase, text))
