"""What /proc and ss say."""

import os

from bench.glass.meter import Status, cpu_of, family, memory_of, processes, read_sent, read_status

STAT = (
    "4711 (a (very) odd name) S 17 4711 4711 0 -1 4194560 5302 9 0 0 "
    "150 50 25 75 20 0 3 0 12345 1000000 2500 18446744073709551615 0 0 0"
)
LISTING = """\
0      0      127.0.0.1:3901      127.0.0.1:50312
\t cubic wscale:7,7 rto:204 rtt:0.05/0.02 mss:32768 cwnd:10 bytes_sent:1500 bytes_acked:1500 bytes_received:9
0      0      127.0.0.1:3901      127.0.0.1:50314
\t cubic wscale:7,7 rto:204 bytes_sent:250 bytes_acked:200 bytes_received:999 segs_out:3
0      0      127.0.0.1:3901      127.0.0.1:50316
\t cubic wscale:7,7 rto:204 bytes_received:1
"""


def test_a_process_with_an_odd_name() -> None:
    assert read_status(STAT, ticks=100) == Status(parent=17, cpu=3.0)


def test_all_connections_of_a_port_count() -> None:
    assert read_sent(LISTING) == 1750
    assert read_sent("") == 0


def test_a_family_is_all_that_descend() -> None:
    parents = {1: 0, 10: 1, 11: 10, 12: 11, 20: 1, 21: 20}
    statuses = {pid: Status(parent, 0.0) for pid, parent in parents.items()}
    assert family([10], statuses) == {10, 11, 12}
    assert family([10, 20, 99], statuses) == {10, 11, 12, 20, 21}
    assert family([], statuses) == set()


def test_this_process_is_there_and_costs_something() -> None:
    assert processes()[os.getpid()].parent == os.getppid()
    assert cpu_of([os.getpid()]) > 0
    assert memory_of([os.getpid()]) > 1 << 20
