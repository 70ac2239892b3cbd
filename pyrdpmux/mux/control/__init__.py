"""The control socket: what a running daemon is asked and told by the command line."""
