"""Auto-detection, keepalive and heartbeats: what the server does when time passes, whatever is answered."""

from typing import Any

import pytest

from pyrdpmux.rdp.connection.events import Disconnected, NetworkMeasured
from pyrdpmux.rdp.connection.server.auto_detect import (
    BANDWIDTH_SECONDS,
    MAX_OUTSTANDING,
    MEASURED_OUTPUT,
    REPEATED_OUTPUT,
)
from pyrdpmux.rdp.connection.server.keepalive import MEASURE_SECONDS, SELDOM_SECONDS, Keepalive
from pyrdpmux.rdp.pdu.auto_detect import (
    BandwidthMeasurePayload,
    BandwidthMeasureResults,
    BandwidthMeasureStart,
    BandwidthMeasureStop,
    NetworkCharacteristicsResult,
    NetworkCharacteristicsSync,
    RequestType,
    ResponseType,
    RttMeasureRequest,
    RttMeasureResponse,
)
from pyrdpmux.rdp.pdu.heartbeat import Heartbeat
from pyrdpmux.rdp.pdu.update import BitmapData, BitmapFlags
from tests.rdp.connection.scripted import EARLY, Early, Scripted, blocks, plaintext_config


def sent(client: Scripted, *kinds: type) -> list[Any]:
    """The messages that the server sent since the last look."""
    tracer = client.config.tracer
    entries: list[tuple[str, str, object]] = tracer.entries  # type: ignore[attr-defined]
    found = [pdu for direction, _phase, pdu in entries if direction == ">" and isinstance(pdu, kinds)]
    entries.clear()
    return found


def notes(client: Scripted) -> list[str]:
    return [entry.removeprefix("! ") for entry in client.transcript if entry.startswith("!")]


def rectangle(size: int) -> BitmapData:
    return BitmapData(0, 0, 63, 63, 64, 64, 32, BitmapFlags(0), bytes(size))


class TestRoundTrips:
    def test_the_first_begins_with_active(self) -> None:
        client = Scripted().reach("Active")
        [request] = sent(client, RttMeasureRequest)
        assert request.request_type == RequestType.RTT
        client.now += 0.25
        client.send(client.message(RttMeasureResponse(request.sequence_number)))
        assert client.saw(NetworkMeasured) == [NetworkMeasured(0.25, 0.0)]
        assert client.server.facts.round_trip_seconds == 0.25

    def test_they_come_again_every_second_while_there_is_output(self) -> None:
        client = Scripted().reach("Active")
        assert len(sent(client, RttMeasureRequest)) == 1
        draw(client, 60)
        numbers = [request.sequence_number for request in sent(client, RttMeasureRequest)]
        assert len(numbers) == pytest.approx(60 * 0.1 / MEASURE_SECONDS, abs=1)
        assert numbers == sorted(set(numbers))

    def test_a_still_picture_costs_nothing(self) -> None:
        client = Scripted().reach("Active")
        sent(client, RttMeasureRequest)
        assert client.server.next_deadline() is None
        client.wait(600)
        assert client.transcript == []
        draw(client, 1)
        client.wait(600)
        assert len(sent(client, RttMeasureRequest)) == 1
        assert client.server.next_deadline() is None

    def test_what_output_asks_for_is_timed_by_the_clock(self) -> None:
        """Output comes without the time: the last that the connection has heard of is an hour ago."""
        client = Scripted().reach("Active")
        sent(client, RttMeasureRequest)
        client.now += 3600
        client.server.send_bitmaps([rectangle(1000)])
        deadline = client.server.next_deadline()
        assert deadline is not None
        assert deadline <= client.now
        client.server.handle_timeout(client.now)
        [request] = sent(client, RttMeasureRequest)
        client.now += 0.02
        client.send(client.message(RttMeasureResponse(request.sequence_number)))
        assert client.saw(NetworkMeasured)[-1].round_trip_seconds == pytest.approx(0.02)

    def test_seldom_where_frames_are_acknowledged(self) -> None:
        client = Scripted().reach("Active")
        sent(client, RttMeasureRequest)
        for _ in range(round(2 * SELDOM_SECONDS / 0.1)):
            client.session.keepalive.saw_acknowledgement()
            draw(client, 1)
        assert len(sent(client, RttMeasureRequest)) == pytest.approx(2, abs=1)

    def test_an_answer_counts_once(self) -> None:
        client = Scripted().reach("Active")
        [request] = sent(client, RttMeasureRequest)
        answer = client.message(RttMeasureResponse(request.sequence_number))
        client.send(answer, answer)
        assert len(client.saw(NetworkMeasured)) == 1
        assert notes(client) == ["RTT response 1 answers nothing"]

    @pytest.mark.parametrize("number", [0, 2, 77, 0xFFFF])
    def test_an_answer_to_nothing_has_no_effect(self, number: int) -> None:
        client = Scripted().reach("Active")
        client.send(client.message(RttMeasureResponse(number)))
        assert client.saw(NetworkMeasured) == []
        assert f"RTT response {number} answers nothing" in notes(client)
        assert client.server.is_active

    def test_answers_that_never_come_cost_nothing(self) -> None:
        client = Scripted().reach("Active")
        most = 0
        for _ in range(30 * MAX_OUTSTANDING):
            draw(client, 1)
            outstanding = len(client.session.auto_detect._sent_at)
            assert outstanding <= MAX_OUTSTANDING
            most = max(most, outstanding)
        assert client.server.is_active
        assert most == MAX_OUTSTANDING

    def test_answers_out_of_order(self) -> None:
        client = Scripted().reach("Active")
        draw(client, 1)
        first, second = sent(client, RttMeasureRequest)
        client.now += 1 - 0.1
        client.send(client.message(RttMeasureResponse(second.sequence_number)))
        client.send(client.message(RttMeasureResponse(first.sequence_number)))
        assert [round(event.round_trip_seconds) for event in client.saw(NetworkMeasured)] == [1, 1]

    @pytest.mark.parametrize(
        ("config", "client_blocks"),
        [
            (plaintext_config(auto_detect=False), blocks()),
            (plaintext_config(), blocks(early=EARLY & ~Early.SUPPORT_NETCHAR_AUTODETECT)),
            (plaintext_config(), blocks(message_channel=False)),
        ],
    )
    def test_nobody_is_measured_who_does_not_want_it(self, config: Any, client_blocks: Any) -> None:
        client = Scripted(config, client_blocks).reach("Active")
        client.server.send_bitmaps([rectangle(10000)] * 10)
        assert client.server.next_deadline() is None
        assert sent(client, RttMeasureRequest, BandwidthMeasureStart, BandwidthMeasureStop) == []


def draw(client: Scripted, times: int, size: int = 1000) -> None:
    """Output every tenth of a second."""
    for _ in range(times):
        client.server.send_bitmaps([rectangle(size)])
        client.wait(0.1)


class TestBandwidthOnOutput:
    def begin(self) -> Scripted:
        client = Scripted().reach("Active")
        client.transcript  # noqa: B018
        return client

    def test_the_first_picture_is_measured(self) -> None:
        client = self.begin()
        for _ in range(10):
            client.server.send_bitmaps([rectangle(10000)])
        messages = sent(client, BandwidthMeasureStart, BandwidthMeasureStop)
        assert [type(message) for message in messages] == [BandwidthMeasureStart, BandwidthMeasureStop]
        assert messages[0].sequence_number == messages[1].sequence_number
        assert messages[0].request_type == RequestType.BANDWIDTH_START
        assert messages[1].request_type == RequestType.BANDWIDTH_STOP
        client.send(client.message(BandwidthMeasureResults(0, 100, MEASURED_OUTPUT)))
        [measured] = client.saw(NetworkMeasured)
        assert measured.bits_per_second == MEASURED_OUTPUT * 80
        [result] = sent(client, NetworkCharacteristicsResult)
        assert result.bandwidth == round(MEASURED_OUTPUT * 80 / 1000)

    def test_it_is_measured_again_on_large_output(self) -> None:
        client = self.begin()
        client.server.send_bitmaps([rectangle(10000)] * 10)
        client.send(client.message(BandwidthMeasureResults(0, 100, 70000)))
        draw(client, round(2 * BANDWIDTH_SECONDS / 0.1))
        sent(client)
        for _ in range(3):
            client.server.send_bitmaps([rectangle(10000)] * 10)
        messages = sent(client, BandwidthMeasureStart, BandwidthMeasureStop)
        assert [type(message) for message in messages] == [BandwidthMeasureStart, BandwidthMeasureStop]
        client.send(client.message(BandwidthMeasureResults(0, 10, REPEATED_OUTPUT)))
        assert client.saw(NetworkMeasured)[-1].bits_per_second == REPEATED_OUTPUT * 800

    def test_one_with_gaps_is_given_up(self) -> None:
        """It would tell of the gaps: 64 KiB of typing take minutes."""
        client = self.begin()
        draw(client, 100, MEASURED_OUTPUT // 90)
        assert sent(client, BandwidthMeasureStop) == []
        client.send(client.message(BandwidthMeasureResults(0, 10_000, 70000)))
        assert [event for event in client.saw(NetworkMeasured) if event.bits_per_second] == []
        draw(client, round(BANDWIDTH_SECONDS / 0.1))
        client.server.send_bitmaps([rectangle(REPEATED_OUTPUT)])
        assert len(sent(client, BandwidthMeasureStart, BandwidthMeasureStop)) == 2

    def test_a_round_trip_does_not_repeat_an_old_bandwidth(self) -> None:
        client = self.begin()
        client.server.send_bitmaps([rectangle(10000)] * 10)
        client.send(client.message(BandwidthMeasureResults(0, 100, 70000)))
        draw(client, 1)
        request = sent(client, RttMeasureRequest)[-1]
        client.send(client.message(RttMeasureResponse(request.sequence_number)))
        assert client.saw(NetworkMeasured)[-1].bits_per_second == 0.0

    def test_once_and_not_again_at_once(self) -> None:
        client = self.begin()
        client.server.send_bitmaps([rectangle(10000)] * 10)
        client.send(client.message(BandwidthMeasureResults(0, 100, 70000)))
        client.send(client.message(BandwidthMeasureResults(0, 1, 70000)))
        client.server.send_bitmaps([rectangle(10000)] * 10)
        assert len(client.saw(NetworkMeasured)) == 1
        assert client.transcript.count("> BandwidthMeasureStart") == 1

    def test_results_that_nobody_asked_for_yet(self) -> None:
        client = self.begin()
        results = client.message(BandwidthMeasureResults(0, 100, 1000))
        client.send(results)
        client.server.send_bitmaps([rectangle(100)])
        client.send(results)  # started, but not stopped
        assert client.saw(NetworkMeasured) == []
        assert notes(client) == ["bandwidth results that nobody asked for"] * 2
        client.server.send_bitmaps([rectangle(10000)] * 10)
        client.send(results)
        assert len(client.saw(NetworkMeasured)) == 1

    def test_no_time_at_all_is_a_millisecond(self) -> None:
        client = self.begin()
        client.server.send_bitmaps([rectangle(10000)] * 10)
        client.send(client.message(BandwidthMeasureResults(0, 0, 0xFFFFFFFF)))
        [measured] = client.saw(NetworkMeasured)
        assert measured.bits_per_second == 0xFFFFFFFF * 8000
        [result] = sent(client, NetworkCharacteristicsResult)
        assert result.bandwidth == 0xFFFFFFFF

    def test_a_sync_has_no_effect(self) -> None:
        client = self.begin()
        client.send(client.message(NetworkCharacteristicsSync(1, 1000, 10)))
        assert client.saw(NetworkMeasured) == []
        assert notes(client) == ["NetworkCharacteristicsSync has no effect"]


class TestConnectTime:
    def begin(self) -> tuple[Scripted, int]:
        client = Scripted(plaintext_config(connect_time_auto_detect=True)).reach("ConnectTimeAutoDetection")
        [request] = sent(client, RttMeasureRequest)
        assert request.request_type == RequestType.RTT_CONNECT_TIME
        client.events.clear()
        return client, request.sequence_number

    def test_round_trip_then_bandwidth_then_licensing(self) -> None:
        client, number = self.begin()
        client.now += 0.03
        client.send(client.message(RttMeasureResponse(number)))
        start, *payloads, stop = sent(
            client, BandwidthMeasureStart, BandwidthMeasurePayload, BandwidthMeasureStop
        )
        assert start.request_type == RequestType.BANDWIDTH_START_CONNECT_TIME
        assert stop.request_type == RequestType.BANDWIDTH_STOP_CONNECT_TIME
        assert len(payloads) == 2
        assert client.server.phase_name == "ConnectTimeAutoDetection"
        size = sum(len(payload.payload) for payload in [*payloads, stop])
        results = BandwidthMeasureResults(stop.sequence_number, 8, size, ResponseType.BANDWIDTH_CONNECT_TIME)
        client.send(client.message(results))
        assert client.transcript == [
            "< BandwidthMeasureResults",
            "> NetworkCharacteristicsResult",
            "> LicensingPdu",
            "> DemandActive",
            "> MonitorLayout",
        ]
        [measured] = client.saw(NetworkMeasured)
        assert measured.round_trip_seconds == pytest.approx(0.03)
        assert measured.bits_per_second == size * 1000

    def test_silence_is_not_waited_for(self) -> None:
        client, number = self.begin()
        client.wait(client.config.limits.auto_detection)
        assert client.server.phase_name == "CapabilitiesExchange"
        assert notes(client) == ["no answer to auto-detect within 1.5 s"]
        # late answers have no effect
        client.send(client.message(RttMeasureResponse(number)))
        client.send(client.message(BandwidthMeasureResults(2, 1, 1000)))
        client.reach_active()
        assert client.saw(NetworkMeasured) == []

    def test_bandwidth_results_at_once_are_not_believed(self) -> None:
        client, _number = self.begin()
        client.send(client.message(BandwidthMeasureResults(1, 1, 1000)))
        assert client.server.phase_name == "ConnectTimeAutoDetection"
        assert client.saw(NetworkMeasured) == []

    def test_answers_to_nothing_do_not_postpone_the_end(self) -> None:
        client, _number = self.begin()
        for _ in range(10):
            client.wait(0.2)
            client.send(client.message(RttMeasureResponse(99)))
        assert client.server.phase_name == "CapabilitiesExchange"

    def test_only_the_last_answer_missing(self) -> None:
        client, number = self.begin()
        client.send(client.message(RttMeasureResponse(number)))
        client.wait(2)
        assert client.server.phase_name == "CapabilitiesExchange"
        client.reach_active()
        client.server.send_bitmaps([rectangle(10000)] * 10)
        assert "> BandwidthMeasureStop" in client.transcript


class TestKeepalive:
    @pytest.mark.parametrize(
        ("heartbeat", "measures", "seconds"),
        [(0, False, None), (0, True, MEASURE_SECONDS), (4, False, 4.0), (60, True, MEASURE_SECONDS)],
    )
    def test_the_shorter_period_counts(self, heartbeat: int, measures: bool, seconds: float | None) -> None:
        keepalive = Keepalive(heartbeat, measures)
        assert keepalive.seconds() == (heartbeat or None)
        assert keepalive.saw_output() is measures
        assert keepalive.saw_output() is False
        assert keepalive.seconds() == seconds

    def test_heartbeats_go_to_those_who_want_them(self) -> None:
        client = Scripted(plaintext_config(heartbeat_seconds=4)).reach("Active")
        client.transcript  # noqa: B018
        client.wait(12)
        assert sent(client, Heartbeat) == [Heartbeat(4, 3, 5)] * 3

    @pytest.mark.parametrize(
        "client_blocks",
        [blocks(early=EARLY & ~Early.SUPPORT_HEARTBEAT_PDU), blocks(message_channel=False)],
    )
    def test_and_to_nobody_else(self, client_blocks: Any) -> None:
        client = Scripted(plaintext_config(heartbeat_seconds=4), client_blocks).reach("Active")
        client.wait(60)
        assert sent(client, Heartbeat) == []

    def test_heartbeats_and_measurements_keep_their_distance_from_each_other(self) -> None:
        client = Scripted(plaintext_config(heartbeat_seconds=4)).reach("Active")
        sent(client)
        draw(client, 400)
        messages = sent(client, RttMeasureRequest, Heartbeat)
        kinds = [type(message) for message in messages]
        assert kinds.count(RttMeasureRequest) == pytest.approx(40 / MEASURE_SECONDS, abs=4)
        assert 40 / 4 <= kinds.count(Heartbeat) <= 40 / (4 - MEASURE_SECONDS) + 1

    def test_a_period_fits_its_byte(self) -> None:
        client = Scripted(plaintext_config(heartbeat_seconds=1000)).reach("Active")
        assert client.session.keepalive.heartbeat_seconds == 255

    def test_a_ticking_connection_lives(self) -> None:
        client = Scripted(plaintext_config(heartbeat_seconds=1)).reach("Active")
        client.wait(600)
        assert client.server.is_active
        assert client.saw(Disconnected) == []
