"""Numbers in addresses: those that a database can hold. Any other names nothing, and is refused before it is asked."""

from __future__ import annotations

from typing import Annotated

from fastapi import Path

LARGEST = 2**63 - 1
"""SQLite and PostgreSQL keep 64 bits with a sign."""
RecordId = Annotated[int, Path(ge=0, le=LARGEST)]
"""The number of a record."""
