"""Files of findings: taken in from a browser as they come, within limits, and given out as downloads only."""

from __future__ import annotations

import hmac
import re
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING
from urllib.parse import quote

from anyio.to_thread import run_sync
from fastapi import APIRouter, HTTPException
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.responses import Response

from console.web.desk import Decider, Reader, Visit
from console.web.finding import decided, known, page
from state import attachments, handling
from state.attachments import AttachmentError
from state.findings import Finding, FindingError

if TYPE_CHECKING:
    from sqlalchemy.engine import Connection

router = APIRouter()

MOST = 20
"""Files of one finding."""
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
        return decided(visit, id, lambda connection, at: _keep(connection, id, upload, visit.member.name, at))

    return await run_sync(keep)


@router.get("/findings/{id}/attachments/{digest}")
def download(visit: Reader, id: str, digest: str) -> Response:
    """A file of this finding, to be saved and never shown in a page of ours."""
    known(id)
    if not _DIGEST.fullmatch(digest):
        raise HTTPException(404)
    with visit.desk.store.reading() as connection:
        try:
            kept = [item for item in handling.attached(connection, id) if item.sha256 == digest]
            content = attachments.content(connection, digest) if kept else b""
        except FindingError:
            raise HTTPException(404) from None
        except AttachmentError as error:
            return page(visit, id, 404, f"{error.message} {error.remedy}")
    if not kept:
        raise HTTPException(404)
    return Response(
        content, media_type="application/octet-stream", headers={"Content-Disposition": _saved_as(kept[-1].name)}
    )


def _keep(connection: Connection, id: str, upload: _Upload, actor: str, at: int | None) -> Finding:
    if len(handling.attached(connection, id)) >= MOST:
        raise FindingError(
            f"{MOST} files are with this finding; there may be no more.", "Say in a comment where others are."
        )
    return handling.attach(connection, id, upload.name, bytes(upload.content), actor, at=at)


def _saved_as(name: str) -> str:
    """For browsers that know RFC 6266 the name, for others what of it is plain ASCII."""
    plain = re.sub(r'[^\x20-\x7e]|["\\%;]', "_", name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


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
