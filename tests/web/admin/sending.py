"""The form of a page as a browser sends it: boxes, areas and lists as they stand, with what a person changes."""

from __future__ import annotations

from html.parser import HTMLParser

from httpx import Response

from tests.web.conftest import Browser


class _Form(HTMLParser):
    """The fields of the form that is sent to an address."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self.buttons: list[str] = []
        self._address, self._inside = address, False
        self._select = self._area = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._inside = given.get("method") == "post" and given.get("action") == self._address
        if not self._inside:
            return
        name = given.get("name", "")
        if tag == "input" and name and (given.get("type") != "checkbox" or "checked" in given):
            self.fields[name] = given.get("value", "on" if given.get("type") == "checkbox" else "")
        elif tag == "button" and name:
            self.buttons.append(given.get("value", ""))
        elif tag == "textarea":
            self._area = name
            self.fields[name] = ""
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and ("selected" in given or self._select not in self.fields):
            self.fields[self._select] = given.get("value", "")

    def handle_data(self, data: str) -> None:
        if self._area:
            self.fields[self._area] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False
        elif tag == "textarea" and self._area:
            self.fields[self._area] = self.fields[self._area].removeprefix("\n")
            self._area = ""
        elif tag == "select":
            self._select = ""


def form(page: str, address: str) -> dict[str, str]:
    """What a browser would send of the form with this address, without its mark of the session."""
    read = _Form(address)
    read.feed(page)
    return {name: value for name, value in read.fields.items() if name != "csrf"}


def buttons(page: str, address: str) -> list[str]:
    """What the buttons of that form ask for."""
    read = _Form(address)
    read.feed(page)
    return read.buttons


def save(browser: Browser, address: str, **sent: str) -> Response:
    """Save what was looked at; if the check of the connection fails, by the tick and reason that it asks for then."""
    answer = browser.post(address, do="save", **sent)
    if answer.status_code == 422 and 'name="although"' in answer.text:
        answer = browser.post(address, do="save", although="on", **{**sent, "why": sent.get("why") or "It comes later"})
    return answer
