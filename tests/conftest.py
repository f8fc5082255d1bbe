"""Fixtures every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared_dir() -> Path:
    """The folder of published API documents and data beside the checkout; skips where it is absent."""
    path = Path(os.environ.get("LTC_SHARED", Path(__file__).resolve().parents[2] / "shared"))
    if not (path / "openapi").is_dir():
        pytest.skip("the published API documents are not beside this checkout (set LTC_SHARED to their folder)")
    return path
