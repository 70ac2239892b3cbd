"""What the service manager offers: the journal, readiness, sockets passed on."""
