"""What the pages for settings share: the files, who may change them, and why a change was not taken."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256

from fastapi import HTTPException

from console.i18n import LOCALES, texts
from console.web.admin.differences import Line, NotUndoable
from console.web.admin.files import ChangedMeanwhile, FileError, Files, NotUsable
from console.web.desk import Visit
from settings import Problem
from state import members
from yamlfiles.errors import FileUnusable

LONGEST_REASON = 300
LANGUAGE = "language"
"""How the value of a button begins that shows a form, as it is filled in, in another language."""
REFUSALS = (ChangedMeanwhile, NotUsable, FileError, FileUnusable, NotUndoable)
"""What stands in the way of a change."""


@dataclass
class Outcome:
    """What came of looking at a change or saving it, for the page that shows the form again."""

    lines: list[Line] = field(default_factory=list)
    """The difference that saving would make."""
    planned: str = ""
    """Comes back with the form, so that nothing is saved that was not seen."""
    problems: list[Problem] = field(default_factory=list)
    key: str = ""
    """Of ``settings_files.problem``."""
    file: str = ""
    meanwhile: list[Line] | None = None
    """What somebody else changed."""
    saved: bool = False

    @property
    def status(self) -> int:
        """Of the answer."""
        if self.meanwhile is not None:
            return 409
        return 422 if self.problems or self.key else 200


def files(visit: Visit) -> Files:
    """The files of the site."""
    found: Files = visit.request.app.state.files
    return found


def whole(visit: Visit) -> None:
    """Raise ``HTTPException`` 403 for an admin who is limited to some systems: this is about all of them."""
    if visit.limit is not None:
        raise HTTPException(403)


def refused(error: Exception) -> Outcome:
    """Why a change was not taken."""
    if isinstance(error, ChangedMeanwhile):
        return Outcome(meanwhile=error.difference, file=error.now.file)
    if isinstance(error, NotUsable):
        return Outcome(problems=error.problems)
    if isinstance(error, FileError):
        return Outcome(key=error.key, file=error.file)
    if isinstance(error, NotUndoable):
        return Outcome(key=f"undo_{error.key}")
    if isinstance(error, FileUnusable):
        return Outcome(problems=[Problem(error.where, f"{error.message} {error.remedy}".strip())])
    raise error


def why(sent: Mapping[str, str], usual: str) -> str:
    """The reason that was given for a change, or what it does."""
    return " ".join(sent.get("why", "").split())[:LONGEST_REASON] or usual


def in_language(visit: Visit, sent: Mapping[str, str]) -> Visit:
    """The visit in the language that a button of the form asks for, with what is typed kept; else as it is."""
    wish, _, locale = sent.get("do", "").partition(":")
    if wish != LANGUAGE or locale not in LOCALES:
        return visit
    with visit.desk.store.transaction() as connection:
        members.set_locale(connection, visit.member.name, locale)
    return replace(visit, texts=texts(locale))


def previewed(visit: Visit, file: str, text: str, sent: Mapping[str, str]) -> Outcome:
    """What saving this text would change, and what others changed since; raises what ``Files.checked`` raises."""
    found = files(visit)
    now = found.checked(file, text, visit.desk.settings)
    meanwhile = found.since(file, sent["seen"]) if "seen" in sent else None
    return Outcome(found.between(now.text, text), sha256(text.encode()).hexdigest(), file=file, meanwhile=meanwhile)


def is_agreed(outcome: Outcome, sent: Mapping[str, str]) -> bool:
    """Whether exactly this is to be saved, and nobody else changed the file."""
    return sent.get("do") == "save" and sent.get("planned") == outcome.planned and outcome.meanwhile is None


def changed(
    visit: Visit,
    sent: Mapping[str, str],
    change: Callable[[str, str], str],
    usual: str,
    is_wrong: Callable[[str], bool] = lambda _text: False,
) -> Outcome:
    """Show what a form changes in ltc.yaml, or save it if exactly that was seen and agreed.

    ``change`` makes the new text of the text and the name of the file, ``usual`` is the reason if none was given.
    Nothing is saved while ``is_wrong`` of the text before. What stands in the way is in the outcome.
    """
    found = files(visit)
    try:
        main = found.read(found.main)
        text = change(main.text, found.main)
        outcome = previewed(visit, found.main, text, sent)
        if is_agreed(outcome, sent) and not is_wrong(main.text):
            found.save(found.main, text, main.digest, visit.desk.settings, visit.member.name, why(sent, usual))
            outcome.saved = True
    except REFUSALS as error:
        outcome = refused(error)
    return outcome
