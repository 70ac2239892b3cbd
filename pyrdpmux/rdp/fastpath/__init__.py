"""The fast path: PDUs whose headers shrank to a few bytes (MS-RDPBCGR 2.2.8.1.2 and 2.2.9.1.2)."""
