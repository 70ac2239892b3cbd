"""What the wheel carries and the repository does not: completion of the command, made during the build."""

import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CompletionHook(BuildHookInterface[Any]):
    """hatchling calls it around the build of a wheel."""

    _directory: "tempfile.TemporaryDirectory[str] | None" = None

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make the files, outside of the tree, and name their places in the wheel."""
        if version == "editable":  # `pyrdpmux install-service` makes them in a checkout
            return
        # pip does not put the project into the path of a build. The parser takes the standard library alone:
        # nothing that pyrdpmux depends on is installed there.
        sys.path.insert(0, self.root)
        try:
            from pyrdpmux.cli.app import make_parser
            from pyrdpmux.cli.completion import COMPLETIONS
        finally:
            sys.path.remove(self.root)
        self._directory = tempfile.TemporaryDirectory(prefix="pyrdpmux-completion-")
        for completion in COMPLETIONS:
            path = Path(self._directory.name) / completion.name
            path.write_text(completion.text(make_parser), encoding="utf-8")
            build_data["force_include"][str(path)] = f"pyrdpmux/packaging/{completion.name}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """The wheel has been written."""
        if self._directory is not None:
            self._directory.cleanup()
