"""Tests of the connectors against their stand-in servers."""
