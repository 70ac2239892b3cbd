"""What is told of results and failures."""

import json
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from bench.glass.measures import Cell, Failure, Outcome, Result
from bench.glass.report import as_json, markdown, megabytes, summary
from bench.glass.svg import COLUMNS, picture

RESULT = Result(
    frames=300,
    seen=299,
    fps=29.9,
    p50=10.4,
    p95=20.6,
    behind=31.2,
    first_picture=450.0,
    sent_before=1_000_000,
    sent=250_000,
    sent_after=3_000,
    sent_still=0,
    server_cpu=1.26,
    display_cpu=0.1,
    client_cpu=0.2,
    presenter_cpu=0.3,
    server_memory=90_000_000,
    psnr=99.0,
)
OUTCOMES: dict[Cell, Outcome] = {
    Cell("ours", "typing", "h264"): RESULT,
    Cell("theirs", "typing", "h264"): replace(RESULT, fps=3.0, p50=None, p95=None, sent_after=2_000_000),
    Cell("broken", "typing", "h264"): Failure("ProgramError: it fell\nand more"),
    Cell("absent", "typing", "h264"): Failure("not installed: xyz", is_skipped=True),
    Cell("ours", "typing", "none"): RESULT,
}
FACTS = {"screen": "1920x1080"}
SVG = "{http://www.w3.org/2000/svg}"


def test_summary() -> None:
    assert summary(RESULT) == "29.9 fps, 10/21 ms, 1.2 MB, 1.3 s, 99 dB"


def test_cpu_is_by_frames_that_were_seen() -> None:
    assert replace(RESULT, seen=100, server_cpu=1.5).cpu_per_frame == pytest.approx(0.015)
    assert replace(RESULT, seen=0, server_cpu=1.5).cpu_per_frame == pytest.approx(1.5)


def test_summary_of_what_was_refined_and_never_seen() -> None:
    outcome = OUTCOMES[Cell("theirs", "typing", "h264")]
    assert summary(outcome) == "3.0 fps, -/- ms, 1.2+2.0 MB, 1.3 s, 99 dB"


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0.00"), (0.154, "0.15"), (1.26, "1.3"), (9.99, "10.0"), (143.2, "143")]
)
def test_megabytes(value: float, text: str) -> None:
    assert megabytes(value) == text


def test_markdown_tells_failures() -> None:
    lines = markdown(OUTCOMES, FACTS).splitlines()
    assert "- screen: 1920x1080" in lines
    assert "| broken | **failed** |" in lines
    assert "- broken, typing, h264: ProgramError: it fell" in lines
    assert "- absent, typing, h264: skipped, not installed: xyz" in lines
    assert lines.count("| ours | 29.9 fps, 10/21 ms, 1.2 MB, 1.3 s, 99 dB |") == 2


def test_rows_of_a_table_have_one_length() -> None:
    tables: list[list[str]] = [[]]
    for line in markdown(OUTCOMES, FACTS).splitlines():
        tables[-1].append(line) if line.startswith("|") else tables.append([])
    widths = [{line.count("|") for line in table} for table in tables if table]
    assert len(widths) == 4
    assert all(len(width) == 1 for width in widths)


def test_json_has_everything() -> None:
    read = json.loads(as_json(OUTCOMES, FACTS))
    assert read["facts"] == FACTS
    assert len(read["measured"]) == len(OUTCOMES)
    assert read["measured"][0]["server"] == "ours"
    assert read["measured"][0]["sent_before"] == 1_000_000
    assert read["measured"][2]["failure"].startswith("ProgramError")


def test_picture_has_a_bar_for_each_figure() -> None:
    root = ET.fromstring(picture(OUTCOMES, "h264", "a <machine>"))
    texts = [element.text for element in root.iter(f"{SVG}text")]
    bars = [element for element in root.iter(f"{SVG}rect") if element.get("fill") != "white"]
    # Nobody has seen a frame of theirs, and the other two have no figures.
    assert len(bars) == 2 * len(COLUMNS) - 1
    assert {"a <machine>", "ours", "theirs", "broken", "absent", "29.9"} <= set(texts)


def test_the_longest_bar_is_the_largest_figure() -> None:
    root = ET.fromstring(picture(OUTCOMES, "h264", ""))
    widths = [float(e.get("width", 0)) for e in root.iter(f"{SVG}rect") if e.get("fill") != "white"]
    assert widths[0] == pytest.approx(widths[1] * 29.9 / 3.0, rel=0.02)
