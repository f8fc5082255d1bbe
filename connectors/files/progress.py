"""What the cursor of a stream of files remembers: which files were read, how far, and what was wrong with them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from connectors.contract import Cursor
from connectors.files.folder import Entry

_OTHER_WAY = -1
"""No file has this size."""


@dataclass(slots=True)
class Known:
    """A file that was read to its end, or refused."""

    size: int
    changed_us: int
    hash: str
    complaints: list[str] = field(default_factory=list)
    """Ids under which something of it is in quarantine."""

    def is_like(self, entry: Entry) -> bool:
        """Whether the folder still lists it as it was."""
        return (self.size, self.changed_us) == (entry.size, entry.changed_us)


@dataclass(slots=True)
class Seen:
    """A file that was not read yet because it may still be written to."""

    size: int
    changed_us: int
    since_us: int
    """When it was first seen like that, by our clock."""

    def is_like(self, entry: Entry) -> bool:
        """Whether the folder still lists it as it was."""
        return (self.size, self.changed_us) == (entry.size, entry.changed_us)


@dataclass(slots=True)
class Partial:
    """A file that is being read."""

    name: str
    hash: str
    rows: int
    """How many of its rows are committed."""
    complaints: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Progress:
    """A cursor as objects. Files that are no longer in the folder are forgotten, so it does not grow for ever."""

    files: dict[str, Known] = field(default_factory=dict)
    seen: dict[str, Seen] = field(default_factory=dict)
    reading: Partial | None = None
    memory: Any = None
    """What the reader of the files wants to remember from one file to the next."""
    way: str = ""
    """How the files are read, by the settings."""

    @classmethod
    def of(cls, cursor: Cursor | None, way: str) -> Progress:
        """Read a cursor. Files that were read in another way, with another encoding for example, count as changed."""
        cursor = cursor or {}
        reading = cursor.get("reading")
        found = cls(
            {name: Known(*values) for name, values in cursor.get("files", {}).items()},
            {name: Seen(*values) for name, values in cursor.get("seen", {}).items()},
            Partial(*reading) if reading else None,
            cursor.get("memory"),
            way,
        )
        if cursor and cursor.get("way") != way:
            for known in found.files.values():
                known.size, known.hash = _OTHER_WAY, ""
            if found.reading is not None:
                found.reading.hash = ""
        return found

    def cursor(self) -> Cursor:
        """The cursor, compact: it is written with every page."""
        made: Cursor = {
            "way": self.way,
            "files": {
                name: [known.size, known.changed_us, known.hash, *([known.complaints] if known.complaints else [])]
                for name, known in self.files.items()
            },
        }
        if self.seen:
            made["seen"] = {name: [seen.size, seen.changed_us, seen.since_us] for name, seen in self.seen.items()}
        if self.reading is not None:
            partial = self.reading
            made["reading"] = [partial.name, partial.hash, partial.rows, list(partial.complaints)]
        if self.memory is not None:
            made["memory"] = self.memory
        return made
