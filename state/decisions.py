"""Why a decision of a person cannot be taken: a sentence for the terminal, and a key for pages."""

from __future__ import annotations


class DecisionError(Exception):
    """What somebody asked for cannot be done.

    ``message`` is a sentence and ``remedy`` the next step, for a terminal. ``why`` and ``values`` name the same for
    pages, which say it in the language of who reads them and without commands.
    """

    def __init__(self, message: str, remedy: str = "", why: str = "", **values: object) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.why = why
        self.values = values
