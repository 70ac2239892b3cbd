"""A guest's conversation as a transcript, with time handed in."""

import logging
import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyrdpmux.mux.librdpmux.acknowledging import KEEP_ALIVE, QUEUED_WITHIN, REPEAT_AFTER, UNWATCHED_BEAT
from pyrdpmux.mux.librdpmux.messages import (
    TAKES_PAIRS,
    DisplaySwitch,
    DisplayUpdate,
    DisplayUpdatePair,
    Message,
    TakesSizes,
    UpdateComplete,
    encode_message,
)
from pyrdpmux.mux.librdpmux.protocol import PROTOCOLS
from pyrdpmux.mux.librdpmux.session import COPIES_PER_SECOND, RELEASE_SECONDS, Session
from pyrdpmux.mux.picture.pixel_format import PixelCode
from pyrdpmux.mux.picture.screen import Screen
from tests.rows import unhex

ACK = b"\x92\x04\x01"
X8R8G8B8 = PixelCode.X8R8G8B8
SWITCH_800_600 = unhex("9401ce20020888cd0320cd0258") + bytes(11)
UPDATE_ALL = unhex("95000000cd0320cd0258") + bytes(14)


class Guest:
    """A session with a framebuffer of 800x600 in a file, and the clock at 100 s."""

    def __init__(self, directory: Path, size: int = 800 * 600 * 4, version: int = 1) -> None:
        self.path = directory / "5.rdpmux"
        self.path.write_bytes(bytes(size))
        self.sent: list[bytes] = []
        self.now = 100.0
        self.session = Session("vm-5", self.path, os.getuid(), self.sent.append, self.now, PROTOCOLS[version])
        self.screen = Screen()
        self.session.attach(self.screen)

    def paint(self, offset: int, data: bytes) -> None:
        with self.path.open("r+b") as file:
            file.seek(offset)
            file.write(data)

    def receive(self, *messages: bytes | Message, after: float = 1.0) -> None:
        self.now += after
        data = [message if isinstance(message, bytes) else encode_message(message) for message in messages]
        self.session.receive(data, self.now)
        self.copy()

    def copy(self) -> None:
        """What somebody else does, in turns and threads: here it takes no time."""
        copy = self.session.begin_copy(self.now)
        if copy is not None:
            copy.run(lambda: self.now)
            self.session.end_copy(copy, self.now)

    def look(self, is_watched: bool, after: float = 1.0) -> None:
        """Somebody comes, or the last one goes."""
        self.now += after
        self.session.watched(is_watched, self.now)
        self.copy()

    def wait(self) -> float:
        """Until the session's next deadline; returns how long that was."""
        deadline = self.session.next_deadline()
        assert deadline is not None
        waited = deadline - self.now
        self.now += waited
        self.session.handle_timeout(self.now)
        self.copy()
        return waited


@pytest.fixture
def guest(tmp_path: Path) -> Guest:
    return Guest(tmp_path)


def test_the_captured_conversation(guest: Guest) -> None:
    guest.paint(4 * (7 * 800 + 3), bytes([1, 2, 3, 99]))
    guest.receive(SWITCH_800_600)
    assert guest.sent == [], "a switch is not acknowledged"
    assert (guest.screen.width, guest.screen.height) == (800, 600)
    assert guest.screen.pixels[7, 3, :3].tolist() == [1, 2, 3]
    guest.paint(4 * (8 * 800 + 3), bytes([4, 5, 6, 99]))
    guest.receive(UPDATE_ALL)
    assert guest.sent == [ACK]
    assert guest.screen.pixels[8, 3, :3].tolist() == [4, 5, 6]


def test_the_acknowledgement_comes_after_the_copy(tmp_path: Path) -> None:
    guest = Guest(tmp_path)
    guest.receive(SWITCH_800_600)
    guest.paint(0, b"\x07")
    seen: list[int] = []
    guest.session._send = lambda data: seen.append(int(guest.screen.pixels[0, 0, 0]))
    guest.receive(UPDATE_ALL)
    assert seen == [7]


def test_unasked_acknowledgements(guest: Guest) -> None:
    """200 ms after the guest was last heard, in case the answer was missed; then every two seconds."""
    guest.receive(SWITCH_800_600)
    guest.receive(UPDATE_ALL)
    guest.sent.clear()
    assert guest.wait() == pytest.approx(REPEAT_AFTER)
    assert guest.sent == [ACK]
    for count in range(2, 5):
        assert guest.wait() == pytest.approx(KEEP_ALIVE)
        assert guest.sent == [ACK] * count
    guest.receive(UPDATE_ALL, after=0.5)
    guest.sent.clear()
    assert guest.wait() == pytest.approx(REPEAT_AFTER)
    assert guest.sent == [ACK]


def test_version_3_is_told_a_rate_that_it_can_divide_by(tmp_path: Path) -> None:
    guest = Guest(tmp_path, version=3)
    guest.receive(SWITCH_800_600)
    guest.receive(UPDATE_ALL)
    assert guest.sent == [b"\x93\x04\x01\x3c"]
    guest.look(False)
    guest.receive(UPDATE_ALL)
    assert guest.sent[1:] == [b"\x93\x04\x01\x05"]
    guest.look(True)
    assert guest.sent[2:] == [b"\x93\x04\x01\x3c"], "at once, though it has asked for nothing"


def test_version_3_is_acknowledged_before_the_copy(tmp_path: Path) -> None:
    """It paints while we read whether it is acknowledged or not."""
    guest = Guest(tmp_path, version=3)
    guest.receive(SWITCH_800_600)
    guest.now += 1
    guest.session.receive([UPDATE_ALL], guest.now)
    copy = guest.session.begin_copy(guest.now)
    assert copy is not None
    assert len(guest.sent) == 1
    copy.run(lambda: guest.now)
    guest.session.end_copy(copy, guest.now)
    assert len(guest.sent) == 1


class TestNobodyLooks:
    def test_nothing_is_copied_and_what_follows_a_switch_is_answered_at_once(self, guest: Guest) -> None:
        guest.look(False)
        guest.paint(0, b"\x07" * 800 * 600 * 4)
        guest.receive(SWITCH_800_600)
        guest.receive(UPDATE_ALL, UPDATE_ALL, after=0.0)
        assert guest.sent == [ACK] * 2
        assert (guest.screen.width, guest.screen.height) == (800, 600)
        assert guest.screen.surface.version == 0
        assert guest.session.begin_copy(guest.now + 60) is None
        guest.look(True, after=0.0)
        assert (guest.screen.pixels[:, :, :3] == 7).all(), "all of it, when somebody comes"

    def test_that_there_is_a_picture_is_known(self, guest: Guest) -> None:
        """Or the VM would be waiting for its first picture until somebody looks."""
        guest.session.detach()
        pictures: list[int] = []
        guest.session.attach(Screen(800, 600, on_painted=lambda: pictures.append(1)))
        guest.look(False)
        guest.receive(SWITCH_800_600)
        assert pictures

    def test_what_was_not_copied_when_the_last_one_went_is_not_forgotten(self, guest: Guest) -> None:
        guest.receive(SWITCH_800_600)
        guest.paint(0, b"\x07")
        guest.session.receive([UPDATE_ALL], guest.now)
        guest.look(False)
        assert guest.sent == [ACK]
        assert guest.screen.pixels[0, 0, 0] == 0
        guest.look(True)
        assert guest.screen.pixels[0, 0, 0] == 7

    def test_who_comes_again_soon_finds_the_picture_and_only_news_are_copied(self, guest: Guest) -> None:
        guest.receive(SWITCH_800_600)
        version = guest.screen.surface.version
        guest.look(False)
        guest.look(True)
        assert guest.screen.surface.version == version
        guest.look(False)
        guest.receive(UPDATE_ALL)
        guest.look(True)
        assert guest.screen.surface.version == version + 1

    def test_the_memory_is_given_up_after_a_while(self, guest: Guest) -> None:
        guest.paint(0, b"\x07" * 800 * 600 * 4)
        guest.receive(SWITCH_800_600)
        surface = guest.screen.surface
        guest.look(False)
        guest.session._timer.deadline = 1000.0
        assert guest.wait() == pytest.approx(RELEASE_SECONDS)
        assert guest.screen.surface is not surface
        assert guest.screen.surface.version == 0
        assert guest.session.next_deadline() == 1000.0
        guest.look(True)
        assert (guest.screen.pixels[:, :, :3] == 7).all()
        guest.look(False)
        guest.look(True)
        assert guest.session.next_deadline() == 1000.0, "somebody is there"

    def test_a_lost_vms_picture_stays_and_it_comes_back_unseen(self, guest: Guest) -> None:
        guest.paint(0, b"\x07" * 800 * 600 * 4)
        guest.receive(SWITCH_800_600)
        guest.session.detach()
        guest.look(False)
        guest.receive(UPDATE_ALL)
        guest.look(False, after=60.0)
        assert (guest.screen.pixels[:, :, :3] == 7).all()
        guest.session.attach(guest.screen)
        guest.paint(0, b"\x08" * 800 * 600 * 4)
        guest.look(True)
        assert (guest.screen.pixels[:, :, :3] == 8).all()

    def test_it_is_reminded_seldom_and_when_somebody_comes(self, guest: Guest) -> None:
        guest.receive(SWITCH_800_600)
        guest.look(False)
        guest.receive(UPDATE_ALL)
        guest.wait()
        guest.sent.clear()
        assert guest.wait() == pytest.approx(KEEP_ALIVE - UNWATCHED_BEAT)
        assert guest.sent == [ACK]
        guest.look(True)
        assert guest.sent == [ACK] * 2

    def test_it_is_answered_at_a_slow_beat_and_its_queue_at_once(self, guest: Guest) -> None:
        guest.receive(SWITCH_800_600)
        guest.look(False)
        guest.receive(UPDATE_ALL)
        guest.receive(UPDATE_ALL, after=0.1)
        assert guest.sent == []
        assert guest.wait() == pytest.approx(UNWATCHED_BEAT - 0.1)
        assert guest.sent == [ACK] * 2
        guest.receive(UPDATE_ALL, after=QUEUED_WITHIN / 2)
        guest.receive(UPDATE_ALL, after=QUEUED_WITHIN / 2)
        assert guest.sent == [ACK] * 4
        guest.receive(UPDATE_ALL)
        assert guest.sent == [ACK] * 4

    def test_who_comes_is_not_kept_waiting_by_the_beat(self, guest: Guest) -> None:
        guest.receive(SWITCH_800_600)
        guest.look(False)
        guest.receive(UPDATE_ALL)
        shown: list[int] = []
        guest.session._send = lambda _: shown.append(int(guest.screen.pixels[0, 0, 0]))
        guest.paint(0, b"\x07")
        guest.look(True, after=0.1)
        assert shown == [7], "once, after the copy"
        guest.paint(0, b"\x08")
        guest.receive(UPDATE_ALL)
        assert shown == [7, 8]

    def test_who_is_told_a_rate_is_answered_at_once(self, tmp_path: Path) -> None:
        guest = Guest(tmp_path, version=3)
        guest.receive(SWITCH_800_600)
        guest.look(False)
        guest.sent.clear()
        guest.receive(UPDATE_ALL)
        assert guest.sent == [b"\x93\x04\x01\x05"]

    def test_what_cannot_be_shown_is_black(self, guest: Guest) -> None:
        guest.paint(0, b"\x07" * 800 * 600 * 4)
        guest.receive(SWITCH_800_600)
        guest.look(False)
        guest.receive(DisplaySwitch(0x12345678, 800, 600))
        assert not guest.screen.pixels.any()
        guest.look(True)
        assert not guest.screen.pixels.any()

    @pytest.mark.parametrize(
        ("version", "may_wait"), [(1, False), (2, False), (3, True), (4, True), (5, True)]
    )
    def test_who_queues_what_is_not_acknowledged_is_not_kept_waiting(
        self, tmp_path: Path, version: int, may_wait: bool
    ) -> None:
        guest = Guest(tmp_path, version=version)
        guest.look(False)
        assert not guest.session.may_wait, "its first picture is not there yet"
        base = PROTOCOLS[version].dialects[0].base
        guest.receive(encode_message(DisplaySwitch(X8R8G8B8, 800, 600), base))
        assert guest.session.may_wait is may_wait
        guest.look(True)
        assert not guest.session.may_wait


@pytest.mark.parametrize("version", [4, 5])
def test_version_4_and_5_are_told_nothing(tmp_path: Path, version: int) -> None:
    guest = Guest(tmp_path, version=version)
    guest.receive(unhex("9402ce20020888cd0320cd0258"), unhex("95010000cd0320cd0258"), b"nonsense")
    assert guest.screen.width == 800
    assert guest.session.next_deadline() is None, "and nothing is left to do"
    assert guest.sent == []


@pytest.mark.parametrize(
    ("first", "base"),
    [
        ("9401ce20020888cd0320cd0258", 0),
        ("9402ce20020888cd0320cd0258", 1),
        ("95000000cd0320cd0258", 0),
        ("95010000cd0320cd0258", 1),
        ("9105", 0),
        ("9106", 1),
        ("95070000cd0320cd0258", None),
        ("93041ecd4000", None),
        ("c1", None),
    ],
)
def test_the_first_message_of_version_4_tells_how_it_counts(
    tmp_path: Path, first: str, base: int | None
) -> None:
    guest = Guest(tmp_path, version=4)
    assert guest.session.base is None
    guest.receive(unhex(first))
    assert guest.session.base == base
    guest.session.input.key(0x1E, extended=False, extended1=False, down=True)
    assert guest.sent[-1] == bytes([0x93, 3 if base == 0 else 4, 0x1E, 0xCD, 0x40, 0])


def test_what_an_earlier_server_knew(tmp_path: Path) -> None:
    guest = Guest(tmp_path, version=4)
    guest.session.resume(0, DisplaySwitch(X8R8G8B8, 800, 600))
    assert guest.session.base == 0
    guest.wait()
    assert (guest.screen.width, guest.screen.height) == (800, 600)
    assert guest.session.greeting() == b"\x93\x04\x01\x3c"


def test_a_switch_to_the_same_size_repaints_everything(guest: Guest) -> None:
    guest.receive(SWITCH_800_600)
    guest.paint(0, b"\x10\x20\x30\x00" * (800 * 600))
    guest.receive(SWITCH_800_600)
    assert (guest.screen.pixels[:, :, :3] == (0x10, 0x20, 0x30)).all()
    guest.receive(DisplaySwitch(PixelCode.X8B8G8R8, 800, 600))
    assert (guest.screen.pixels[:, :, :3] == (0x30, 0x20, 0x10)).all()


def test_before_the_first_switch_nothing_is_shown(guest: Guest) -> None:
    before = guest.screen.pixels.copy()
    guest.receive(DisplayUpdate(0, 0, 800, 600))
    assert (guest.screen.pixels == before).all()
    assert guest.sent == [ACK]


def test_a_silent_guest_is_kept_alive_from_the_start(guest: Guest) -> None:
    assert guest.wait() == pytest.approx(REPEAT_AFTER)
    assert guest.wait() == pytest.approx(KEEP_ALIVE)
    assert guest.sent == [ACK] * 2


def test_a_guest_in_a_hurry_is_slowed_down(guest: Guest) -> None:
    guest.receive(SWITCH_800_600)
    guest.receive(UPDATE_ALL)
    guest.receive(UPDATE_ALL, after=0.001)
    assert guest.sent == [ACK] * 2, "two rectangles of one picture may come one by one"
    guest.sent.clear()
    guest.paint(0, b"\x09")
    guest.receive(UPDATE_ALL, after=0.001)
    guest.receive(UPDATE_ALL, after=0.001)
    assert guest.sent == []
    assert guest.screen.pixels[0, 0, 0] == 0
    assert guest.wait() == pytest.approx(1 / COPIES_PER_SECOND - 0.003)
    assert guest.sent == [ACK] * 2
    assert guest.screen.pixels[0, 0, 0] == 9


def test_every_rectangle_of_a_batch_counts(guest: Guest) -> None:
    guest.receive(SWITCH_800_600)
    for x, y in ((0, 0), (400, 300), (799, 599)):
        guest.paint(4 * (y * 800 + x), b"\x08\x08\x08")
    guest.receive(*(DisplayUpdate(x, y, 1, 1) for x, y in ((0, 0), (400, 300), (799, 599))))
    assert guest.sent == [ACK] * 3
    assert [int(guest.screen.pixels[y, x, 0]) for x, y in ((0, 0), (400, 300), (799, 599))] == [8, 8, 8]


def test_narrow_and_wide_rectangles_are_read_alike(guest: Guest) -> None:
    picture = np.random.default_rng(3).integers(0, 256, (600, 800, 4), np.uint8)
    guest.receive(SWITCH_800_600)
    guest.paint(0, picture.tobytes())
    guest.receive(DisplayUpdate(10, 0, 5, 600))
    shown = guest.screen.pixels
    assert (shown[:, 10:15, :3] == picture[:, 10:15, :3]).all()
    assert not shown[:, :10].any()
    assert not shown[:, 15:].any()
    guest.receive(DisplayUpdate(100, 200, 600, 300))
    assert (shown[200:500, 100:700, :3] == picture[200:500, 100:700, :3]).all()
    assert not shown[:200, 100:].any(), "rows that come along end where it ends"
    assert not shown[500:, 100:].any()


def test_a_switch_discards_damage_of_the_old_size(guest: Guest) -> None:
    guest.receive(SWITCH_800_600)
    guest.receive(DisplayUpdate(700, 500, 100, 100), DisplaySwitch(X8R8G8B8, 640, 480))
    guest.receive(unhex("9500cd02b060cffffffffffffffff040") + bytes(8))
    assert guest.sent == [ACK] * 2
    assert (guest.screen.width, guest.screen.height) == (640, 480)


def test_a_lost_guest_does_not_paint_until_it_is_back(guest: Guest) -> None:
    guest.receive(SWITCH_800_600)
    guest.session.detach()
    guest.paint(0, b"\x09")
    guest.receive(UPDATE_ALL)
    assert guest.screen.pixels[0, 0, 0] == 0
    card = Screen(64, 64)
    card.pixels[:] = 77
    guest.session.attach(card)
    guest.now += 1
    guest.copy()
    assert (card.width, card.height) == (800, 600)
    assert card.pixels[0, 0].tolist() == [9, 0, 0, 0]
    assert not card.pixels[1:].any()
    assert guest.sent == [ACK]


@pytest.mark.parametrize(
    ("message", "complaint"),
    [
        (DisplaySwitch(0x12345678, 800, 600), "pixel format 0x12345678"),
        (DisplaySwitch(X8R8G8B8, 801, 600), "takes 1922400"),
        (DisplaySwitch(X8R8G8B8, 0, 600), "0x600"),
        (DisplaySwitch(X8R8G8B8, -800, 600), "-800x600"),
        (DisplaySwitch(X8R8G8B8, 2**62, 600), "allowed"),
        (DisplaySwitch(X8R8G8B8, 8192, 8192), "pixels allowed"),
    ],
)
def test_a_switch_that_cannot_be(
    guest: Guest, message: Message, complaint: str, caplog: pytest.LogCaptureFixture
) -> None:
    guest.receive(SWITCH_800_600)
    guest.paint(0, b"\x09" * 99)
    guest.receive(UPDATE_ALL)
    guest.sent.clear()
    caplog.set_level(logging.WARNING)
    guest.receive(message)
    assert [complaint in text for text in caplog.messages] == [True], "once per switch"
    assert not guest.screen.pixels.any(), "a stale picture stays"
    guest.receive(UPDATE_ALL)
    assert guest.sent == [ACK]
    assert len(caplog.messages) == 1
    guest.receive(SWITCH_800_600)
    assert guest.screen.pixels[0, 0, 0] == 9


@pytest.mark.parametrize(
    "data",
    [b"", b"\x90", b"\xc1", unhex("9163"), unhex("93031ecd4000"), unhex("9500000005"), unhex("950000009100")],
)
def test_nonsense_is_acknowledged(guest: Guest, data: bytes) -> None:
    guest.receive(data)
    assert guest.sent == [ACK]


def test_complaints_do_not_fill_the_log(guest: Guest, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    for _ in range(100):
        guest.receive(b"\x90")
    assert len(caplog.messages) == 21
    assert "not logged" in caplog.messages[-1]


def test_a_framebuffer_that_shrinks_does_not_hurt(guest: Guest, caplog: pytest.LogCaptureFixture) -> None:
    guest.receive(SWITCH_800_600)
    os.truncate(guest.path, 1000)
    guest.receive(UPDATE_ALL)
    assert guest.sent == [ACK]
    assert "shrank" in caplog.text


@pytest.mark.parametrize("kind", ["missing", "symlink", "directory", "pipe"])
def test_only_a_regular_file_is_a_framebuffer(
    guest: Guest, kind: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    elsewhere = tmp_path / "elsewhere"
    guest.path.rename(elsewhere)
    match kind:
        case "symlink":
            guest.path.symlink_to(elsewhere)
        case "directory":
            guest.path.mkdir()
        case "pipe":
            os.mkfifo(guest.path)
    guest.receive(SWITCH_800_600, UPDATE_ALL)
    assert guest.sent == [ACK]
    assert len(caplog.messages) == 1
    assert not guest.screen.pixels.any()


def test_a_framebuffer_of_another_user_is_refused(guest: Guest, caplog: pytest.LogCaptureFixture) -> None:
    if os.getuid() == 0:  # whose framebuffers are always accepted
        try:
            os.chown(guest.path, 12345, -1)
        except OSError:
            pytest.skip("root that may not give files away")
    guest.session._owner = 54321
    guest.receive(SWITCH_800_600)
    assert "but its VM to uid 54321" in caplog.text


integers = st.one_of(st.integers(-(2**63), 2**64 - 1), st.integers(-20, 900))
plausible = st.lists(integers, min_size=1, max_size=6).map(
    lambda values: bytes([0x90 | len(values), abs(values[0]) % 7]) + b"".join(map(_pack, values[1:]))
)


def _pack(value: int) -> bytes:
    if value < 0:
        return b"\xd3" + value.to_bytes(8, "big", signed=True)
    return b"\xcf" + value.to_bytes(8, "big")


@given(st.lists(st.one_of(st.binary(max_size=48), plausible), max_size=12))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_guest_can_break_its_session(tmp_path: Path, messages: list[bytes]) -> None:
    guest = Guest(tmp_path, size=64 * 64 * 4)
    guest.receive(DisplaySwitch(X8R8G8B8, 64, 64))
    guest.receive(*messages)
    guest.wait()
    guest.sent.clear()
    guest.receive(DisplaySwitch(X8R8G8B8, 64, 64), DisplayUpdate(0, 0, 64, 64))
    guest.session.close()
    assert guest.sent == [ACK]
    assert (guest.screen.width, guest.screen.height) == (64, 64)


def test_two_rectangles_are_copied_and_acknowledged_together(tmp_path: Path) -> None:
    """Of a guest of ours, which is told each time it asks that it may say so; also while nobody looks."""
    guest = Guest(tmp_path, version=5)
    for _ in range(2):
        guest.receive(encode_message(TakesSizes(0), 1))
    assert guest.sent == [encode_message(UpdateComplete(TAKES_PAIRS, 60), 1)] * 2
    guest.receive(encode_message(DisplaySwitch(X8R8G8B8, 800, 600), 1))
    guest.paint(0, b"\x07\x07\x07\x00" * (800 * 600))
    guest.sent.clear()
    pair = encode_message(DisplayUpdatePair(10, 20, 5, 5, 700, 590, 200, 200), 1)
    guest.receive(pair)
    assert guest.sent == [encode_message(UpdateComplete(frame_rate=60), 1)]
    assert [int(guest.screen.pixels[y, x, 0]) for x, y in ((10, 20), (14, 24), (799, 599))] == [7, 7, 7]
    guest.look(False)
    guest.sent.clear()
    guest.paint(0, b"\x09\x09\x09\x00" * (800 * 600))
    guest.receive(pair)
    assert guest.sent == [encode_message(UpdateComplete(frame_rate=5), 1)]
    guest.look(True)
    assert guest.screen.pixels[0, 0, 0] == 9


def test_a_guest_of_ours_is_acknowledged_its_updates_in_every_version(tmp_path: Path) -> None:
    """After they have been copied, with a rate; the library is told nothing that it does not expect."""
    library, ours = Guest(tmp_path, version=5), Guest(tmp_path, version=5)
    told: list[int] = []
    ours.session._send = lambda data: told.append(int(ours.screen.pixels[0, 0, 0]))
    for guest in (library, ours):
        guest.receive(encode_message(DisplaySwitch(PixelCode.X8R8G8B8, 800, 600), 1))
    ours.receive(encode_message(TakesSizes(0), 1))
    assert told == [0], "from now on"
    assert not ours.session.input.takes_sizes
    for guest in (library, ours):
        guest.paint(0, b"\x07\x07\x07\x00" * (800 * 600))
        guest.receive(encode_message(DisplayUpdate(0, 0, 800, 600), 1))
    assert library.sent == []
    assert told == [0, 7]
    ours.session._send = ours.sent.append
    ours.look(False)
    ours.receive(encode_message(DisplayUpdate(0, 0, 800, 600), 1))
    ours.look(True)
    assert ours.sent == [encode_message(UpdateComplete(frame_rate=rate), 1) for rate in (5, 60)]
