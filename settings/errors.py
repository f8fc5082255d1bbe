"""What is wrong with ltc.yaml: each problem with its line, its reason and an example of right."""

from __future__ import annotations

from yamlfiles.problems import Problem


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
