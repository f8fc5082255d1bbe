"""For admins: bring the manifest of a connector, and its mapping; both are read as the product reads them first."""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, HTTPException
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException
from starlette.responses import PlainTextResponse, Response

from console.web.admin import choosing, common
from console.web.admin.common import REFUSALS, Outcome
from console.web.admin.files import CONNECTORS
from console.web.desk import Administrator, Visit, see
from console.web.guard import LARGEST_FORM
from yamlfiles.errors import FileUnusable
from yamlfiles.reading import parse

router = APIRouter()

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")


@dataclass(frozen=True, slots=True)
class Upload:
    """What was sent: a manifest, perhaps its mapping, and whether files that are there may be replaced."""

    manifest: str
    mapping: str
    replace: bool


async def _upload(visit: Administrator) -> Upload:
    """The form; raises ``HTTPException`` 400 if it is none, or not one of this session."""
    body = await visit.request.body()
    if len(body) > LARGEST_FORM or visit.session is None:
        raise HTTPException(400)
    try:
        async with visit.request.form(max_files=2, max_fields=5, max_part_size=LARGEST_FORM) as sent:
            mark = sent.get("csrf")
            if not isinstance(mark, str) or not hmac.compare_digest(mark.encode(), visit.session.csrf.encode()):
                raise HTTPException(400)
            return Upload(await _text(sent.get("manifest")), await _text(sent.get("mapping")), "replace" in sent)
    except (MultiPartException, UnicodeDecodeError):
        raise HTTPException(400) from None


async def _text(sent: UploadFile | str | None) -> str:
    return (await sent.read()).decode("utf-8") if isinstance(sent, UploadFile) else ""


@router.get("/settings/connectors/sample")
def sample(visit: Administrator) -> Response:
    """A manifest to begin with, as a file."""
    common.whole(visit)
    headers = {"content-disposition": 'attachment; filename="acme.yaml"'}
    return PlainTextResponse(choosing.sample(), headers=headers, media_type="application/yaml")


@router.post("/settings/connectors")
def bring(visit: Administrator, sent: Annotated[Upload, Depends(_upload)]) -> Response:
    """Keep the files under ``connectors/``; then the form of a system with this connector."""
    common.whole(visit)
    try:
        file = _kept(visit, sent)
    except REFUSALS as error:
        return choosing.page(visit, common.refused(error), 422)
    if not file:
        return choosing.page(visit, Outcome(key="there_already"), 409)
    return see("/settings/systems/new?" + urlencode({"connector": file}))


def _kept(visit: Visit, sent: Upload) -> str:
    """The manifest's file; empty if there is another one of its name. Raises one of ``REFUSALS``."""
    found, settings, actor = common.files(visit), visit.desk.settings, visit.member.name
    name = str(parse(sent.manifest.replace("\r\n", "\n"), "manifest").get("name", ""))
    if not _NAME.fullmatch(name):
        what = "`name` must be small letters, digits, - and _, and begin with a letter."
        raise FileUnusable("manifest", what, "name: acme")
    texts = {f"{CONNECTORS}/{name}.yaml": sent.manifest}
    if sent.mapping.strip():
        texts[f"{CONNECTORS}/{name}.mapping.yaml"] = sent.mapping
    now = {file: found.read(file) for file in texts}
    if not sent.replace and any(now[file].digest and now[file].text != text for file, text in texts.items()):
        return ""
    for file, text in texts.items():
        found.checked(file, text, settings)
    for file, text in texts.items():
        found.save(file, text, now[file].digest, settings, actor, visit.texts("admin.why.uploaded", file=file))
    return f"{CONNECTORS}/{name}.yaml"
