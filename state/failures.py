"""What can go wrong with a database, as one error with a sentence and a remedy."""

from __future__ import annotations

import sqlite3

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout


class StoreError(Exception):
    """The database cannot be used. ``message`` is a sentence for the user, ``remedy`` the next step."""

    kind = "store"

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} {self.remedy}".strip()


_RERUN = "Nothing is half done: run the same command again."

_SQLITE = {
    "SQLITE_BUSY": ("is locked by another process", f"Wait until the other run has ended. {_RERUN}"),
    "SQLITE_LOCKED": ("is locked by another process", f"Wait until the other run has ended. {_RERUN}"),
    "SQLITE_FULL": ("cannot grow: the disk is full", f"Free some space. {_RERUN}"),
    "SQLITE_CANTOPEN": ("cannot be opened", "Check that its folder exists and that we may write there."),
    "SQLITE_READONLY": ("is read-only for us", "Check the permissions of the file and its folder."),
    "SQLITE_PERM": ("is read-only for us", "Check the permissions of the file and its folder."),
    "SQLITE_IOERR": (
        "cannot be read or written: the disk failed or is full",
        f"Free some space, or check the disk. {_RERUN}",
    ),
    "SQLITE_CORRUPT": ("is damaged", "Restore a backup, or pull everything again into a new file."),
    "SQLITE_NOTADB": ("is not a database of ours", "Check `store` in ltc.yaml: it names some other file."),
}
_POSTGRES = {
    "53100": ("cannot grow: its disk is full", f"Free some space on the database server. {_RERUN}"),
    "53200": ("is out of memory", _RERUN),
    "53300": ("takes no more connections", f"Raise max_connections or close other clients. {_RERUN}"),
    "55P03": ("is locked by another process", f"Wait until the other run has ended. {_RERUN}"),
    "25P03": ("ended a transaction that stood still too long", _RERUN),
    "40001": ("was changed by another process at the same moment", _RERUN),
    "40P01": ("was locked by another process in the opposite order", _RERUN),
    "42501": ("refuses us a permission", "Grant our role CREATE on the schema and all rights on its tables."),
    "25006": ("is read-only", "Point `store` to the primary server."),
}
_UNREACHABLE = (
    "Check that the server runs, the address, user and password of `store` in ltc.yaml, and that the server's "
    f"certificate is trusted (`?sslrootcert=FILE` names its authority). {_RERUN}"
)


def locked(name: str) -> StoreError:
    """The error of a database that somebody else keeps locked."""
    what, remedy = _SQLITE["SQLITE_BUSY"]
    return StoreError(f"The database {name} {what}.", remedy)


class translated:
    """Let every failure of the database ``name`` inside the block leave as ``StoreError``; programming errors pass."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        pass

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        found = None if error is None else _translated(self._name, error)
        if found is not None:
            raise found from error


def _translated(name: str, error: BaseException) -> StoreError | None:
    if isinstance(error, DBAPIError):
        return _known(name, error.orig)
    if isinstance(error, PoolTimeout):
        return StoreError(f"{name} has no free connection.", _RERUN)
    if isinstance(error, sqlite3.Error) or type(error).__module__.startswith("psycopg"):
        return _known(name, error)
    return None


def _known(name: str, error: BaseException | None) -> StoreError | None:
    if isinstance(error, sqlite3.Error):
        code = getattr(error, "sqlite_errorname", "") or ""
        parts = code.split("_")
        found = _SQLITE.get("_".join(parts[:2]))
        return StoreError(f"The database {name} {found[0]}.", found[1]) if found else None
    state = getattr(error, "sqlstate", None)
    if state in _POSTGRES:
        what, remedy = _POSTGRES[state]
        return StoreError(f"The database {name} {what}.", remedy)
    if type(error).__name__ == "OperationalError" or str(state).startswith(("08", "28", "3D", "57P")):
        return StoreError(f"The database {name} cannot be reached or has closed the connection.", _UNREACHABLE)
    return None
