"""Stand-in servers of the vendors' APIs with fault injection, for the demo, the tests and dry runs."""
