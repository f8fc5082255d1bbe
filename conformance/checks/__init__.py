"""The checks, one file for each thing that a connector does."""
