"""A stand-in for a folder of exports: tables as programs write them, in each format."""
