"""Values that are kept back, as people read them: "text of 12 characters" for ``<str of 12>``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from console.i18n import Texts

_SHAPE = re.compile(r"<(str|int|Decimal|bool|list|dict)(?: of (\d+))?>")
"""As ``mappings.errors.shown`` writes it."""


def told(texts: Texts, value: Any) -> Any:
    """The value in words if only its type and length are told; else as it is."""
    found = _SHAPE.fullmatch(value) if isinstance(value, str) else None
    return texts(f"mapping_editor.shape.{found[1].lower()}", count=found[2]) if found else value
