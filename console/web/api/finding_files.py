"""Files of a finding: listed, attached, given out."""

from __future__ import annotations

from typing import Annotated

from anyio.to_thread import run_sync
from fastapi import APIRouter, Path, Query, Request
from pydantic import BaseModel, StringConstraints
from starlette.responses import Response

from console import finding_files
from console.web import attachments as page
from console.web.api.callers import Decider, Lang, Reader
from console.web.api.finding_answers import FindingId, decided, find, shown
from console.web.api.finding_models import Attachment, FindingDetail
from console.web.api.values import Told
from console.web.problems import Refusal
from state import attachments
from state.attachments import AttachmentError

router = APIRouter(tags=["findings"])

_BYTES = "application/octet-stream"
_SCHEMA = {"type": "string", "format": "binary"}
_FILE = {"schema": {**_SCHEMA, "minLength": 1, "maxLength": attachments.LARGEST}}
_LARGEST = f"{attachments.LARGEST // 1_048_576} MiB"
Called = Annotated[
    str, StringConstraints(max_length=200), Told, Query(description="The file's name", examples=["letter.pdf"])
]
Digest = Annotated[str, Path(pattern="^[0-9a-f]{64}$", description="The `sha256` of a file of the finding")]


class Attachments(BaseModel):
    """The files of a finding, the oldest first."""

    items: list[Attachment]


@router.get("/findings/{id}/attachments")
def list_attachments(caller: Reader, id: FindingId) -> Attachments:
    """List the files of a finding."""
    with caller.store.reading() as connection:
        [found] = shown(caller, connection, [find(connection, id)], None)
    return Attachments(items=found.attachments)


@router.post(
    "/findings/{id}/attachments",
    openapi_extra={
        "requestBody": {
            "required": True,
            "description": f"The file itself, at most {_LARGEST}",
            "content": {_BYTES: _FILE},
        }
    },
)
async def attach_file(
    request: Request, caller: Decider, id: FindingId, name: Called, lang: Lang = None
) -> FindingDetail:
    """Keep a file with a finding. The body is the file."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _BYTES:
        raise Refusal(
            422, "The body is not said to be a file.", f"Send the file itself, with `Content-Type: {_BYTES}`."
        )
    content = await request.body()  # the guard lets no larger one in than the page's form with a file

    def keep() -> FindingDetail:
        return decided(caller, id, lang, lambda c, at: finding_files.keep(c, id, name, content, caller.name, at))

    return await run_sync(keep)


@router.get(
    "/findings/{id}/attachments/{digest}",
    response_class=Response,
    responses={200: {"description": "The file", "content": {_BYTES: {"schema": _SCHEMA}}}},
)
def download_attachment(caller: Reader, id: FindingId, digest: Digest) -> Response:
    """Give out a file of a finding, to be saved."""
    with caller.store.reading() as connection:
        find(connection, id)
        try:
            found = finding_files.one(connection, id, digest)
        except AttachmentError as error:
            raise Refusal.of(error) from None
    if found is None:
        raise Refusal(404, "The finding has no such file.", f"GET /api/v1/findings/{id}/attachments lists them.")
    return page.saved(found[0].name, found[1])
