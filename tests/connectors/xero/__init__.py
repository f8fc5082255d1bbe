"""Tests of the Xero connector, its mapping and its stand-in."""
