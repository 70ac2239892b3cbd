"""Who comes in: sockets are accepted, limited and secured here, and what comes of it is a ticket."""
