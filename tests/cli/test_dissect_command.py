"""``pyrdpmux dissect`` as its user sees it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pyrdpmux.cli import main
from pyrdpmux.harness.capture.pcap import write_pcap
from tests.harness.capture.obstacles import FOLDER, recorded

NAME = "xfreerdp-shadow-tls-16"
PCAP, KEYS = FOLDER / f"{NAME}.pcap", FOLDER / f"{NAME}.keys"


def printed(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[str]:
    assert main(["dissect", *arguments]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    return out.splitlines()


def test_a_conversation_is_one_line_a_message(capsys: pytest.CaptureFixture[str]) -> None:
    head, *lines = printed(capsys, str(PCAP), "--keys", str(KEYS))
    assert head == "connection 1, 127.0.0.1:38164 -> 127.0.0.1:41435: SSL, 114 messages, 0 stops"
    assert lines[0].startswith("     4     0.000318 > x224   ConnectionRequest(negotiation=")
    assert any(" < fp     BitmapUpdate(" in line for line in lines)
    assert any("CertificateMessage(certificates=[CertificateName(subject=" in line for line in lines)
    expected = (FOLDER / f"{NAME}.expected.txt").read_text(encoding="utf-8").splitlines()
    text = "\n".join(lines)
    assert all(line[2:2000] in text for line in expected)


def test_a_stop_stands_where_it_happened(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "torn.pcap"
    packets = recorded(NAME)
    write_pcap(path, [*packets[:100], *packets[101:]])
    path.write_bytes(path.read_bytes()[:-7])
    lines = printed(capsys, str(path), "--keys", str(KEYS))
    assert "STOP   file: cut or broken" in lines[0]
    stops = [at for at, line in enumerate(lines) if "STOP   TCP" in line]
    assert len(stops) == 1
    assert 20 < stops[0] < len(lines) - 20
    assert lines[stops[0]].endswith("bytes are missing: no packet has them")


def test_every_field_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    objects = [json.loads(line) for line in printed(capsys, str(PCAP), "--json")]
    first = objects[0]
    (stop,) = [item for item in objects if item["kind"] == "stop"]
    sealed = next(item for item in objects if item["kind"] == "cipher")
    assert stop == {
        "connection": 1,
        "packet": sealed["packet"],
        "time": sealed["time"],
        "direction": "<",
        "kind": "stop",
        "layer": "TLS",
        "reason": "no keys are there for what is encrypted",
    }
    assert (first["connection"], first["packet"], first["direction"], first["kind"]) == (1, 4, ">", "x224")
    assert [layer["type"] for layer in first["layers"]] == ["Tpkt", "ConnectionRequest"]
    assert first["layers"][1]["negotiation"]["requested_protocols"] == "SSL"


def test_a_password_does_not_print(capsys: pytest.CaptureFixture[str]) -> None:
    text = "\n".join(printed(capsys, str(PCAP), "--keys", str(KEYS), "--json"))
    assert '"password": "***"' in text


def test_connections_are_chosen(capsys: pytest.CaptureFixture[str]) -> None:
    chosen = printed(capsys, str(PCAP), "--port", "41435", "--keys", str(KEYS))
    assert chosen == printed(capsys, str(PCAP), "--connection", "1", "--keys", str(KEYS))
    none = printed(capsys, str(PCAP), "--port", "3389")
    assert none[0].startswith("no such connection; 1 in ")
    assert none[1] == "connection 1, 127.0.0.1:38164 -> 127.0.0.1:41435"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["/nowhere.pcap"], "/nowhere.pcap: No such file or directory"),
        ([str(KEYS)], "is neither pcap nor pcapng"),
        ([str(PCAP), "--keys", str(PCAP)], "codec can't decode"),
        ([str(PCAP), "--connection", "2"], "connection 2 of 1"),
    ],
)
def test_what_cannot_be_opened_is_one_line(
    capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert main(["dissect", *arguments]) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("pyrdpmux: ")
    assert message in err
    assert err.count("\n") == 1


def test_a_reader_that_goes_away_is_no_error() -> None:
    """``pyrdpmux dissect FILE | head -1``"""
    command = [sys.executable, "-m", "pyrdpmux", "dissect", str(PCAP), "--keys", str(KEYS), "--json"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=FOLDER.parents[1]
    ) as run:
        assert run.stdout is not None
        assert run.stderr is not None
        run.stdout.readline()
        run.stdout.close()
        assert run.stderr.read() == b""
