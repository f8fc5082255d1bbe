"""An SFTP server that files are delivered to."""
