"""What README.md promises in code, options and links."""

import re
from pathlib import Path

import pytest

from pyrdpmux import cli
from pyrdpmux.mux.settings.config_file import load_config

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.DOTALL | re.MULTILINE)


def test_the_configuration_loads(tmp_path: Path) -> None:
    [text] = blocks("toml")
    path = tmp_path / "readme.toml"
    path.write_text(text)
    assert load_config(path).vm("build7").port == 3950


@pytest.mark.parametrize("link", re.findall(r"\]\((?!https?:)([^)]+)\)", README))
def test_a_link_leads_somewhere(link: str) -> None:
    assert (ROOT / link).exists()


@pytest.mark.parametrize("command", ["serve", "demo", "passwd", "vms"])
def test_every_command_and_its_options_exist(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main([command, "--help"])
    helped = capsys.readouterr().out
    assert f"pyrdpmux {command}" in README
    sentence = re.search(rf"`pyrdpmux {command}` takes (.*?);", README, re.DOTALL)
    for option in re.findall(r"--[a-z-]+", sentence.group(1)) if sentence else []:
        assert option in helped
