"""Tests of the ltc command."""
