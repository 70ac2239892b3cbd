"""Licensing (MS-RDPELE): its keys, the client's side of the exchange, and the store of licenses."""
