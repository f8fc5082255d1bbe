"""Files of findings: taken in from a browser as they come, within limits, and given out as downloads only."""

from __future__ import annotations

import hmac
import re
from collections.abc import AsyncIterator
from urllib.parse import quote

from anyio.to_thread import run_sync
from fastapi import APIRouter, HTTPException
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.responses import Response

from console import finding_files
from console.web.desk import Decider, Reader, Visit
from console.web.finding import decided, known, page
from state import attachments
from state.attachments import AttachmentError
from state.findings import FindingError

router = APIRouter()

_LONGEST_MARK = 200
_DIGEST = re.compile(r"[0-9a-f]{64}")


class _Refused(Exception):
    """The form is none of ours."""


@router.post("/findings/{id}/attachments")
async def attach(visit: Decider, id: str) -> Response:
    """Keep a file with a finding, as ``ltc findings attach`` does."""
    try:
        upload = await _taken(visit)
    except (_Refused, FormParserError, UnicodeDecodeError):
        raise HTTPException(400) from None

    def keep() -> Response:
        name, content, actor = upload.name, bytes(upload.content), visit.member.name
        return decided(
            visit,
            id,
            lambda connection, at: finding_files.keep(connection, id, name, content, actor, at),
            visit.texts("deciding.done.attached"),
        )

    return await run_sync(keep)


@router.get("/findings/{id}/attachments/{digest}")
def download(visit: Reader, id: str, digest: str) -> Response:
    """A file of this finding, to be saved and never shown in a page of ours."""
    known(id)
    if not _DIGEST.fullmatch(digest):
        raise HTTPException(404)
    with visit.desk.store.reading() as connection:
        try:
            found = finding_files.one(connection, id, digest)
        except FindingError:
            raise HTTPException(404) from None
        except AttachmentError as error:
            return page(visit, id, 404, visit.refusal(error))
    if found is None:
        raise HTTPException(404)
    return saved(found[0].name, found[1])


def saved(name: str, content: bytes) -> Response:
    """A file to be saved: for browsers that know RFC 6266 by its name, for others what of it is plain ASCII."""
    plain = re.sub(r'[^\x20-\x7e]|["\\%;]', "_", name)
    disposition = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
    return Response(content, media_type="application/octet-stream", headers={"Content-Disposition": disposition})


async def _taken(visit: Visit) -> _Upload:
    """The one file of a form, read as it comes; nothing of it is before the form's mark is known to be this session's.

    Raises ``_Refused``, ``FormParserError``.
    """
    kind, options = parse_options_header(visit.request.headers.get("content-type", ""))
    boundary = options.get(b"boundary", b"")
    if kind != b"multipart/form-data" or not boundary or visit.session is None:
        raise _Refused
    upload = _Upload(visit.session.csrf)
    parser = MultipartParser(
        boundary,
        {
            "on_part_begin": upload.begin,
            "on_header_field": upload.header_name,
            "on_header_value": upload.header_value,
            "on_header_end": upload.header_end,
            "on_headers_finished": upload.headers_finished,
            "on_part_data": upload.data,
            "on_part_end": upload.end,
            "on_end": upload.finish,
        },
    )
    stream: AsyncIterator[bytes] = visit.request.stream()
    async for chunk in stream:
        parser.write(chunk)
    parser.finalize()
    if not upload.whole:
        raise _Refused
    return upload


class _Upload:
    """What has come of a form: first the field ``csrf``, then one ``file``; raises ``_Refused`` at anything else."""

    def __init__(self, mark: str) -> None:
        self.name = ""
        self.content = bytearray()
        self.whole = False
        self._mark = mark
        self._said = bytearray()
        self._parts = 0
        self._header = (bytearray(), bytearray())
        self._disposition = b""

    def begin(self) -> None:
        """A part begins: the second only after the mark was right, and no third."""
        self._parts += 1
        self._disposition = b""
        if self._parts > 2:
            raise _Refused

    def header_name(self, data: bytes, start: int, end: int) -> None:
        """Some of the name of a header."""
        self._header[0].extend(data[start:end])

    def header_value(self, data: bytes, start: int, end: int) -> None:
        """Some of its value."""
        self._header[1].extend(data[start:end])

    def header_end(self) -> None:
        """A header is whole."""
        name, value = self._header
        if name.lower() == b"content-disposition":
            self._disposition = bytes(value)
        self._header = (bytearray(), bytearray())

    def headers_finished(self) -> None:
        """All headers of a part are there."""
        _, options = parse_options_header(self._disposition)
        if options.get(b"name") != (b"csrf" if self._parts == 1 else b"file"):
            raise _Refused
        self.name = options.get(b"filename", b"").decode("utf-8", "replace")

    def data(self, data: bytes, start: int, end: int) -> None:
        """Some of what a part holds."""
        into, most = (self._said, _LONGEST_MARK) if self._parts == 1 else (self.content, attachments.LARGEST)
        if len(into) + end - start > most:
            raise _Refused
        into.extend(data[start:end])

    def end(self) -> None:
        """A part is whole."""
        if self._parts == 1 and not hmac.compare_digest(bytes(self._said), self._mark.encode()):
            raise _Refused

    def finish(self) -> None:
        """The form is whole."""
        self.whole = self._parts == 2
