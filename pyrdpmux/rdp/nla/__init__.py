"""Network Level Authentication: CredSSP, SPNEGO and NTLM."""
