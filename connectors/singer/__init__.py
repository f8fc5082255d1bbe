"""Singer taps: programs that write a source's records to standard output, run as pull-only connectors."""
