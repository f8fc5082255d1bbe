"""The shop with a connector that is wrong in one thing, to be named on the command line."""

from __future__ import annotations

from tests.conformance.shop import world_with

World = world_with("shows another version")
