"""What is wrong with ltc.yaml: each problem with its line, its reason and an example of right."""

from __future__ import annotations

from typing import NamedTuple


class Problem(NamedTuple):
    """``where`` is ``file:line``, ``what`` the reason, ``example`` how it looks when right (may be empty)."""

    where: str
    what: str
    example: str = ""

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" + (f"\n    for example: {self.example}" if self.example else "")


class SettingsError(Exception):
    """The settings cannot be used; ``problems`` lists every reason found, in the order of the file."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


class SecretMissing(Exception):
    """A secret that ltc.yaml refers to is not there; ``message`` names the reference, never a value."""

    kind = "configuration"

    def __init__(self, reference: str, reason: str, remedy: str) -> None:
        self.message = f"The secret {reference} {reason}."
        self.remedy = remedy
        super().__init__(f"{self.message} {remedy}")
