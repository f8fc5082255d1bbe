"""A stand-in for a bank that puts its statements into a folder."""
