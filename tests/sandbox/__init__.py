"""Tests of the demo company and the demo."""
