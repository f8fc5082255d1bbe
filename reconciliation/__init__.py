"""Linking, matching, checks, tie-outs and findings: pure logic over state."""
