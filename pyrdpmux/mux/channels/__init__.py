"""The daemon's side of virtual channels: what a viewer's client says on them, and what becomes of it."""
