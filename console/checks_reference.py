"""Write the catalogue into ``docs/checks.md`` and ``docs/checks.zh-CN.md``, from the checks themselves.

python -m console.checks_reference
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from console.i18n import Texts, texts
from reconciliation.checks import Check, catalogue
from reconciliation.checks.registry import STAGES
from reconciliation.words import language

_DOCS = Path(__file__).parents[1] / "docs"
PAGES = {"en": _DOCS / "checks.md", "zh-CN": _DOCS / "checks.zh-CN.md"}
_BEGIN, _END = "<!-- the catalogue begins -->", "<!-- the catalogue ends -->"
"""What stands between these lines of a page is written here, the rest by people."""

_COLUMNS = {
    "en": ("check", "department", "severity", "there is a finding when", "what to do"),
    "zh-CN": ("检查", "责任部门", "级别", "何时产生问题", "如何处理"),
}
_COUNT = {"en": "{} checks.", "zh-CN": "共 {} 项检查。"}
_SILENT = {
    "en": ("One fault is one finding", "These checks leave a fault to another check, or say nothing, where"),
    "zh-CN": ("一处差错只产生一个问题", "以下情况由其他检查处理，或不产生问题"),
}
_NEEDS = {"en": "needs", "zh-CN": "需要"}
_COLON = {"en": ": ", "zh-CN": "："}


def page(locale: str) -> str:
    """The page of a locale as it should be."""
    path = PAGES[locale]
    head, _, rest = path.read_text(encoding="utf-8").partition(_BEGIN)
    _, _, tail = rest.partition(_END)
    made = "\n".join(_catalogue(locale))
    return f"{head}{_BEGIN}\n\n{made}\n{_END}{tail}"


def write() -> None:
    """Bring both pages up to date."""
    for locale, path in PAGES.items():
        path.write_text(page(locale), encoding="utf-8")


def _catalogue(locale: str) -> Iterator[str]:
    words, checks = texts(locale), catalogue()
    yield f"{_COUNT[locale].format(len(checks))}\n"
    for stage in STAGES:
        of_stage = [check for check in checks if check.stage == stage]
        if of_stage:
            yield f"## {words(f'stage.{stage}')}\n"
            yield f"| {' | '.join(_COLUMNS[locale])} |\n{'| --- ' * len(_COLUMNS[locale])}|"
            yield from (_row(check, words) for check in of_stage)
            yield ""
    title, said = _SILENT[locale]
    yield f"## {title}\n\n{said}{_COLON[locale]}\n"
    yield from (f"- `{check.id}`{_COLON[locale]}{check.silent[language(locale)]}" for check in checks if check.silent)
    yield ""


def _row(check: Check, words: Texts) -> str:
    lang = language(words.locale)
    needs = ", ".join(f"{role}.{entity}" for role, entity in check.needs)
    name = f"`{check.id}`<br>{check.title[lang]}"
    fires = with_defaults(check, check.fires[lang])
    needing = f"<br>{_NEEDS[words.locale]} {needs}" if needs else ""
    places = (words(f"department.{check.department}"), words(f"severity.{check.severity}"))
    return f"| {name} | {' | '.join(places)} | {fires}{needing} | {check.action[lang]} |"


def with_defaults(check: Check, text: str) -> str:
    """The text with each ``{parameter}`` as its name and default."""
    return re.sub(r"`?\{(\w+)\}`?", lambda match: f"`{match[1]}` ({_default(check, match[1])})", text)


def _default(check: Check, name: str) -> str:
    value = check.parameters[name]
    return str(value) if isinstance(value, int) else ", ".join(f"{key}: {amount}" for key, amount in value.items())


if __name__ == "__main__":
    write()
