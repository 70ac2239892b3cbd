"""A small VM made of nothing but this project, to look at and to type into.

It is a guest like any other: registered without a bus, but with the real messages over the real socket and a
real shared framebuffer.
"""

from pyrdpmux.mux.demo.backend import DemoBackend

__all__ = ["DemoBackend"]
