"""What the administrator decides: the configuration file and who may what."""
