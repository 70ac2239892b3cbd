"""The commands talk to the same daemon as the tests of ``mux``."""

from tests.mux.conftest import certificate_directory, factory

__all__ = ["certificate_directory", "factory"]
