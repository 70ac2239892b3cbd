"""Standard RDP security (MS-RDPBCGR 5.3): for legacy clients."""
