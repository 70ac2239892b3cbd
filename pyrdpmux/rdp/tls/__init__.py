"""Everything between TCP and the PDUs: TLS, network level authentication, standard RDP security."""
