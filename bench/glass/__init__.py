"""Glass to glass: what reaches a client's window, when, and what it costs. ``python -m bench.glass --help``.

The same deterministic workload is drawn into each remote display server, and watched in the window of a real
client. README.md here says how it measures, and how to add a server.
"""
