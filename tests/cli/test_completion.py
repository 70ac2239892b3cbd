"""Completion of the command: what each shell proposes with the file that shtab makes for it."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from pyrdpmux.cli.app import make_parser
from pyrdpmux.cli.completion import COMPLETIONS, Completion, ShtabMissingError
from scripts.generate_manual import commands

pytest.importorskip("shtab", reason="needs shtab, of the extra dev")

each_shell = pytest.mark.parametrize("completion", COMPLETIONS, ids=lambda completion: completion.shell)

COMPLETED = [
    ("pyrdpmux se", {"serve"}),
    ("pyrdpmux demo --security ", {"nla", "rdp", "tls"}),
    ("pyrdpmux passwd --st", {"--stdin", "--state-dir"}),
    ("pyrdpmux serve --config /etc/passw", {"/etc/passwd"}),
]


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """With the files of all shells."""
    for completion in COMPLETIONS:
        (tmp_path / completion.name).write_text(completion.text(make_parser), encoding="utf-8")
    return tmp_path


def proposals(directory: Path, shell: str, line: str) -> set[str]:
    """What the shell proposes for the last word of a line."""
    *before, last = line.split(" ")
    bash = f"""
        source {directory / "pyrdpmux.bash"}
        COMP_WORDS=({" ".join(before)} '{last}')
        COMP_CWORD={len(before)}
        _shtab_pyrdpmux pyrdpmux '{last}'
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    fish = f"source {directory / 'pyrdpmux.fish'}; complete -C '{line}'"
    ran = subprocess.run(
        [shell, "-c", {"bash": bash, "fish": fish}[shell]], capture_output=True, text=True, check=True
    )
    assert ran.stderr == ""
    return {found.split("\t")[0] for found in ran.stdout.splitlines()}


@pytest.mark.parametrize("shell", ["bash", "fish"])
@pytest.mark.parametrize(("line", "expected"), COMPLETED)
def test_what_is_proposed(directory: Path, shell: str, line: str, expected: set[str]) -> None:
    if shutil.which(shell) is None:
        pytest.skip(f"needs {shell}")
    found = proposals(directory, shell, line)
    assert found == expected or (line.endswith("/etc/passw") and expected <= found)


def test_a_number_is_not_completed(directory: Path) -> None:
    assert proposals(directory, "bash", "pyrdpmux serve --port ") == {""}


@each_shell
def test_each_shell_understands_its_file(directory: Path, completion: Completion) -> None:
    if shutil.which(completion.shell) is None:
        pytest.skip(f"needs {completion.shell}")
    command = [completion.shell, "-n", str(directory / completion.name)]
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")


@each_shell
def test_it_has_every_option_of_every_command(completion: Completion) -> None:
    words = set(re.findall(r"[\w-]+", completion.text(make_parser)))
    for command in commands():
        assert command.name in words
        for action in command.options:
            for name in action.option_strings:
                assert name.lstrip("-") in words or name in words


def test_without_shtab_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "shtab", None)
    with pytest.raises(ShtabMissingError, match="pip install shtab"):
        COMPLETIONS[0].text(make_parser)
