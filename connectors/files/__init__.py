"""A folder of tables (CSV, XLSX, JSON lines, Parquet), here or on an SFTP server, as a system to read from."""
