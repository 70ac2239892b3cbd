"""One file for each server, with its ``SERVER``; all of them are measured."""

import importlib
import pkgutil

from bench.glass.server import Server


def all_servers() -> dict[str, Server]:
    """By name."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    found: list[Server] = [importlib.import_module(f"{__name__}.{name}").SERVER for name in names]
    return {server.name: server for server in found}
