"""The machinery by itself: dispatch, deadlines, the end, and what an exception does."""

from typing import Any, ClassVar

import pytest

from pyrdpmux.errors import DecodeError, PeerClosed, PeerError, PeerTimeout, SequenceError
from pyrdpmux.rdp.connection.events import Disconnected, ShutdownRequested
from pyrdpmux.rdp.connection.machine import Machine, Phase
from pyrdpmux.rdp.connection.trace import ListTracer


class Digits(Phase):
    """Frames are single bytes: digits are numbers, ``!`` is text, anything else does not decode."""

    def __init__(self, link: "Toy") -> None:
        self.link = link

    def seconds(self) -> float | None:
        return 5.0

    def take_frame(self, buffer: bytearray) -> bytes | None:
        return bytes([buffer.pop(0)]) if buffer else None

    def decode(self, frame: bytes) -> object:
        if frame == b"!":
            return "bang"
        if not frame.isdigit():
            raise DecodeError("digit", f"{frame!r}", 0)
        return int(frame)

    def on_number(self, number: int) -> Phase:
        self.link.send_frame(b"%d" % number, number)
        match number:
            case 0:
                return self.link.end("zero", by_peer=False)
            case 1:
                return Patient(self.link)
            case 2:
                self.link.emit(ShutdownRequested())
        return self

    def explain(self, error: PeerError) -> None:
        self.link.send_frame(type(error).__name__.encode(), error)

    HANDLERS: ClassVar[dict[type, Any]] = {int: on_number}


class Patient(Digits):
    """Ticks, and never gives up; an end of the stream is fine."""

    def __init__(self, link: "Toy") -> None:
        super().__init__(link)
        self.ticks = 0

    def on_timeout(self, seconds: float) -> Phase:
        self.ticks += 1
        return self

    def on_eof(self) -> Phase:
        return self.link.end("done", by_peer=True)


class Endless(Digits):
    def seconds(self) -> float | None:
        return None


class Toy(Machine):
    def __init__(self, phase: type[Digits] = Digits) -> None:
        self.list_tracer = ListTracer()
        super().__init__(10.0, self.list_tracer)
        self._enter(phase(self))


def test_pdus_are_dispatched_by_their_type() -> None:
    toy = Toy()
    toy.receive_data(b"35", 10.0)
    assert toy.data_to_send() == b"35"
    assert toy.data_to_send() == b""
    assert toy.phase_name == "Digits"
    assert repr(toy) == "<Toy in Digits>"
    assert toy.list_tracer.entries == [
        ("<", "Digits", 3),
        (">", "Digits", 3),
        ("<", "Digits", 5),
        (">", "Digits", 5),
    ]


def test_a_type_without_handler_is_a_sequence_error() -> None:
    toy = Toy()
    toy.receive_data(b"3!4", 10.0)
    [ended] = toy.events()
    assert isinstance(ended, Disconnected)
    assert isinstance(ended.error, SequenceError)
    assert (ended.error.phase, ended.error.got, ended.error.expected) == ("Digits", "str", ("int",))
    assert ended.reason == "Digits: got str, expected int"
    assert not ended.by_peer
    assert toy.data_to_send() == b"3SequenceError"


def test_bytes_that_do_not_decode_end_it_too() -> None:
    toy = Toy()
    toy.receive_data(b"2x2", 10.0)
    assert toy.events()[0] == ShutdownRequested()
    assert toy.data_to_send() == b"2DecodeError"
    assert toy.should_close
    assert toy._incoming == b""


def test_the_end_stops_everything_at_once() -> None:
    toy = Toy()
    toy.receive_data(b"302", 10.0)
    assert toy.events() == [Disconnected("zero", by_peer=False)]
    assert toy.data_to_send() == b"30"
    toy.receive_data(b"3", 11.0)
    toy.receive_eof(11.0)
    toy.handle_timeout(1000.0)
    assert toy.events() == []
    assert toy.data_to_send() == b""
    assert toy.next_deadline() is None


def test_a_deadline_belongs_to_a_phase_not_to_its_bytes() -> None:
    toy = Toy()
    assert toy.next_deadline() == 15.0
    toy.receive_data(b"3", 14.0)
    assert toy.next_deadline() == 15.0
    toy.handle_timeout(14.9)
    assert not toy.should_close
    toy.handle_timeout(15.0)
    [ended] = toy.events()
    assert isinstance(ended, Disconnected)
    assert isinstance(ended.error, PeerTimeout)
    assert ended.reason == "Digits: no progress within 5 s"
    assert toy.data_to_send() == b"3PeerTimeout"


def test_a_new_phase_has_a_new_deadline_and_may_tick() -> None:
    toy = Toy()
    toy.receive_data(b"1", 12.0)
    patient = toy._phase
    assert isinstance(patient, Patient)
    for tick, deadline in enumerate((17.0, 22.0, 27.0)):
        assert toy.next_deadline() == deadline
        assert patient.ticks == tick
        toy.handle_timeout(deadline)
    toy.handle_timeout(100.0)  # late: one tick, and on from there
    assert patient.ticks == 4
    assert toy.next_deadline() == 105.0


def test_a_phase_without_deadline() -> None:
    toy = Toy(Endless)
    assert toy.next_deadline() is None
    toy.handle_timeout(1e9)
    assert not toy.should_close


@pytest.mark.parametrize(("phase", "error"), [(Digits, PeerClosed), (Patient, None)])
def test_eof_is_the_phases_to_judge(phase: type[Digits], error: type[PeerError] | None) -> None:
    toy = Toy(phase)
    toy.receive_eof(10.0)
    [ended] = toy.events()
    assert isinstance(ended, Disconnected)
    assert ended.by_peer
    assert isinstance(ended.error, error) if error else ended.error is None


def test_notes_reach_the_tracer() -> None:
    toy = Toy()
    toy.note("hm")
    assert toy.list_tracer.entries == [("!", "Digits", "hm")]
