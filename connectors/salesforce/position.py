"""Where a stream's pull stands: what the cursor holds."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta

from connectors.contract import Cursor
from connectors.salesforce import soql

_VERSION = 1


@dataclass(frozen=True, slots=True)
class Position:
    """All instants are query literals (UTC, milliseconds).

    A pass reads ``[since, until)`` by (stamp, id). ``began`` is the end of the window in which it began, however often
    it was interrupted: the next pass starts that far back, less the overlap, so that what was committed late while this
    one ran is read again.
    """

    since: str | None = None
    """Lower bound of this pass; ``None`` from the beginning."""
    after: tuple[str, str] | None = None
    """The last record read in a pass that is under way."""
    began: str | None = None
    """``None`` between passes."""
    with_bin: bool = False
    """This pass brings along the records in the recycle bin: the very first one does."""
    deletes: str | None = None
    """Deletions before this are known; ``None``: ask for all."""
    lines: str | None = None
    """Changes of lines before this are known."""
    missing: tuple[str, ...] = ()
    """Optional fields the org lacks."""
    asked: str | None = None
    """When it was found out; after a day it is tried again."""

    def cursor(self) -> Cursor:
        """As JSON."""
        filled = {key: value for key, value in asdict(self).items() if value not in (None, (), False)}
        if self.after is not None:
            filled["after"] = list(self.after)
        if self.missing:
            filled["missing"] = list(self.missing)
        return {"v": _VERSION, **filled}

    @classmethod
    def read(cls, cursor: Cursor | None) -> Position | None:
        """The position a cursor holds; ``None`` for none, or for one of another release."""
        if cursor is None or cursor.get("v") != _VERSION:
            return None
        held = {key: value for key, value in cursor.items() if key != "v"}
        if "after" in held:
            held["after"] = (held["after"][0], held["after"][1])
        return cls(**{**held, "missing": tuple(held.get("missing", ()))})

    def finished(self, overlap: timedelta) -> Position:
        """After the last page; if the pass brought nothing, the next one may as well start where it did."""
        since = self.since
        if self.began is not None and (since is None or self.after is not None):
            since = soql.literal(soql.instant(self.began) - overlap)
        return replace(self, since=since, after=None, began=None, with_bin=False)

    def fresh_fields(self, now: datetime) -> Position:
        """Forget which fields were missing if that was found out long ago."""
        if self.asked is None or soql.instant(self.asked) > now - timedelta(days=1):
            return self
        return replace(self, missing=(), asked=None)
