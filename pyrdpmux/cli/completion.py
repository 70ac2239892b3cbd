"""Completion of the command for bash, zsh and fish: shtab writes it, from the command's own parser.

The wheel carries the files; ``hatch_build.py`` has them made while it is built. The repository has none of
them: all in it is ours, and most of such a file is shtab's. An installed wheel does not need shtab.
"""

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

from pyrdpmux.errors import MuxError

MakeParser: TypeAlias = Callable[[], argparse.ArgumentParser]
"""The whole command's, a new one each time: it is marked with what its values are."""

FILES: Final = ("FILE", "FILE.toml", "FILE.rdp")
DIRECTORIES: Final = ("DIR",)
"""What the values of options are called that name files and directories."""

MISSING: Final = (
    "completion for bash, zsh and fish: the wheel has it; in a source tree shtab makes it, "
    "which is not installed (pip install shtab)"
)


class ShtabMissingError(MuxError):
    """Completion cannot be made here."""


@dataclass(frozen=True, slots=True)
class Completion:
    """``place`` is where the shell looks for it, below a prefix."""

    shell: str
    place: Path

    @property
    def name(self) -> str:
        """Of the file in ``packaging/`` of the wheel."""
        return f"pyrdpmux.{self.shell}"

    def text(self, make_parser: MakeParser) -> str:
        """The file. Raises ShtabMissingError."""
        try:
            import shtab
        except ModuleNotFoundError as error:
            raise ShtabMissingError(MISSING) from error
        parser = make_parser()
        for action in _actions(parser):
            if action.metavar in FILES:
                action.complete = shtab.FILE  # type: ignore[attr-defined]
            elif action.metavar in DIRECTORIES:
                action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]
        return shtab.complete(parser, shell=self.shell)


COMPLETIONS: Final = (
    Completion("bash", Path("share/bash-completion/completions/pyrdpmux")),
    Completion("zsh", Path("share/zsh/site-functions/_pyrdpmux")),
    Completion("fish", Path("share/fish/vendor_completions.d/pyrdpmux.fish")),
)


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for inner in action.choices.values():
                yield from _actions(inner)
        else:
            yield action
