"""Where Prefect shows a flow run."""

from __future__ import annotations

import os
import re

_ID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def address(flow_run: str | None) -> str | None:
    """The page of a flow run; ``None`` if the run was none of Prefect's, or nobody says where its pages are.

    They are at ``PREFECT_UI_URL``, else beside ``PREFECT_API_URL``: https://docs.prefect.io/v3/api-ref/settings-ref.
    """
    if not flow_run or not _ID.fullmatch(flow_run):
        return None
    base = os.environ.get("PREFECT_UI_URL") or ""
    beside = os.environ.get("PREFECT_API_URL") or ""
    if not base and beside.rstrip("/").endswith("/api"):
        base = beside.rstrip("/").removesuffix("/api")
    if not base.startswith(("http://", "https://")):
        return None
    return f"{base.rstrip('/')}/runs/flow-run/{flow_run}"
