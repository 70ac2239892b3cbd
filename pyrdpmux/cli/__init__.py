"""The `pyrdpmux` command."""

from pyrdpmux.cli.app import main

__all__ = ["main"]
