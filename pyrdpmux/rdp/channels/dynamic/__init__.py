"""Dynamic virtual channels: many named channels inside the static channel ``drdynvc`` (MS-RDPEDYC)."""
