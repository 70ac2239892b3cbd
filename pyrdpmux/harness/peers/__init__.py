"""Peers of our own: a client that keeps the picture it is sent, and a server that asks for licenses."""
