"""Files with secrets: private keys and certificates, SAM files, what others may have put there."""
