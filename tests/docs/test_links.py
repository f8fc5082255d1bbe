"""Links from one page to another, or to a heading: each leads somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md"]
PAGES += [page for folder in ("docs", "bench", "deploy") for page in sorted((ROOT / folder).rglob("*.md"))]
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_CODE = re.compile(r"```.*?```", re.DOTALL)
_HEADING = re.compile(r"(?m)^#+ (.*)$")


def _anchors(page: Path) -> set[str]:
    """The ids of a page's headings, as the usual viewers make them."""
    plain = (re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", item) for item in _HEADING.findall(page.read_text("utf-8")))
    words = (re.sub(r"[`*]", "", item.strip().lower()) for item in plain)
    return {re.sub(r"\s", "-", re.sub(r"[^\w\- ]", "", item)) for item in words}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    dead = []
    for link in _LINK.findall(_CODE.sub("", page.read_text("utf-8"))):
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        if re.match(r"[a-z]+:", link):
            continue
        if not target.exists() or (anchor and target.suffix == ".md" and anchor not in _anchors(target)):
            dead.append(link)
    assert dead == []
