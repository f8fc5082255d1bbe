"""Tests of the documentation: what it says is carried out."""
