"""The asyncio shell: sockets, the clock, and tasks. No protocol knowledge."""
