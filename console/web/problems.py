"""Refusals of the REST API: RFC 9457 problem details, each with a sentence and what to do about it.

They are told in the language of every other answer (``language.of_program``); statuses, fields and keys stay the same.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from console import sentences
from console.i18n import texts
from state.decisions import DecisionError

if TYPE_CHECKING:
    from console.i18n import Texts

MEDIA_TYPE = "application/problem+json"
API = "/api/"
"""Everything beneath it is answered to programs."""


class Refusal(Exception):
    """Something that the API does not do; ``detail`` is a sentence, ``remedy`` the next step.

    ``words`` says the sentence in another language, where it is not known again by its English words.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        remedy: str = "",
        headers: Mapping[str, str] | None = None,
        words: Callable[[Texts], str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.remedy = remedy
        self.headers = dict(headers or {})
        self._words = words

    @classmethod
    def of(cls, error: DecisionError, remedy: str | None = None) -> Refusal:
        """What somebody decides and cannot; ``remedy`` is what to do instead of what a terminal says."""
        words = (lambda known: sentences.refusal(error, known)) if error.why else None
        return cls(409, error.message, error.remedy if remedy is None else remedy, words=words)

    def told(self, locale: str) -> str:
        """The sentence in a language."""
        if locale == "en" or self._words is None:
            return sentences.plain(self.detail, locale)
        return self._words(texts(locale))


def problem(
    status: int,
    detail: str,
    remedy: str = "",
    *,
    errors: Sequence[Mapping[str, str]] = (),
    headers: Mapping[str, str] | None = None,
    locale: str = "en",
) -> Response:
    """The answer; ``errors`` names what is wrong in a request, piece by piece."""
    phrase = HTTPStatus(status).phrase
    title = phrase if locale == "en" else texts(locale).name("api.title", str(status))
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": phrase if title == str(status) else title,
        "status": status,
        "detail": sentences.plain(detail, locale),
        "remedy": sentences.plain(remedy, locale),
    }
    if errors:
        body["errors"] = [{**item, "what": sentences.plain(item["what"], locale)} for item in errors]
    told = {**(headers or {}), "Content-Language": locale, "Vary": "Accept-Language"}
    return Response(json.dumps(body, ensure_ascii=False), status, told, MEDIA_TYPE)
