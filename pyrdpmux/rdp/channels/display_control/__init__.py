"""Display Control: a client says which size its desktop should have (MS-RDPEDISP)."""
