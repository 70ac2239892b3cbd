"""From what a VM shows to what its viewers are sent: computation that knows no VM, viewer or clock."""
