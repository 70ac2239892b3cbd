"""The `pyrdpmux` command, all of it imported before it is confined."""

import codecs
import importlib
import pkgutil

for _module in pkgutil.walk_packages(importlib.import_module("pyrdpmux").__path__, "pyrdpmux."):
    if not _module.name.endswith("__main__"):
        importlib.import_module(_module.name)


for _encoding in ("utf-16-le", "utf-8-sig", "idna", "latin-1", "punycode"):
    codecs.lookup(_encoding)


def main(arguments: list[str]) -> int:
    from pyrdpmux.cli.app import main as command

    return command(arguments)
