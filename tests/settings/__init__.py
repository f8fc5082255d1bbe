"""Tests of ltc.yaml."""
