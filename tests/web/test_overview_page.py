"""The overview as a page: departments with their sums, and ages that lead to their findings."""

from __future__ import annotations

import re
from collections.abc import Callable

from state.members import Role
from state.store import Store
from tests.web.conftest import Browser
from tests.web.test_pages import of_check


def listed(browser: Browser, address: str) -> int:
    """How many findings a list has."""
    return browser.get(address.replace("&amp;", "&")).text.count('<td><a href="/findings/')


def test_each_age_that_has_findings_leads_to_them(as_role: Callable[[Role], Browser]) -> None:
    viewer = as_role(Role.VIEWER)
    page = viewer.get("/").text
    ages = page[page.index('id="ageing"') :].partition("</section>")[0]
    rows = re.findall(r'<tr><th scope="row">(.*?)</th>.*?<td class="number">(\d+)</td>', ages, re.DOTALL)
    assert sum(int(count) for _, count in rows) > 0
    for head, count in rows:
        link = re.search(r'href="(/findings\?age=[^"]+)"', head)
        assert (listed(viewer, link.group(1)) if link else 0) == int(count)


def test_each_department_leads_to_all_of_its_findings_and_its_stages_to_theirs(
    as_role: Callable[[Role], Browser],
) -> None:
    viewer = as_role(Role.VIEWER)
    page = viewer.get("/").text
    acting = page[page.index('id="by_stage"') :].partition("</section>")[0]
    rows = re.findall(r'<tr[^>]*><th scope="(\w+)"[^>]*><a href="([^"]+)">.*?<td class="number">(\d+)</td>', acting)
    assert next(scope for scope, _, _ in rows) == "rowgroup"
    for _, address, count in rows:
        assert listed(viewer, address) == int(count)
    sums = [sum(int(count) for scope, _, count in rows if scope == which) for which in ("rowgroup", "row")]
    assert sums[0] == sums[1] > 0


def test_a_waived_finding_is_not_among_those_that_matter_most(as_role: Callable[[Role], Browser], desk: Store) -> None:
    anna, li, id = as_role(Role.FINANCE), as_role(Role.APPROVER), of_check(desk, "invoice_overdue")
    assert f"/findings/{id}" in largest(anna)
    anna.post(f"/findings/{id}/waiver", reason="An old friend", until="2026-12-31")
    assert f"/findings/{id}" in largest(anna)
    li.post(f"/findings/{id}/waiver/approve")
    assert f"/findings/{id}" not in largest(anna)
    assert "/findings/" in largest(anna)
    assert f"/findings/{id}" in anna.get("/findings?order=amount").text


def largest(browser: Browser) -> str:
    """The overview's findings of the most money."""
    page = browser.get("/").text
    return page[page.index('id="largest"') :].partition("</section>")[0]
