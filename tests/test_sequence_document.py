"""docs/sequence.md is what scripts/generate-sequence makes of today's phases."""

from scripts.generate_sequence import CLIENT, SERVER, TARGET, main, render
from tests.rdp.connection.test_phases import phase_classes


def test_it_is_current() -> None:
    assert TARGET.read_text(encoding="utf-8") == render(), "run scripts/generate-sequence"
    assert main(["--check"]) == 0


def test_it_has_every_phase() -> None:
    assert set(SERVER) == set(phase_classes("server").values())
    assert set(CLIENT) == set(phase_classes("client").values())
