"""Bank statements (CAMT.053, MT940, OFX) in a folder, here or on an SFTP server, as payments."""
