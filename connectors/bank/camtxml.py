"""Ways through an XML element by local names, whatever the version's namespace is."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element


def local(element: Element) -> str:
    """An element's name without its namespace."""
    return element.tag.rpartition("}")[2]


def children(element: Element | None, name: str) -> Iterator[Element]:
    """The children of that name."""
    for item in element if element is not None else ():
        if local(item) == name:
            yield item


def path(element: Element | None, way: str) -> Element | None:
    """The first element at ``a/b/c``."""
    for name in way.split("/"):
        element = next(children(element, name), None)
        if element is None:
            return None
    return element


def text(element: Element | None, way: str) -> str | None:
    """What is written at ``a/b/c``, without white space around it; ``None`` if nothing is."""
    found = path(element, way)
    return (found.text or "").strip() or None if found is not None else None


def texts(element: Element | None, way: str) -> list[str]:
    """Everything that is written at ``a/b/c``, along every branch."""
    found = [element] if element is not None else []
    for name in way.split("/"):
        found = [item for before in found for item in children(before, name)]
    return [plain for item in found if (plain := (item.text or "").strip())]
