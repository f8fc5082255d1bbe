"""ltc.yaml and the files beside it as people change them in the workbench: whole, checked, and with a history.

A file is replaced at once or not at all, only if it is still what the person saw, and only by what can be used.
"""

from __future__ import annotations

import os
import re
import stat
from collections import OrderedDict
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Lock
from typing import TYPE_CHECKING

from console import configured, literals
from console.web.admin import differences, period_rights
from console.web.admin.differences import Line, NotUndoable
from console.web.admin.replacing import replace
from settings import Problem, SettingsError
from state import audit, settings_changes
from state.settings_changes import Change
from yamlfiles.errors import FileUnusable

if TYPE_CHECKING:
    from settings.model import Settings
    from state.store import Store

LARGEST = 256_000
"""Bytes of a file that is changed in the browser."""
MAPPINGS, CONNECTORS = "mappings", "connectors"
"""Folders beside ltc.yaml for the mappings and manifests of a site."""
_PART = r"\w[\w.-]{0,99}"
_NAME = re.compile(rf"(?:{_PART}/){{0,3}}{_PART}\.ya?ml")
_REMEMBERED = 50


class FileError(Exception):
    """A file cannot be read or written; ``key`` says why, in the words of ``settings_files.problem``."""

    def __init__(self, key: str, file: str) -> None:
        super().__init__(f"{file}: {key}")
        self.key = key
        self.file = file


class NotUsable(Exception):
    """The changed text is not taken; ``problems`` lists every reason with its line."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


class ChangedMeanwhile(Exception):
    """Somebody else changed the file since the person saw it: what it is ``now``, and the ``difference`` if known."""

    def __init__(self, now: Content, difference: list[Line]) -> None:
        super().__init__(now.file)
        self.now = now
        self.difference = difference


@dataclass(frozen=True, slots=True)
class Content:
    """A file as it is now; ``digest`` goes into the form, so that it comes back with the change. Empty: no file."""

    file: str
    text: str
    digest: str


class Files:
    """The files of one site: those beside ltc.yaml that the settings can name, and no others."""

    def __init__(self, store: Store, path: Path) -> None:
        self._store = store
        self.path = Path(path).absolute()
        self.folder = self.path.parent
        self._seen: OrderedDict[str, str] = OrderedDict()
        self._lock = Lock()

    @property
    def main(self) -> str:
        """What ltc.yaml is called here."""
        return self.path.name

    def kind(self, file: str, settings: Settings) -> str | None:
        """``settings``, ``mapping`` or ``manifest``; ``None`` for any other name."""
        if file == self.main:
            return "settings"
        if not _NAME.fullmatch(file) or ".." in file:
            return None
        used = settings.systems.values()
        folder = file.partition("/")[0]
        if file in {system.mapping for system in used} or file.endswith(".mapping.yaml") or folder == MAPPINGS:
            return "mapping"
        if file in {system.connector for system in used} or folder == CONNECTORS:
            return "manifest"
        return None

    def names(self, settings: Settings) -> list[str]:
        """The files of the site that are there: ltc.yaml, then the others by name."""
        found = set()
        for folder in (self.folder, self.folder / MAPPINGS, self.folder / CONNECTORS):
            for path in folder.glob("*.y*ml") if folder.is_dir() and not folder.is_symlink() else ():
                found.add(path.relative_to(self.folder).as_posix())
        for system in settings.systems.values():
            found |= {name for name in (system.mapping, system.connector) if name}
        here = [name for name in found - {self.main} if self.kind(name, settings) and self._exists(name)]
        return [self.main, *sorted(here)]

    def read(self, file: str) -> Content:
        """The file as it is now, empty if there is none. Raises ``FileError``."""
        path = self._path(file)
        try:
            handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | (0 if file == self.main else os.O_NOFOLLOW))
        except FileNotFoundError:
            return Content(file, "", "")
        except OSError:
            raise FileError("unreadable", file) from None
        with os.fdopen(handle, "rb") as opened:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise FileError("unreadable", file)
            data = opened.read(LARGEST + 1)
        if len(data) > LARGEST:
            raise FileError("too_large", file)
        try:
            found = Content(file, data.decode("utf-8"), sha256(data).hexdigest())
        except UnicodeDecodeError:
            raise FileError("not_utf8", file) from None
        self._remember(found)
        return found

    def why_not(self, file: str) -> str:
        """Why a file cannot be written here, as a key like that of ``FileError``; empty if it can."""
        if self.path.is_symlink():
            return "linked"
        try:
            path = self._path(file)
        except FileError as error:
            return error.key
        folder = next(item for item in path.parents if item.is_dir())
        good = os.access(folder, os.W_OK | os.X_OK) and (not path.exists() or os.access(path, os.W_OK))
        return "" if good else "read_only"

    def since(self, file: str, seen: str) -> list[Line] | None:
        """What became different since the file had this digest, empty if that is not known; ``None`` for nothing."""
        try:
            self._refuse_changed(self.read(file), seen)
        except ChangedMeanwhile as error:
            return error.difference
        return None

    def checked(self, file: str, text: str, settings: Settings) -> Content:
        """The present file, if ``text`` could take its place. Raises ``NotUsable``, ``FileError``."""
        now = self.read(file)
        self._check(file, text, now.text, settings)
        return now

    def between(self, before: str, after: str) -> list[Line]:
        """What differs between two texts, without the secrets in them."""
        return list(differences.shown(differences.hunks(before, after, self.secrets(before, after))))

    def secrets(self, *texts: str) -> set[str]:
        """The secrets that are written out in these texts."""
        return {secret for text in texts for secret in literals.in_file(text, self.folder)}

    def save(
        self, file: str, text: str, seen: str, settings: Settings, actor: str, why: str, undoes: int | None = None
    ) -> int | None:
        """Put a text in a file's place; returns the number of the change, ``None`` if nothing is different.

        ``seen`` is the digest of what the person saw (empty: there was no such file). Raises ``ChangedMeanwhile``,
        ``NotUsable``, ``FileError``.
        """
        if self.kind(file, settings) is None:
            raise FileError("unknown", file)
        if self.why_not(file):
            raise FileError(self.why_not(file), file)
        before = self.read(file)
        self._refuse_changed(before, seen)
        if before.digest and before.text == text:
            return None
        self._check(file, text, before.text, settings)
        data = text.encode("utf-8")
        found = differences.hunks(before.text, text, self.secrets(before.text, text))
        with self._store.transaction() as connection:
            settings_changes.lock(connection)
            self._refuse_changed(self.read(file), seen)
            digests = (before.digest or None, sha256(data).hexdigest())
            number = settings_changes.note(connection, actor, file, why, digests, found, undoes)
            rights = period_rights.changes(before.text, text, file) if file == self.main else {}
            if rights:  # of the closes, so those who decide on them see it, who see no changes of settings
                audit.append(connection, actor, period_rights.ACTION, {**rights, "why": why})
            self._write(file, data, is_new=not before.digest)
        return number

    def undo(self, id: int, settings: Settings, actor: str, why: str) -> int | None:
        """Take a change back, in a new change. Raises ``NotUndoable``, ``LookupError``, and what ``save`` raises."""
        change = self.change(id)
        now = self.read(change.file)
        if change.before is None or not now.digest:
            raise NotUndoable("new")
        text = differences.undone(now.text, change.hunks, self.secrets(now.text))
        return self.save(change.file, text, now.digest, settings, actor, why, undoes=id)

    def change(self, id: int) -> Change:
        """A change by its number; raises ``LookupError``."""
        with self._store.reading() as connection:
            found = settings_changes.find(connection, id)
        if found is None:
            raise LookupError(id)
        return found

    def history(self, *, file: str | None = None, limit: int = 50, before: int = 0) -> list[Change]:
        """The last changes, the newest first."""
        with self._store.reading() as connection:
            return settings_changes.listing(connection, file=file, limit=limit, before=before)

    def undone_by(self, changes: Sequence[Change]) -> dict[int, int]:
        """Those of some changes that were taken back, by number, with the change that did it."""
        with self._store.reading() as connection:
            return settings_changes.undone_by(connection, [change.id for change in changes])

    def _check(self, file: str, text: str, before: str, settings: Settings) -> None:
        """Refuse what cannot be used, and secrets that were not written out before."""
        name = file.rpartition("/")[2]
        if len(text.encode("utf-8", "replace")) > LARGEST:
            raise FileError("too_large", file)
        if "\0" in text or any("\ud800" <= sign <= "\udfff" for sign in text):
            raise FileError("not_utf8", file)
        self._refuse_secrets(name, text, self.secrets(text) - self.secrets(before))
        kind = self.kind(file, settings)
        try:
            if kind == "settings":
                configured.loads(text, self.path)
            elif kind == "mapping":
                from console.trying import candidate

                candidate(text, name, self._path(file).parent)
            else:
                _manifest(text, name)
        except SettingsError as error:
            raise NotUsable(error.problems) from None
        except RecursionError:
            raise NotUsable([Problem(name, "it is nested too deeply.")]) from None
        except FileUnusable as error:
            listed: list[Problem] = getattr(error, "problems", [])
            raise NotUsable(listed or [Problem(error.where, f"{error.message} {error.remedy}".strip())]) from None

    def _refuse_secrets(self, name: str, text: str, new: Collection[str]) -> None:
        wrong = []
        for number, line in enumerate(text.split("\n"), 1):
            if any(secret in line for secret in new):
                what = "a secret is written out here. Name where it is instead."
                wrong.append(Problem(f"{name}:{number}", what, "${env:NAME} or ${file:/path/to/it}"))
        if wrong:
            raise NotUsable(wrong)

    def _refuse_changed(self, now: Content, seen: str) -> None:
        if now.digest != seen:
            with self._lock:
                before = self._seen.get(seen)
            raise ChangedMeanwhile(now, [] if before is None else self.between(before, now.text))

    def _remember(self, content: Content) -> None:
        with self._lock:
            self._seen[content.digest] = content.text
            self._seen.move_to_end(content.digest)
            while len(self._seen) > _REMEMBERED:
                self._seen.popitem(last=False)

    def _exists(self, file: str) -> bool:
        with suppress(FileError):
            return self._path(file).is_file()
        return False

    def _path(self, file: str) -> Path:
        """Where a file of the site is; raises ``FileError`` for a name that leads out of its folder."""
        if file == self.main:
            return self.path
        if not _NAME.fullmatch(file) or ".." in file:
            raise FileError("unknown", file)
        path = self.folder
        for part in file.split("/"):
            path = path / part
            if path.is_symlink():
                raise FileError("linked", file)
        return path

    def _write(self, file: str, data: bytes, is_new: bool) -> None:
        try:
            replace(self._path(file), data, is_new)
        except FileExistsError:
            raise ChangedMeanwhile(self.read(file), []) from None
        except OSError:
            raise FileError("read_only", file) from None


def _manifest(text: str, name: str) -> None:
    from connectors.declarative.load import load

    with TemporaryDirectory(prefix="ltc-manifest-") as folder:
        path = Path(folder) / name
        path.write_text(text, encoding="utf-8")
        load(path)
