"""Mutations of valid inputs: by structure where an input has one (JSON, YAML, answers of a server), else by bytes."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from typing import Any

import yaml

from tests.fuzz.wire import SEPARATOR

Mutate = Callable[[bytes, random.Random], bytes]

_LARGEST = 200_000
"""Characters of an input beyond which it is not made larger: what is slow at a megabyte is slow here already."""

_TEXTS = (
    "",
    " ",
    "0",
    "-0",
    "NaN",
    "Infinity",
    "1e999",
    "１２３４",
    "〇一二三",
    "٣٤",
    "\0",
    "\ufeff",
    "\u202e",
    "\ud83d",
    "=1+1",
    "%s%n",
    "{0}",
    "a" * 70_000,
    "9" * 5_000,
    "../../etc/passwd",
    "0000-00-00",
    "9999-12-31",
    "0001-01-01T00:00:00+14:00",
    "9999-12-31T23:59:59.999999-12:00",
    "2026-02-30T25:61:61Z",
    "2026-03-31T12:00:00",
    "2026-W01-1",
    "20260331T120000Z",
    "/Date(99999999999999)/",
    "/Date(-62135596800001+0000)/",
    "/Date(253402300800000+0000)/",
    "/Date(１２３)/",
    "http://[::1",
    "@",
    "true",
    "null",
)
_NUMBERS = (
    *("0", "-0", "-1", "1.0", "0.1", "1e5", "1E400", "-1e-400", "1e308", "123456789012345678901234567890"),
    *("9223372036854775807", "9223372036854775808", "-9223372036854775809", "0." + "3" * 200, "9" * 5_000),
)
_NO_JSON = ("NaN", "Infinity", "undefined", "'a'", "01", "+1", ".5", "1.", "{", "[", "]", ",", '"', "\\", "//x", "tru")
_MARK = "\ue000"
"""Begins the name of a place that raw text is put into once the rest is written."""


class _Raw:
    """Pieces of text that stand in the output as they are."""

    def __init__(self) -> None:
        self.pieces: list[str] = []

    def put(self, text: str) -> str:
        self.pieces.append(text)
        return f"{_MARK}{len(self.pieces) - 1}{_MARK}"

    def into(self, text: str) -> str:
        for number, piece in enumerate(self.pieces):
            text = text.replace(f'"{_MARK}{number}{_MARK}"', piece)
        return text


class Words:
    """Keys and texts of the corpus, so that a value of one place comes to stand in another."""

    def __init__(self) -> None:
        self.texts: list[str] = list(_TEXTS)

    def learn(self, tree: Any) -> None:
        """Take in every key and text of a decoded document."""
        if isinstance(tree, dict):
            for key, value in tree.items():
                self.texts.append(str(key))
                self.learn(value)
        elif isinstance(tree, list):
            for value in tree[:20]:
                self.learn(value)
        elif isinstance(tree, str) and len(tree) < 200:
            self.texts.append(tree)


def _places(tree: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) in a tree."""
    found: list[tuple[Any, Any]] = []
    waiting = [tree]
    while waiting:
        here = waiting.pop()
        keys: Any = list(here) if isinstance(here, dict) else range(len(here)) if isinstance(here, list) else ()
        for key in keys:
            found.append((here, key))
            waiting.append(here[key])
    return found


def tree(document: Any, words: Words, chance: random.Random, raw: _Raw | None = None) -> Any:
    """A decoded document with one to four places changed; ``raw`` allows text that the format itself does not."""
    root = {"": document}
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        places = _places(root) or [(root.setdefault("", None) or root, "")]
        here, key = chance.choice(places)
        _change(here, key, words, chance, places, raw)
    return next(iter(root.values()), None)


def _change(
    here: Any, key: Any, words: Words, chance: random.Random, places: list[tuple[Any, Any]], raw: _Raw | None
) -> None:
    value = here[key]
    match chance.randrange(12):
        case 0 | 1 | 2:
            here[key] = chance.choice(words.texts)
        case 3:
            here[key] = raw.put(chance.choice(_NUMBERS)) if raw else chance.choice((0, -1, 10**30, 0.1, True))
        case 4:
            here[key] = chance.choice((None, True, False, [], {}, [[]], [{}], [None], {"": None}))
        case 5:
            other, place = chance.choice(places)
            here[key] = _copy(other[place])
        case 6:
            here[key] = chance.choice(([value], {"value": value}, [value, value], str(value)[:1000]))
        case 7 if isinstance(here, dict):
            del here[key]
            here.setdefault(chance.choice(words.texts), value)
        case 8:
            here.pop(key) if isinstance(here, dict) else here.insert(key, _copy(value))
        case 9 if raw:
            here[key] = raw.put(chance.choice(_NO_JSON))
        case 10 if raw and isinstance(here, dict):
            twice = chance.choice(_NUMBERS + _NO_JSON[:1] + ("null", '""', "[]", "{}"))
            here[key] = raw.put(f"{_json(value)},{_json(str(key))}:{twice}")
        case 11 if raw:
            opened, closed = chance.choice((("[", "]"), ('{"a":', "}")))
            depth = chance.choice((5, 200, 5_000))
            here[key] = raw.put(opened * depth + "1" + closed * depth)
        case _:
            if isinstance(value, str):
                here[key] = _text(value, words, chance)
            elif isinstance(value, bool) or not isinstance(value, int):
                here[key] = chance.choice(words.texts)
            else:
                here[key] = chance.choice((-value, value + 1, value * 10**12, str(value)))


def _copy(value: Any) -> Any:
    return json.loads(json.dumps(value)) if isinstance(value, dict | list) else value


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=True)


def _text(text: str, words: Words, chance: random.Random) -> str:
    """A text with a part of it cut out, doubled or replaced."""
    start = chance.randrange(len(text) + 1)
    end = min(len(text), start + chance.choice((0, 1, 1, 2, 5, 20)))
    middle = chance.choice(("", text[start:end] * 2, chance.choice(words.texts), chr(chance.randrange(0x3000))))
    return (text[:start] + middle + text[end:])[:_LARGEST]


def json_(words: Words) -> Mutate:
    """Mutations of a JSON document, which may be no JSON afterwards."""

    def mutate(data: bytes, chance: random.Random) -> bytes:
        try:
            document = json.loads(data)
        except (ValueError, RecursionError):
            return bytes_(data, chance)
        raw = _Raw()
        try:
            written = json.dumps(tree(document, words, chance, raw), ensure_ascii=chance.random() < 0.5)
        except (ValueError, RecursionError):
            return bytes_(data, chance)
        changed = raw.into(written).encode("utf-8", "surrogatepass")[:_LARGEST]
        return bytes_(changed, chance) if chance.random() < 0.1 else changed

    return mutate


def text(words: Words) -> Mutate:
    """Mutations of a text, a part at a time."""

    def mutate(data: bytes, chance: random.Random) -> bytes:
        changed = data.decode("utf-8", "replace")
        for _ in range(chance.choice((1, 1, 2, 4))):
            changed = _text(changed, words, chance)
        if chance.random() < 0.02:
            changed = chance.choice(("(", "[", "not ", "-")) * chance.choice((10, 400, 5_000)) + changed
        return changed.encode("utf-8", "surrogatepass")

    return mutate


def yaml_(words: Words) -> Mutate:
    """Mutations of a YAML file: of what it says, written anew, or of its lines."""

    def mutate(data: bytes, chance: random.Random) -> bytes:
        if chance.random() < 0.6:
            try:
                document = yaml.load(data, Loader=_WORDS_ONLY)
                changed = tree(document, words, chance)
                dumped: str = json.dumps(changed) if chance.random() < 0.3 else yaml.dump(changed, Dumper=_DUMPER)
                return dumped.encode("utf-8", "surrogatepass")[:_LARGEST]
            except (yaml.YAMLError, ValueError, RecursionError, TypeError):
                pass
        lines = data.decode("utf-8", "replace").split("\n")
        for _ in range(chance.choice((1, 1, 2))):
            _line(lines, words, chance)
        return "\n".join(lines).encode("utf-8", "surrogatepass")[:_LARGEST]

    return mutate


_WORDS_ONLY: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
_DUMPER: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
_YAML_SCALARS = (
    *("&a [*a]", "*a", "&a x", "!!python/object:os.system x", "!!binary aGk=", "!!set {a}", "!x y", "? [a, b]", "- -"),
    *("|", ">", "%YAML 9.9", "---", "...", "'", '"', "{", "[", "]", "：", "\t", "# x", "<<: *a", "? ", "yes", "0x1F"),
    *("1_000", "1:30", ".inf", ".nan", "~", "2026-01-01", "2026-01-01T00:00:00Z", "[" * 3_000, "{a: " * 1_000, "@"),
    '&a ["lol","lol"]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c,*c,*c]',
)


def _line(lines: list[str], words: Words, chance: random.Random) -> None:
    at = chance.randrange(len(lines))
    line = lines[at]
    before, colon, _ = line.partition(": ")
    match chance.randrange(8):
        case 0 | 1:
            lines[at] = f"{before}{colon or ': '}{chance.choice(_YAML_SCALARS)}"
        case 2:
            lines[at] = f"{before}{colon or ': '}{chance.choice(words.texts)}"
        case 3:
            del lines[at]
            if not lines:
                lines.append("")
        case 4:
            lines.insert(at, chance.choice(lines))
        case 5:
            lines[at] = " " * chance.randrange(8) + line.lstrip()
        case 6:
            lines.insert(at, chance.choice(_YAML_SCALARS))
        case _:
            lines[at] = _text(line, words, chance)


def bytes_(data: bytes, chance: random.Random) -> bytes:
    """Mutations of bytes: bits, bytes, pieces cut out, doubled, overwritten."""
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 4, 8))):
        at = chance.randrange(len(changed) + 1)
        size = chance.choice((1, 1, 2, 4, 16, 200))
        match chance.randrange(5):
            case 0 if at < len(changed):
                changed[at] ^= 1 << chance.randrange(8)
            case 1 if at < len(changed):
                changed[at] = chance.choice((0, 0x7F, 0x80, 0xFF, 0x22, 0x5C, 0x0A, chance.randrange(256)))
            case 2:
                del changed[at : at + size]
            case 3:
                changed[at:at] = changed[at : at + size]
            case _:
                changed[at:at] = chance.randbytes(size)
    return bytes(changed[:_LARGEST])


_HEADERS = (
    *("Retry-After: 1e999", "Retry-After: -5", "Retry-After: nan", "Retry-After: Fri, 31 Dec 9999 23:59:59 GMT"),
    *(
        "Retry-After: Mon, 99 Foo 2026 99:99:99 +9999",
        "Retry-After: １２",
        "Content-Encoding: gzip",
        "Location: http://x",
    ),
    *("Content-Encoding: br", "Content-Encoding: deflate", "Content-Encoding: gzip, gzip", "Content-Length: -1"),
    *(
        "Date: x",
        "Date: Mon, 01 Jan 0001 00:00:00 GMT",
        "Date: Fri, 31 Dec 9999 23:59:59 -2359",
        "Set-Cookie: a=b; Domain=[",
    ),
    *("Sforce-Limit-Info: api-usage=999999999999999999999/0", "Sforce-Limit-Info: api-usage=5/5000", "X: \xff\xfe"),
    *(
        "X-DayLimit-Remaining: ٣",
        "X-DayLimit-Remaining: 0",
        "X-DayLimit-Remaining: " + "9" * 5_000,
        "x-rate-limit-problem: day",
    ),
    *(
        "Content-Type: text/html; charset=utf-7",
        "Content-Type: application/json; charset=nonsense",
        "WWW-Authenticate: x",
    ),
)
_STATUSES = (200, 200, 201, 204, 206, 301, 302, 304, 400, 401, 403, 404, 409, 412, 429, 500, 502, 503, 504, 599, 999)


def answers(words: Words) -> Mutate:
    """Mutations of a conversation (``tests.fuzz.wire``): of the body of an answer mostly, else of what is around it."""
    body_of = json_(words)

    def mutate(data: bytes, chance: random.Random) -> bytes:
        frames = data.split(SEPARATOR)
        for _ in range(chance.choice((1, 1, 1, 2))):
            at = chance.randrange(len(frames))
            head, newline, body = frames[at].partition(b"\n")
            match chance.randrange(20):
                case 0:
                    frames.insert(at, chance.choice(frames))
                case 1 if len(frames) > 1:
                    del frames[at]
                case 2:
                    status = str(chance.choice(_STATUSES)).encode()
                    frames[at] = b" ".join((status, *head.split(b" ")[1:])) + newline + body
                case 3:
                    added = chance.choice(_HEADERS).encode("latin-1", "replace")
                    frames[at] = b"\t".join((*head.split(b"\t"), added)) + newline + body
                case 4:
                    frames[at] = (
                        head + b"\n" + chance.choice((b"", b"null", b"[]", b"{}", b"<html>", b"\xff\xfe", b'"a"'))
                    )
                case 5:
                    frames[at] = bytes_(frames[at], chance)
                case 6 if len(frames) > 2:
                    other = chance.randrange(1, len(frames))
                    frames[at] = head + b"\n" + frames[other].partition(b"\n")[2]
                case _ if newline:
                    frames[at] = head + b"\n" + body_of(body, chance)
                case _:
                    frames[at] = body_of(frames[at], chance) if body else frames[at]
        return SEPARATOR.join(frames)

    return mutate
