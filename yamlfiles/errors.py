"""The errors of files that people write."""

from __future__ import annotations


class FileUnusable(Exception):
    """A file cannot be used; ``where`` is ``file:line``, ``message`` says what is wrong, ``remedy`` what to do."""

    def __init__(self, where: str, message: str, remedy: str = "") -> None:
        super().__init__(f"{where}: {message} {remedy}".strip())
        self.where = where
        self.message = message
        self.remedy = remedy


class NoTable(FileUnusable):
    """The file holds a list or a word, or nothing."""
