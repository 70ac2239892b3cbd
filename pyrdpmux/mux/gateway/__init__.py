"""One port for all VMs: where a client wants to go, and the list of VMs."""
