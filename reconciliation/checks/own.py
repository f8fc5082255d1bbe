"""A site's own checks: SQL files with a YAML head, or Python files, in the folder that ltc.yaml names."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from mappings.model import ENTITIES
from reconciliation import words
from reconciliation.checks import catalogue
from reconciliation.checks.registry import DEPARTMENTS, SEVERITIES, STAGES, Check, collected, needed
from reconciliation.rules import ROLES
from settings.errors import SettingsError
from yamlfiles import reading
from yamlfiles.errors import FileUnusable
from yamlfiles.problems import Problem, problems

NAME = re.compile(r"[a-z][a-z0-9_]{2,59}", re.ASCII)
"""What a check may be called; the file is called like it."""
SUFFIXES = (".sql", ".py")
_HEAD = re.compile(r"\s*/\*(.*?)\*/", re.DOTALL)
_PARAMETER = re.compile(r"\$([a-z_][a-z0-9_]*)", re.ASCII)
_COLUMNS = """NULL::BIGINT AS record_id, NULL::BIGINT[] AS records, NULL::BIGINT AS amount, NULL::VARCHAR AS currency,
            NULL::DATE AS since"""
_NOT_SAID = '{"record_id": null, "records": null, "amount": null, "currency": null, "since": null}'
_EXAMPLES = {
    "stage": f"stage: quote   # {', '.join(STAGES)}",
    "department": f"department: sales   # {', '.join(DEPARTMENTS)}",
    "severity": "severity: warning   # error, warning, info",
    "title": "title: {en: Discount without a reason, zh-CN: 无理由折扣}",
    "sentence": "sentence: {en: 'Quote {quote} gives {percent} % without a reason.'}",
    "action": "action: {en: Enter the reason in the CRM.}",
    "fires": "fires: {en: a quote gives more than {percent} % and names no reason}",
    "needs": "needs: [crm.quote]",
    "parameters": "parameters: {percent: 30}",
}


class _Words(BaseModel):
    """A text in English, and in Chinese where readers want it."""

    model_config = ConfigDict(extra="forbid")
    en: Annotated[str, StringConstraints(min_length=1)]
    zh: Annotated[str, StringConstraints(min_length=1)] | None = Field(None, alias="zh-CN")

    def by_language(self) -> dict[str, str]:
        return {"en": self.en, "zh": self.zh or self.en}


class _Head(BaseModel):
    """What stands in front of the SQL."""

    model_config = ConfigDict(extra="forbid")
    stage: Annotated[str, Field(pattern=f"^({'|'.join(STAGES)})$")]
    department: Annotated[str, Field(pattern=f"^({'|'.join(DEPARTMENTS)})$")]
    severity: Annotated[str, Field(pattern=f"^({'|'.join(SEVERITIES)})$")] = "warning"
    title: _Words
    sentence: _Words
    action: _Words
    fires: _Words | None = None
    needs: list[Annotated[str, Field(pattern=f"^({'|'.join(ROLES)})\\.({'|'.join(ENTITIES)})$")]] = Field([])
    parameters: dict[Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]*$")], Annotated[int, Field(ge=0)]] = Field({})


def load(folder: Path | None) -> dict[str, Check]:
    """The checks in a folder by id, in the order of their names; none without a folder.

    Raises ``SettingsError`` with every reason why one of them cannot be used.
    """
    if folder is None:
        return {}
    if not folder.is_dir():
        remedy = "Create it, or `ltc checks new NAME` does."
        raise SettingsError([Problem(str(folder), f"`reconciliation.checks_folder` is no folder. {remedy}")])
    return _loaded(tuple((path, path.stat().st_mtime_ns, path.stat().st_size) for path in files(folder)))


def files(folder: Path) -> tuple[Path, ...]:
    """The files that checks are read from, by name."""
    return tuple(sorted(path for path in folder.iterdir() if path.suffix in SUFFIXES and path.name[0] not in "._"))


def file_of(folder: Path, check_id: str) -> Path | None:
    """The file that holds a check."""
    return next((path for suffix in SUFFIXES if (path := folder / f"{check_id}{suffix}").is_file()), None)


@lru_cache(maxsize=4)
def _loaded(files: tuple[tuple[Path, int, int], ...]) -> dict[str, Check]:
    found: dict[str, Check] = {}
    wrong: list[Problem] = []
    shipped = {check.id for check in catalogue()}
    for path, _, _ in files:
        try:
            check = _of_sql(path) if path.suffix == ".sql" else _of_python(path)
            wrong += [Problem(path.name, what) for what in _faults(check, path, shipped | set(found))]
            found[check.id] = check
        except SettingsError as error:
            wrong += error.problems
        except FileUnusable as error:
            wrong.append(Problem(error.where, f"{error.message} {error.remedy}".strip()))
    if wrong:
        raise SettingsError(wrong)
    return found


def _faults(check: Check, path: Path, taken: set[str]) -> Iterator[str]:
    if not NAME.fullmatch(path.stem):
        yield "a check is called by 3 to 60 small letters, digits and underscores, a letter first."
    if path.stem in taken:
        yield f"there is another check called `{path.stem}`. Give this one a name of its own."
    if check.stage not in STAGES:
        yield f"`stage` must be one of {', '.join(STAGES)}."
    if check.department not in DEPARTMENTS:
        yield f"`department` must be one of {', '.join(DEPARTMENTS)}."
    if check.severity not in SEVERITIES:
        yield f"`severity` must be one of {', '.join(SEVERITIES)}."
    for role, entity in check.needs:
        if role not in ROLES or entity not in ENTITIES:
            yield f"`needs` names {role}.{entity}, which is no role and entity."


def _of_sql(path: Path) -> Check:
    content = reading.text(path.read_bytes(), path.name)
    head = _HEAD.match(content)
    if head is None:
        remedy = "`ltc checks new NAME` writes an example."
        raise FileUnusable(f"{path.name}:1", "it must begin with a comment /* … */ that describes the check.", remedy)
    top = reading.parse("\n" * (_line(content, head.start(1)) - 1) + head.group(1), path.name)
    try:
        given = _Head.model_validate(top)
    except ValidationError as error:
        raise SettingsError(problems(error, top, _Head, examples=_EXAMPLES)) from None
    for found in _PARAMETER.finditer(content, head.end()):
        if found.group(1) not in given.parameters:
            what, example = f"`{found.group()}` is no parameter of the check.", f"parameters: {{{found.group(1)}: 30}}"
            raise SettingsError([Problem(f"{path.name}:{_line(content, found.start())}", what, example)])
    sql = content[head.end() :].strip().rstrip(";")
    if not sql:
        where = f"{path.name}:{_line(content, head.end())}"
        raise FileUnusable(where, "there is no query.", "Write a SELECT below the comment.")

    def query(parameters: Mapping[str, Any]) -> str:
        filled = _PARAMETER.sub(lambda found: str(int(parameters[found.group(1)])), sql)
        return f"""
        WITH own AS (SELECT {_COLUMNS} WHERE false UNION ALL BY NAME SELECT * FROM (\n{filled}\n))
        SELECT [record_id] AS keys, list_distinct([record_id] || coalesce(records, [])) AS records, amount, currency,
            since, json_merge_patch(to_json(own), '{_NOT_SAID}') AS params
        FROM own
        """

    fires = given.fires or given.title
    return Check(
        id=path.stem,
        stage=given.stage,
        department=given.department,
        severity=given.severity,
        title=given.title.by_language(),
        fires=fires.by_language(),
        silent={},
        sentence=given.sentence.by_language(),
        action=given.action.by_language(),
        needs=needed(" ".join(given.needs)),
        parameters=given.parameters,
        query=query,
    )


def _line(content: str, at: int) -> int:
    return content.count("\n", 0, at) + 1


def _of_python(path: Path) -> Check:
    spec = importlib.util.spec_from_file_location(f"ltc_own_check_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise FileUnusable(path.name, "it is no Python file.")
    module = importlib.util.module_from_spec(spec)
    with collected() as found:
        try:
            spec.loader.exec_module(module)
        except Exception as error:
            raise FileUnusable(path.name, f"it cannot be loaded: {type(error).__name__}: {error}.") from error
    if list(found) != [path.stem]:
        what = f"it must register one check that is called as the file is: {path.stem}."
        raise FileUnusable(path.name, what, 'Write @check("…") from reconciliation.checks above one function.')
    return found[path.stem]


def refusal(error: Exception) -> str:
    """Why the database refuses a check's query; without the values of records that some messages quote."""
    kind = type(error).__name__.removesuffix("Exception")
    if kind in ("Parser", "Binder", "Catalog", "Syntax"):
        lines = str(error).splitlines()
        return f"its query is wrong: {lines[0].removeprefix(f'{kind} Error: ')}"
    return f"its query failed ({kind})."


def unsaid(check: Check, params: Mapping[str, Any], currency: str | None) -> str:
    """What a sentence of the check names and a finding lacks; empty if the sentence can be said."""
    for lang, sentence in check.sentence.items():
        try:
            words.say(sentence, params, currency, lang)
        except KeyError as error:
            return f"there is no column {error.args[0]}."
        except (TypeError, ValueError, ArithmeticError):
            return "a value is of another type than its name says."
    return ""
